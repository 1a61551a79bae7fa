"""Texts moved against the model: where to and how far, by hand for a model that is linear."""

import numpy as np
import pytest

import zoo
from zoo.tasks.training_models.adversarial import AdversarialTraining

IDS = np.array([[5, 6, 7, 0], [8, 9, 0, 0]], "int32")
TARGETS = np.array([1, 0], "int32")
EPSILON = 0.7


@pytest.fixture(scope="module")
def model():
    return zoo.BagOfWords(vocabulary_size=12, embedding_dim=4, embedding_dropout=0.0)


def loss_of(reviews):
    return zoo.tasks.sentiment(reviews).loss()


def expected_logits(model):
    table = model.token_embedding.get_weights()[0].astype("float64")
    kernel, bias = (w.astype("float64") for w in model.logits.get_weights())
    real = (IDS > 0)[:, :, None]
    embedded = table[IDS]
    lengths = real.sum(axis=1)
    logits = (embedded * real).sum(axis=1) / lengths @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # Of the cross-entropy, with respect to each real token's embedding.
    slope = (shares - np.eye(2)[TARGETS]) @ kernel.T / lengths
    gradient = real * slope[:, None, :]
    length = np.sqrt((gradient**2).sum(axis=(1, 2), keepdims=True))
    size = np.sqrt((embedded**2 * real).sum() / (real.sum() * 4))
    moved = embedded + EPSILON * size * gradient / length
    return logits, (moved * real).sum(axis=1) / lengths @ kernel + bias


def test_texts_are_moved_along_the_gradient_as_far_as_epsilon_says(model, reviews):
    training_model = AdversarialTraining(model, loss_of(reviews), EPSILON)
    logits, moved = training_model({"inputs": IDS, "targets": TARGETS})
    expected, expected_moved = expected_logits(model)
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    np.testing.assert_allclose(moved, expected_moved, atol=1e-6)
    # One logit alone may rise; by how much the true one is ahead falls, whatever the weights.
    ahead = [np.diff(np.asarray(x), axis=1)[:, 0] * (2 * TARGETS - 1) for x in (logits, moved)]
    assert (ahead[1] < ahead[0]).all()


def test_a_step_is_one_on_both_losses(model, reviews):
    import keras

    from zoo.tasks import scores

    training_model = AdversarialTraining(model, loss_of(reviews), EPSILON)
    training_model.compile(
        keras.optimizers.SGD(0.0), metrics=zoo.tasks.sentiment(reviews).training_metrics()
    )
    logits, moved = expected_logits(model)
    logs = training_model.train_on_batch(
        {"inputs": IDS, "targets": TARGETS}, TARGETS, return_dict=True
    )
    expected = sum(scores.cross_entropy(TARGETS, scores.softmax(x)) for x in (logits, moved))
    assert float(logs["loss"]) == pytest.approx(expected, abs=1e-5)
    assert float(logs["accuracy"]) == (logits.argmax(axis=1) == TARGETS).mean()


@pytest.mark.parametrize("name", ["gru", "transformer"])
def test_every_kind_of_model_is_fitted_so(name, reviews, eager):
    """The whole routine; it is scored without any move, and its weights have changed."""
    task = zoo.tasks.sentiment(reviews, adversarial=1.0)
    options = {"units": 8} if name == "gru" else {"hidden_units": 8}
    model = zoo.create_model(name, **task.model_arguments(), embedding_dim=8, **options)
    before = model.token_embedding.get_weights()[0]
    report = zoo.fit_and_evaluate(model, task, epochs=1, seed=3, verbose=False, test=False)
    assert (before != model.token_embedding.get_weights()[0]).any()
    plain = zoo.tasks.sentiment(reviews)
    again = zoo.evaluate(model, plain, "validation").scores["loss"]
    assert report.validation["loss"] == pytest.approx(again, abs=1e-6)


def test_a_move_backwards_is_refused(reviews):
    with pytest.raises(ValueError, match=r"adversarial must be 0 or more; it is -1"):
        zoo.tasks.sentiment(reviews, adversarial=-1)


def test_a_model_without_embeddings_is_refused(reviews):
    task = zoo.tasks.sentiment(reviews, adversarial=1.0)
    model = zoo.BagOfBigrams(**task.model_arguments(), num_buckets=64)
    with pytest.raises(
        ValueError, match="requires a model with embeddings; bag_of_bigrams has none"
    ):
        zoo.fit_and_evaluate(model, task, epochs=1, verbose=False)
