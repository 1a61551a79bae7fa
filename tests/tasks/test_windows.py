"""Windows: every token is asked for once, with the context that was promised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.preprocessing import TokenSequences
from zoo.tasks.windows import evaluation_windows, slice_padded, training_windows

# Tokens of each document, the start token included.
LENGTHS = st.lists(st.integers(1, 60), max_size=8)
WINDOW = st.integers(2, 25)


def documents(lengths):
    return TokenSequences(np.arange(1, sum(lengths) + 1, dtype="int32"), lengths)


def asked_places(windows):
    ranges = [np.arange(a, e) for a, e in zip(windows.asked, windows.end, strict=True)]
    return np.concatenate([np.zeros(0, "int64"), *ranges])


def check_windows(windows, lengths, most):
    """What holds in training and in evaluation."""
    texts = documents(lengths)
    document = np.repeat(np.arange(len(lengths)), lengths)
    # Every token but the first of each document, once.
    every = np.setdiff1d(np.arange(sum(lengths)), texts.starts[:-1])
    assert sorted(asked_places(windows)) == every.tolist()
    assert windows.num_asked == len(every)
    assert (windows.begin < windows.asked).all() and (windows.asked < windows.end).all()
    assert (document[windows.begin] == document[windows.end - 1]).all()
    assert ((windows.lengths >= 1) & (windows.lengths <= most)).all()
    assert len(windows) == len(windows.lengths)


@settings(max_examples=200, deadline=None)
@given(LENGTHS, WINDOW, st.one_of(st.none(), st.integers(0, 2**32)))
def test_training_asks_for_every_token_once_wherever_the_cuts_fall(lengths, most, seed):
    random = None if seed is None else np.random.default_rng(seed)
    windows = training_windows(documents(lengths), most, random)
    check_windows(windows, lengths, most)
    assert (windows.asked == windows.begin + 1).all()


@settings(max_examples=200, deadline=None)
@given(LENGTHS, WINDOW)
def test_evaluation_asks_for_every_token_once_with_half_a_window_before_it(lengths, most):
    texts = documents(lengths)
    windows = evaluation_windows(texts, most, "test")
    check_windows(windows, lengths, most)
    document = np.repeat(np.arange(len(lengths)), lengths)
    for begin, asked in zip(windows.begin, windows.asked, strict=True):
        there_is = asked - texts.starts[document[asked]]
        assert asked - begin >= min(most / 2, there_is)
    assert windows.split == "test"


def test_every_cut_comes_up_and_a_document_that_fits_is_not_cut():
    firsts = set()
    for seed in range(200):
        windows = training_windows(documents([31, 9]), 8, np.random.default_rng(seed))
        firsts.add(int(windows.lengths[0]))
        assert windows.lengths[-1] == 8 and windows.begin[-1] == 31
    assert firsts == set(range(1, 9))


def test_windows_by_hand():
    windows = evaluation_windows(documents([11]), 4, "validation")
    assert windows.begin.tolist() == [0, 2, 4, 6]
    assert windows.asked.tolist() == [1, 5, 7, 9]
    assert windows.end.tolist() == [5, 7, 9, 11]
    windows = training_windows(documents([11]), 4)
    assert windows.begin.tolist() == [0, 4, 8] and windows.end.tolist() == [5, 9, 11]


@pytest.mark.parametrize("multiple_of", [1, 4])
def test_rows_are_gathered_and_padded_on_the_right(multiple_of):
    ids = np.arange(10, 20)
    rows = slice_padded(ids, np.array([0, 8]), np.array([3, 10]), multiple_of)
    assert rows.dtype == np.int32 and rows.shape == (2, {1: 3, 4: 4}[multiple_of])
    assert rows[:, :3].tolist() == [[10, 11, 12], [18, 19, 0]] and not rows[:, 3:].any()
    assert slice_padded(ids, np.zeros(0, int), np.zeros(0, int), multiple_of).shape[0] == 0
