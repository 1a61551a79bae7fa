"""How far a model remembers: answers, and their gradients, by the distance of the evidence.

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

# Tokens of the longest synthetic review, without the plot behind its verdict.
_REST = 40

_BATCH_SIZE = 256


def accuracy_by_distance(
    model, task: "zoo.tasks.Task", distances: Iterable[int], size: int = 500, seed: int = 0
) -> dict[int, float]:
    """Gives the accuracy on synthetic reviews with more and more plot behind what decides them.

    Args:
        model: a classifier that was fitted on `zoo.datasets.synthetic_reviews`.
        task: its task.
        distances: tokens of plot between the verdict and the end of a text.
        size: reviews a distance; the standard error of an accuracy p is sqrt(p (1 - p) / size).
        seed: which reviews; those of the test split of the dataset with this seed.

    Returns:
        The accuracy, 0 to 1, for each distance.

    Raises:
        ValueError: for a task of other labels, or a distance at which it does not read all.
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
    """Gives how much the answer still depends on each token, by its distance from the end.

    The norm of the gradient of the logit margin (see `Attribution`) with respect to a token's
    embedding.
    In a recurrent network it is what is left of the product of Bengio et al. 1994, "Learning
    Long-Term Dependencies with Gradient Descent is Difficult", section 4; where it vanishes, no
    training can make the token count.

    Args:
        model: a classifier with embeddings.
        task: its task.
        text: a text.
        label: whose logit margin; None for the likeliest.

    Returns:
        (T,), in logits a unit of embedding: that of the last token first.

    Raises:
        ValueError: for a model without embeddings or of another task, or an unknown label.
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
