"""Pooling over real tokens only."""

import numpy as np
import pytest

from zoo.layers import PaddingMask, Pooling

FEATURES = np.array([[[1.0, -4.0], [3.0, -2.0], [9.0, 9.0]], [[-5.0, 0.5], [9.0, 9.0], [9.0, 9.0]]])
MASK = np.array([[True, True, False], [True, False, False]])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("last", [[3, -2], [-5, 0.5]]),
        ("average", [[2, -3], [-5, 0.5]]),
        ("max", [[3, -2], [-5, 0.5]]),
        ("average+max", [[2, -3, 3, -2], [-5, 0.5, -5, 0.5]]),
    ],
)
def test_padding_is_left_out(kind, expected):
    pooled = Pooling(kind)(FEATURES.astype("float32"), MASK)
    np.testing.assert_allclose(pooled, expected)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"one of last, average, max, average.max; it is 'mean'"):
        Pooling("mean")


def test_only_zero_is_padding():
    np.testing.assert_array_equal(PaddingMask()(np.array([[5, 1, 0]])), [[True, True, False]])
