"""Padded rows and windows, in NumPy and on the backend alike."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.utils.sequences import drop_last, half_overlapping_windows, join_padded, pad_width

ROWS = st.lists(
    st.tuples(
        st.lists(st.integers(1, 9), min_size=1, max_size=6), st.lists(st.integers(1, 9), max_size=6)
    ),
    min_size=1,
    max_size=4,
)


def padded(rows, extra=0):
    matrix = np.zeros((len(rows), max(map(len, rows)) + extra), "int32")
    for row, ids in enumerate(rows):
        matrix[row, : len(ids)] = ids
    return matrix


def on_the_backend(function, *arrays):
    found = function(*(keras.ops.convert_to_tensor(array) for array in arrays))
    return keras.tree.map_structure(keras.ops.convert_to_numpy, found)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 2))
def test_rows_are_joined_without_a_gap(rows, extra):
    first, second = (padded([pair[side] for pair in rows], extra) for side in (0, 1))
    joined = join_padded(first, second)
    expected = padded([[*before, *after] for before, after in rows])
    assert joined.dtype == np.int32
    np.testing.assert_array_equal(joined, expected)
    np.testing.assert_array_equal(on_the_backend(join_padded, first, second), joined)
    shorter = drop_last(first)
    for row, (ids, _) in enumerate(rows):
        assert shorter[row][shorter[row] > 0].tolist() == ids[:-1]
    np.testing.assert_array_equal(on_the_backend(drop_last, first), shorter)


@pytest.mark.parametrize("multiple_of", [1, 4])
def test_widths_are_padded_to_a_multiple(multiple_of):
    rows = pad_width(np.ones((2, 5), "int32"), multiple_of)
    assert rows.shape == (2, {1: 5, 4: 8}[multiple_of]) and rows.sum() == 10


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=5), st.integers(1, 12), st.integers(1, 5))
def test_windows_are_the_same_on_the_backend(lengths, context, first):
    lengths = np.array(lengths, "int32")
    windows = half_overlapping_windows(lengths, context, first)
    found = half_overlapping_windows(keras.ops.convert_to_tensor(lengths), context, first)
    for one, other in zip(windows, found, strict=True):
        np.testing.assert_array_equal(one, keras.ops.convert_to_numpy(other))
