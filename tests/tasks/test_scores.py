"""Metrics against their definitions, counted out by hand."""

import numpy as np
import pytest

from zoo.tasks import scores


def test_confusion_and_f1():
    labels, predictions = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    confusion = scores.confusion_matrix(labels, predictions, 2)
    assert confusion.tolist() == [[1, 1], [1, 2]]
    assert scores.f1(labels, predictions, 2) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert scores.confusions(labels, predictions).tolist() == [
        [0, 0, 1],
        [0, 1, 1],
        [1, 0, 1],
        [1, 1, 2],
    ]
    labels, predictions = np.array([0, 0, 1]), np.array([0, 0, 2])
    assert scores.f1(labels, predictions, 3) == pytest.approx((1 + 0 + 0) / 3)


def test_auc_is_the_share_of_pairs_in_order():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    positive = random.integers(0, 8, 60) / 8  # With many ties.
    pairs = [(p > n) + 0.5 * (p == n) for p in positive[labels == 1] for n in positive[labels == 0]]
    probabilities = np.stack([1 - positive, positive], axis=1)
    assert scores.auc(labels, probabilities) == pytest.approx(np.mean(pairs))
    assert scores.auc(np.zeros(3, int), probabilities[:3]) is None
    # Of many classes the mean; one that does not occur is left out.
    many = np.concatenate([probabilities / 100, np.zeros((60, 68))], axis=1)
    labels = np.where(labels == 1, 69, 68)
    many[:, 69], many[:, 68] = positive, 1 - positive
    assert scores.auc(labels, many) == pytest.approx(np.mean(pairs))


def test_calibration_error_by_bin():
    # Two sure answers of which one is right, and two at 0.6 that are both right.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    assert scores.calibration_error(labels, probabilities) == pytest.approx(
        0.5 * abs(0.5 - 0.9) + 0.5 * abs(1 - 0.6)
    )
    assert scores.calibration_error(np.array([0]), np.array([[1.0, 0.0]])) == 0


def test_cross_entropy_in_nats():
    probabilities = scores.softmax(np.log([[0.25, 0.75], [0.5, 0.5]]))
    np.testing.assert_allclose(probabilities, [[0.25, 0.75], [0.5, 0.5]])
    assert scores.cross_entropy(np.array([1, 0]), probabilities) == pytest.approx(
        -(np.log(0.75) + np.log(0.5)) / 2
    )
    assert np.isfinite(scores.cross_entropy(np.array([1]), np.array([[1.0, 0.0]])))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_best_temperature_is_found(temperature):
    """Labels that are drawn from probabilities are best told by their own logits."""
    random = np.random.default_rng(5)
    logits = random.normal(size=(20_000, 3))
    shares = scores.softmax(logits)
    labels = (shares.cumsum(axis=1) > random.uniform(size=(len(logits), 1))).argmax(axis=1)
    found = scores.best_temperature(labels, logits * temperature)
    assert found == pytest.approx(temperature, rel=0.05)

    def loss(at):
        return scores.cross_entropy(labels, scores.softmax(logits * temperature / at))

    assert loss(found) < min(loss(found * 1.01), loss(found / 1.01))


def test_a_model_that_is_always_right_gets_as_sure_as_may_be():
    logits = np.array([[2.0, 0.0], [0.0, 3.0]])
    assert scores.best_temperature(np.array([0, 1]), logits) == pytest.approx(0.01)
