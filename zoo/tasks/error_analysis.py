"""Error analysis of a classifier, in numbers only: results contain no text.

The word lists are English. If no text contains a negation, accuracy by negation is left out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.preprocessing.markup import TAG
from zoo.tasks import scores

# Number of errors to describe, the most confident ones.
NUM_MISTAKES = 10

# Classes of the largest matrix of confusions that is kept; of more, the pairs that occur.
MAX_MATRIX = 30

# Number of bins of confidence.
NUM_BINS = 10

_TAG = re.compile(TAG)
_NEGATION = re.compile(
    r"n['\u2019]t\b|\b(?:not?|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly)\b"
)
_CONTRAST = re.compile(
    r"\b(?:but|however|although|though|yet|despite|nevertheless|nonetheless|whereas|while|instead"
    r"|otherwise|unfortunately|still)\b"
)
# "7/10", "3.5 out of 5", "8 stars"; neither "9/11" nor "24/7".
_RATING = re.compile(r"\b\d{1,3}(?:[.,]\d+)?\s?(?:(?:/|out of)\s?(?:4|5|10|100)\b|stars?\b)")

# The upper bounds of a slice, each with the slice's name; the last has none.
_LENGTHS = (
    (100, "up to 100 words"),
    (200, "101 to 200 words"),
    (400, "201 to 400 words"),
    (np.inf, "more than 400 words"),
)
# By share of the words, or else this would be another division by length.
_NEGATIONS = (
    (0.0, "no negation"),
    (0.02, "up to 2 negations in 100 words"),
    (np.inf, "more than 2 negations in 100 words"),
)


class Mistake(NamedTuple):
    """A misclassified text, described.

    Attributes:
        place: index of the text in its split.
        true: name of its class.
        predicted: name of the predicted class.
        probability: predicted probability of that class.
        words: number of words.
        negations: number of negations.
        contrast_words: number of words such as "but" and "although".
        has_rating: whether it contains a rating in numbers.
        upper_case_share: share of words in all capitals, among words of at least two letters.
    """

    place: int
    true: str
    predicted: str
    probability: float
    words: int
    negations: int
    contrast_words: int
    has_rating: bool
    upper_case_share: float


class Confusion(NamedTuple):
    """Texts of one class that were taken for another.

    Attributes:
        true: name of their class.
        predicted: name of the predicted class.
        texts: how many there are.
        share: their share of all texts of their class.
    """

    true: str
    predicted: str
    texts: int
    share: float


def confusion_details(
    labels: np.ndarray, predictions: np.ndarray, label_names: Sequence[str]
) -> dict[str, Any]:
    """Counts of true and predicted classes as JSON values.

    Args:
        labels: true classes (N,).
        predictions: predicted classes (N,).
        label_names: the names of the C classes.

    Returns:
        `"label_names"`, and of up to 30 classes `"confusion_matrix"`, counts (C, C), a row a true
        class; of more, `"confusions"`, rows (true class, predicted class, count) of the pairs that
        occur.
    """
    names = list(label_names)
    if len(names) <= MAX_MATRIX:
        matrix = scores.confusion_matrix(labels, predictions, len(names))
        return {"confusion_matrix": matrix.tolist(), "label_names": names}
    return {"confusions": scores.confusions(labels, predictions).tolist(), "label_names": names}


def top_confusions(details: Mapping[str, Any], most: int = 10) -> list[Confusion]:
    """The most frequent confusions, in decreasing order.

    Args:
        details: of an `Evaluation` or a `Report`, see `confusion_details`.
        most: how many there are at most.

    Returns:
        A list that is empty without details of confusions.
    """
    names = details.get("label_names", [])
    counts = np.array(details.get("confusions", []), "int64").reshape(-1, 3)
    if matrix := details.get("confusion_matrix"):
        matrix = np.asarray(matrix)
        places = np.nonzero(matrix)
        counts = np.column_stack([*places, matrix[places]])
    if not len(counts) or counts[:, :2].max() >= len(names):
        return []
    of_class = np.bincount(counts[:, 0], weights=counts[:, 2])
    wrong = counts[counts[:, 0] != counts[:, 1]]
    chosen = wrong[np.argsort(-wrong[:, 2], kind="stable")][:most]
    return [
        Confusion(names[true], names[predicted], int(texts), float(texts / of_class[true]))
        for true, predicted, texts in chosen
    ]


def num_words(text: str) -> int:
    """Number of words of a text, separated by white space, without markup."""
    return len(_TAG.sub(" ", text).split())


def num_negations(text: str) -> int:
    """Number of English negations in a text: not, n't, no, never ..."""
    return len(_NEGATION.findall(text.lower()))


def slices(texts: Sequence[str], is_right: np.ndarray) -> dict[str, list[dict[str, Any]]]:
    """Accuracy by length and by negation.

    Args:
        texts: N texts.
        is_right: whether each prediction is correct, bool (N,).

    Returns:
        `"length"` and, if a text has a negation, `"negation"`: a row for each subset that is not
        empty, with `slice`, `texts` and `accuracy`.
    """
    words = np.array([num_words(text) for text in texts])
    negations = np.array([num_negations(text) for text in texts])
    divided = {"length": _divided(words, _LENGTHS, is_right)}
    if negations.any():
        divided["negation"] = _divided(negations / np.maximum(words, 1), _NEGATIONS, is_right)
    return divided


def _divided(values: np.ndarray, bounds, is_right: np.ndarray) -> list[dict[str, Any]]:
    rows = []
    lower = -np.inf
    for upper, name in bounds:
        inside = (values > lower) & (values <= upper)
        if inside.any():
            accuracy = float(is_right[inside].mean())
            rows.append({"slice": name, "texts": int(inside.sum()), "accuracy": accuracy})
        lower = upper
    return rows


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> list[dict[str, Any]]:
    """Accuracy by confidence (DeGroot and Fienberg 1983).

    Args:
        labels: true classes (N,).
        probabilities: of each class (N, C).

    Returns:
        A row for each bin of confidence that has texts: `from`, `to`, `confidence` (mean),
        `accuracy` and `texts`. The bins have equal widths between 1/C, the lowest possible
        confidence, and 1.
    """
    lowest = 1 / probabilities.shape[1]
    edges = np.linspace(lowest, 1, NUM_BINS + 1)
    confidence = probabilities.max(axis=1).astype("float64")
    is_right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, NUM_BINS - 1)
    return [
        {
            "from": float(edges[k]),
            "to": float(edges[k + 1]),
            "confidence": float(confidence[place == k].mean()),
            "accuracy": float(is_right[place == k].mean()),
            "texts": int((place == k).sum()),
        }
        for k in np.unique(place)
    ]


def mistakes(
    texts: Sequence[str],
    labels: np.ndarray,
    probabilities: np.ndarray,
    label_names: Sequence[str],
) -> list[Mistake]:
    """The most confident errors, in decreasing order of confidence, at most ten.

    Args:
        texts: N texts.
        labels: their true classes (N,).
        probabilities: of each class (N, C).
        label_names: the C classes.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-probabilities.max(axis=1)[wrong], kind="stable")][:NUM_MISTAKES]
    return [
        Mistake(
            place=int(place),
            true=label_names[labels[place]],
            predicted=label_names[predicted[place]],
            probability=float(probabilities[place].max()),
            **_described(texts[place]),
        )
        for place in surest
    ]


def _described(text: str) -> dict[str, Any]:
    plain = _TAG.sub(" ", text)
    lowered = plain.lower()
    words = [word for word in plain.split() if sum(map(str.isalpha, word)) > 1]
    return {
        "words": num_words(text),
        "negations": num_negations(plain),
        "contrast_words": len(_CONTRAST.findall(lowered)),
        "has_rating": bool(_RATING.search(lowered)),
        "upper_case_share": sum(map(str.isupper, words)) / max(len(words), 1),
    }


def where_it_fails(
    texts: Sequence[str],
    labels: np.ndarray,
    probabilities: np.ndarray,
    label_names: Sequence[str],
) -> dict[str, Any]:
    """`slices` and `mistakes` as JSON values."""
    found = mistakes(texts, labels, probabilities, label_names)
    return {
        "slices": slices(texts, probabilities.argmax(axis=1) == labels),
        "mistakes": [mistake._asdict() for mistake in found],
    }
