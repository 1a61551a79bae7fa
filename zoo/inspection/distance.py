"""How far back a model uses evidence: accuracy and gradients by distance.

Shape letters: T tokens.
"""

from collections.abc import Iterable

import numpy as np

import zoo
from zoo.inspection.logit_margin import (
    check_classifier,
    embedded,
    gradients,
    label_index,
    logits_of,
    margin_weights,
)
from zoo.inspection.reading import read

# Tokens of the longest synthetic review, without the plot after its verdict.
_REST = 40

_BATCH_SIZE = 256


def accuracy_by_distance(
    model, task: "zoo.tasks.Task", distances: Iterable[int], size: int = 500, seed: int = 0
) -> dict[int, float]:
    """Returns the accuracy on synthetic reviews by the distance of the verdict from the end.

    Args:
        model: a classifier fitted on `zoo.datasets.synthetic_reviews`.
        task: its task.
        distances: tokens of plot between the verdict and the end of a text.
        size: reviews for each distance; the standard error of an accuracy p is
            sqrt(p (1 - p) / size).
        seed: the seed of the dataset whose test split is used.

    Returns:
        The accuracy, from 0 to 1, for each distance.

    Raises:
        ValueError: for a task with other labels, or a distance beyond its sequence length.

    Example:
    >>> accuracies = zoo.inspection.accuracy_by_distance(model, task, [0, 5], size=20)
    >>> sorted(accuracies)
    [0, 5]
    """
    check_classifier(task)
    accuracies = {}
    for distance in distances:
        _check_read_whole(task, distance)
        reviews = zoo.datasets.load(
            "synthetic_reviews",
            train_size=1,
            validation_size=1,
            test_size=size,
            distance=distance,
            seed=seed,
        )
        asked = zoo.tasks.Sentiment(task.text_to_ids, task.label_names, reviews)
        accuracies[distance] = asked.evaluate(model, asked.examples("test"), _BATCH_SIZE).scores[
            "accuracy"
        ]
    return accuracies


def gradient_norm_by_distance(
    model, task: "zoo.tasks.Task", text: str, *, label: str | None = None
) -> np.ndarray:
    """Returns the gradient norm of the prediction for each token, by distance from the end.

    It is the norm of the gradient of the logit margin (see `Attribution`) with respect to the
    embedding of a token. In a recurrent network this gradient contains the product of Jacobians of
    Bengio et al. 1994, "Learning Long-Term Dependencies with Gradient Descent is Difficult",
    section 4; where it vanishes, training cannot make the token count.

    Args:
        model: a classifier with embeddings.
        task: its task.
        text: a text.
        label: the label of the logit margin; None for the predicted one.

    Returns:
        (T,), in logits per unit of the embedding, the last token first.

    Raises:
        ValueError: for a model without embeddings or of another task, or an unknown label.

    Example:
    >>> zoo.inspection.gradient_norm_by_distance(model, task, "A fine film.").shape
    (3,)
    """
    check_classifier(task)
    ids = read(task, text).ids
    logits = logits_of(model, ids[None])[0]
    weights = margin_weights(len(logits), label_index(task, label, logits))
    unmoved = np.zeros_like(embedded(model, ids[None]))
    return np.linalg.norm(gradients(model, ids, unmoved, weights)[0], axis=-1)[::-1]


def _check_read_whole(task, distance: int) -> None:
    bound = task.text_to_ids.sequence_length
    if bound is not None and distance + _REST > bound:
        raise ValueError(
            f"The task reads {bound} tokens of a text, so that distance can be {bound - _REST} at "
            f"most; it is {distance}."
        )
