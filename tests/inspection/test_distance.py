"""Answers and gradients by the distance of the evidence."""

import numpy as np
import pytest

import zoo
from tests.helpers import small_model
from zoo.inspection.distance import accuracy_by_distance, gradient_norm_by_distance

TEXT = "The music was not dull, but the story was weak."


@pytest.fixture(scope="module")
def task(reviews):
    return zoo.tasks.sentiment(reviews)


def test_accuracies_are_those_of_reviews_at_that_distance(task):
    model = small_model("bag_of_words", task)
    found = accuracy_by_distance(model, task, [0, 20], size=40, seed=3)
    assert list(found) == [0, 20]
    for distance, accuracy in found.items():
        sizes = {"train_size": 1, "validation_size": 1, "test_size": 40}
        reviews = zoo.datasets.synthetic_reviews(**sizes, distance=distance, seed=3)
        ids = np.asarray(task.text_to_ids(reviews.test["text"]))
        answers = np.asarray(model(ids)).argmax(axis=1)
        assert accuracy == pytest.approx((answers == reviews.test["label"]).mean())
        assert 0 < accuracy < 1


def test_of_a_bag_of_words_every_token_counts_the_same(task):
    """Its logits are linear in the mean of the embeddings."""
    model = small_model("bag_of_words", task)
    kernel = np.asarray(model.logits.kernel)
    norms = gradient_norm_by_distance(model, task, TEXT)
    expected = np.linalg.norm(kernel[:, 1] - kernel[:, 0]) / len(norms)
    assert len(norms) == 10
    np.testing.assert_allclose(norms, expected, rtol=1e-4)


def test_the_last_token_comes_first(task):
    """A SimpleRNN whose state counts for nothing sees its last token only."""
    model = small_model("simple_rnn", task, num_layers=1, pooling="last")
    kernel, recurrent, bias = model.blocks[0].forward.get_weights()
    model.blocks[0].forward.set_weights([kernel, 0 * recurrent, bias])
    norms = gradient_norm_by_distance(model, task, TEXT, label="positive")
    assert norms[0] > 1e-3
    np.testing.assert_allclose(norms[1:], 0, atol=1e-7)
    # With a weight of 1/1000 it halves its trace by far more than that at each token.
    model.blocks[0].forward.set_weights([kernel, 1e-3 * np.eye(6, dtype="float32"), bias])
    norms = gradient_norm_by_distance(model, task, TEXT)
    assert (norms[1:4] < 2e-3 * norms[:3]).all() and (norms[1:4] > 0).all()


def test_faults_are_one_sentence(task, reviews):
    model = small_model("bag_of_words", task)
    with pytest.raises(ValueError, match="The task reads 400 tokens.*360 at most; it is 380"):
        accuracy_by_distance(model, task, [380])
    writing = zoo.tasks.text_generation(reviews)
    with pytest.raises(ValueError, match="Only the prediction of a classifier"):
        gradient_norm_by_distance(small_model("gru", writing), writing, TEXT)
    with pytest.raises(ValueError, match="has no embeddings"):
        gradient_norm_by_distance(small_model("bag_of_bigrams", task), task, TEXT)
