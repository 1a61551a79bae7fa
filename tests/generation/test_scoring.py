"""The probability of texts, against passes over windows cut by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.generation import text_scorer

VOCABULARY, LENGTHS = 20, [23, 2, 9, 1]


def by_hand(model, ids, context):
    """Windows as the docstring has them: the first whole, each further one for its last half."""
    total, place, half = [0.0], 1, context // 2
    while place < len(ids):
        end = min(place + (context if place == 1 else half), len(ids))
        begin = 0 if place == 1 else max(end - 1 - context, 0)
        if model.is_encoder_decoder:
            read = np.array([[2, *ids[place : end - 1]]])
            logits = model({"token_ids": read, "source_ids": np.array([ids[begin:place]])})
            logits = np.asarray(logits, "float64")[0]
        else:
            logits = np.asarray(model(np.array([ids[begin : end - 1]])), "float64")[0]
            logits = logits[place - 1 - begin :]
        told = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        total += told[np.arange(end - place), ids[place:end]].tolist()
        place = end
    return total


@pytest.mark.parametrize("name", ["gru", "gpt", "transformer"])
@pytest.mark.parametrize("context", [8, 64])
def test_every_token_is_asked_for_once(name, context, monkeypatch):
    monkeypatch.setattr("zoo.generation.scoring._WINDOWS", 2)  # Several rounds.
    keras.utils.set_random_seed(0)
    model = zoo.create_model(
        name, vocabulary_size=VOCABULARY, sequence_length=context, head="language_model"
    )
    random = np.random.default_rng(0)
    ids = np.zeros((len(LENGTHS), max(LENGTHS)), "int32")
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = [2, *random.integers(3, VOCABULARY, length - 1)]
    score = tf.function(text_scorer(model, context))
    nats, num_tokens = score(tf.constant(ids))
    assert num_tokens.numpy().tolist() == [length - 1 for length in LENGTHS]
    expected = np.zeros(ids.shape)
    for row, length in enumerate(LENGTHS):
        expected[row, :length] = by_hand(model, ids[row, :length].tolist(), context)
    np.testing.assert_allclose(nats, expected, rtol=1e-4, atol=1e-4)
    assert score(tf.zeros([0, 3], tf.int32))[0].shape == (0, 3)
