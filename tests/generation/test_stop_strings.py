"""Where a continuation ends by its text."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.generation.stop_strings import cut_at, cut_tokens, settled

TEXTS = st.text("ab", max_size=8)
STOPS = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("One. Two.", ["."], "One"),
        ("One. Two", ["Two", ". "], "One"),
        ("One", ["."], None),
        ("", ["."], None),
        ("END", ["END"], ""),
        ("a\n\nb", ["\n\n"], "a"),
        ("a.*b", [".*"], "a"),
        ("né é", ["é"], "n"),
    ],
)
def test_a_text_is_cut_before_the_first_of_its_stop_strings(text, stop, expected):
    assert cut_at(text, stop) == expected


@given(TEXTS, TEXTS, STOPS)
def test_what_is_settled_is_part_of_every_cut_text(text, more, stop):
    """Text that was shown is not taken back, and no more is held back than has to be."""
    if cut_at(text, stop) is not None:
        return
    shown = settled(text, stop)
    whole = text + more
    final = cut_at(whole, stop)
    assert (whole if final is None else final).startswith(shown)
    if shown != text:
        assert any(
            cut_at(text + "".join(letters), stop) == shown
            for length in (1, 2)
            for letters in itertools.product("ab", repeat=length)
        )


@given(st.lists(st.sampled_from(["a", "b", "ab", "ba"]), min_size=1, max_size=8), STOPS)
def test_tokens_are_cut_behind_the_one_that_completes_a_string(tokens, stop):
    if cut_at("".join(tokens), stop) is None:
        return
    vocabulary = ["", "a", "b", "ab", "ba"]
    ids = np.array([vocabulary.index(token) for token in tokens])
    number, text = cut_tokens(ids, lambda b: ["".join(vocabulary[i] for i in r) for r in b], stop)
    first = next(n for n in range(9) if cut_at("".join(tokens[:n]), stop) is not None)
    assert (number, text) == (first, cut_at("".join(tokens[:first]), stop))
