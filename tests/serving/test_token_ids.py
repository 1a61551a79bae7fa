"""The endpoints that take token ids in place of texts."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.serving.token_ids import check_token_ids

TEXTS = ["The story was wonderful.", "", "dull " * 900, "unheard-of words"]


@pytest.fixture(scope="module")
def classifier(run):
    return tf.saved_model.load(str(run / "saved_model" / "1"))


def test_a_classifier_answers_to_ids_as_to_their_text(run, classifier):
    _, task = zoo.load(run)
    ids = task.text_to_ids(TEXTS)
    by_text = classifier.signatures["serve"](text=tf.constant(TEXTS))
    by_ids = classifier.signatures["serve_ids"](token_ids=ids)
    assert by_text.keys() == by_ids.keys() == {"label", "score", "probabilities"}
    for name, value in by_text.items():
        np.testing.assert_array_equal(by_ids[name], value)
    # Padding changes nothing.
    padded = classifier.signatures["serve_ids"](token_ids=tf.pad(ids[:2, :9], [[0, 0], [0, 30]]))
    np.testing.assert_allclose(padded["score"], by_text["score"][:2], atol=1e-6)
    none = classifier.signatures["serve_ids"](token_ids=tf.zeros([0, 0], tf.int32))
    assert none["label"].shape == (0,)


@pytest.mark.parametrize(
    ("token_ids", "message"),
    [
        ([[4, -1]], "token_ids must be from 0 to 9; they are"),
        ([[4, 10]], "token_ids must be from 0 to 9; they are"),
        ([[4], [0]], "token_ids must have one token per row at least, padded right with 0"),
        ([[0, 4]], "token_ids must have one token per row at least, padded right with 0"),
        ([[4, 0, 4]], "token_ids must have one token per row at least, padded right with 0"),
        ([[], []], "token_ids must have one token per row at least, padded right with 0"),
        ([[4, 4, 4, 4]], "token_ids must have at most 3 columns; they are"),
    ],
)
def test_ids_that_are_no_text_are_refused(token_ids, message):
    check = tf.function(lambda ids: check_token_ids(ids, 10, 3))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        check(tf.constant(token_ids, tf.int32))
    assert message in str(caught.value)


def test_ids_of_texts_are_not_changed():
    ids = tf.constant([[2, 9, 3], [1, 0, 0]])
    np.testing.assert_array_equal(check_token_ids(ids, 10, 3), ids)
    assert check_token_ids(tf.zeros([0, 0], tf.int32), 10).shape == (0, 1)


def test_an_endpoint_refuses_ids_beyond_its_vocabulary(run, classifier):
    size = len(zoo.load(run)[1].text_to_ids.vocabulary)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"must be from 0 to {size - 1}"):
        classifier.signatures["serve_ids"](token_ids=tf.constant([[size]]))
