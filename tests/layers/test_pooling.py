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


@pytest.mark.parametrize("kind", ["last", "average", "max", "average+max"])
def test_a_row_that_is_all_padding_becomes_zeros(kind):
    mask = np.array([[True, True, False], [False, False, False]])
    pooled = np.asarray(Pooling(kind)(FEATURES.astype("float32"), mask))
    np.testing.assert_array_equal(pooled[1], 0)
    np.testing.assert_array_equal(pooled[0], Pooling(kind)(FEATURES.astype("float32"), MASK)[0])


@pytest.mark.parametrize("kind", ["last", "average", "max", "average+max"])
def test_a_row_that_is_all_padding_has_finite_gradients(kind):
    import tensorflow as tf

    features = tf.constant(FEATURES, "float32")
    with tf.GradientTape() as tape:
        tape.watch(features)
        total = tf.reduce_sum(Pooling(kind)(features, np.zeros((2, 3), "bool")))
    gradient = tape.gradient(total, features)
    assert gradient is None or np.isfinite(tf.convert_to_tensor(gradient)).all()
