"""Each recurrent layer against its equations, written out in NumPy."""

import keras
import numpy as np
import pytest

from zoo.layers import RecurrentBlock

BATCH, TOKENS, WIDTH, UNITS = 3, 7, 5, 4
LENGTHS = [7, 4, 1]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_rnn_step(x, state, w, u, b):
    h = np.tanh(x @ w + state[0] @ u + b)
    return h, [h]


def lstm_step(x, state, w, u, b):
    h, c = state
    i, f, g, o = np.split(x @ w + h @ u + b, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def gru_step(x, state, w, u, b):
    (h,) = state
    z_x, r_x, g_x = np.split(x @ w + b[0], 3, axis=-1)
    z_h, r_h, g_h = np.split(h @ u + b[1], 3, axis=-1)
    z, r = sigmoid(z_x + z_h), sigmoid(r_x + r_h)
    h = z * h + (1 - z) * np.tanh(g_x + r * g_h)
    return h, [h]


STEPS = {"simple_rnn": simple_rnn_step, "lstm": lstm_step, "gru": gru_step}


def recurrence(cell, x, weights):
    """Features (T, U) of one row (T, E), step by step."""
    state = [np.zeros(UNITS)] * (2 if cell == "lstm" else 1)
    features = []
    for token in x:
        h, state = STEPS[cell](token, state, *weights)
        features.append(h)
    return np.array(features)


def made(cell, **options):
    keras.utils.set_random_seed(3)
    block = RecurrentBlock(cell, UNITS, **options)
    x = np.random.default_rng(0).normal(size=(BATCH, TOKENS, WIDTH)).astype("float32")
    mask = np.arange(TOKENS)[None] < np.array(LENGTHS)[:, None]
    block(x, mask)
    for weight in block.trainable_variables:  # Biases start at zero, where they would not be seen.
        weight.assign(np.random.default_rng(1).normal(size=weight.shape) * 0.5)
    return block, x, mask


@pytest.mark.parametrize("cell", STEPS)
def test_equals_the_equations(cell):
    block, x, mask = made(cell)
    features = keras.ops.convert_to_numpy(block(x, mask))
    weights = [keras.ops.convert_to_numpy(w) for w in block.forward.trainable_variables]
    for row, length in enumerate(LENGTHS):
        expected = recurrence(cell, x[row, :length], weights)
        np.testing.assert_allclose(features[row, :length], expected, atol=1e-5)


@pytest.mark.parametrize("cell", STEPS)
def test_both_ways_reads_the_real_part_backward(cell):
    block, x, mask = made(cell, bidirectional=True)
    features = keras.ops.convert_to_numpy(block(x, mask))
    weights = [keras.ops.convert_to_numpy(w) for w in block.backward.trainable_variables]
    for row, length in enumerate(LENGTHS):
        expected = recurrence(cell, x[row, :length][::-1], weights)[::-1]
        np.testing.assert_allclose(features[row, :length, UNITS:], expected, atol=1e-5)


@pytest.mark.parametrize("cell", STEPS)
def test_pads_leave_the_state_as_it_was(cell):
    block, x, mask = made(cell)
    state = block.initial_state(BATCH, TOKENS)
    _, state = block.advance(x, mask, state, None)
    _, after_pads = block.advance(x[:, :1], np.zeros((BATCH, 1), bool), state, None)
    for before, after in zip(state, after_pads, strict=True):
        np.testing.assert_array_equal(before, after)
    for row, length in enumerate(LENGTHS):
        alone = block.initial_state(1, TOKENS)
        _, alone = block.advance(x[row : row + 1, :length], np.ones((1, length), bool), alone, None)
        for one, many in zip(alone, state, strict=True):
            np.testing.assert_allclose(one[0], many[row], atol=1e-6)
