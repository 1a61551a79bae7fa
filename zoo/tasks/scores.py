"""Metrics of a classifier, computed exactly over a whole split from its logits."""

import numpy as np

# Classes whose probabilities are copied at a time.
_CLASSES_AT_A_TIME = 64


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (N, C) of logits (N, C), in float64."""
    # In place: with many classes each copy is large.
    shares = np.array(logits, "float64")
    shares -= shares.max(axis=-1, keepdims=True)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def confusions(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Rows (true class, predicted class, count), (M, 3), of the pairs that occur, in order."""
    pairs, counts = np.unique(np.stack([labels, predictions]), axis=1, return_counts=True)
    return np.column_stack([*pairs, counts]).astype("int64")


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts (C, C): a row a true class, a column a predicted one."""
    matrix = np.zeros((num_classes, num_classes), "int64")
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


def f1(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> float:
    """F1 of class 1 where there are two classes, else the mean over all classes (macro).

    A class that neither occurs nor is predicted counts as 0.
    """
    hits = np.bincount(labels[labels == predictions], minlength=num_classes)
    total = np.bincount(labels, minlength=num_classes)
    total += np.bincount(predictions, minlength=num_classes)
    by_class = np.divide(2 * hits, total, out=np.zeros(len(hits)), where=total > 0)
    return float(by_class[1] if len(hits) == 2 else by_class.mean())


def auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Area under the ROC curve, exact, ties counted half (Mann and Whitney 1947).

    Of class 1 where there are two, else the mean of each class against the rest. Classes of which
    the labels hold none or nothing else are left out; None where that leaves no class.
    """
    num_classes = probabilities.shape[1]
    areas = []
    for start in range(0, num_classes, _CLASSES_AT_A_TIME):
        # A row a class, which is faster to read than a column of a wide array.
        rows = np.ascontiguousarray(probabilities[:, start : start + _CLASSES_AT_A_TIME].T)
        for label, of_class in enumerate(rows, start):
            positive = labels == label
            if (num_classes == 2 and label == 0) or positive.all() or not positive.any():
                continue
            # Of the positive ones: how many are below each negative one, and how many not above.
            sorted_positive, negative = np.sort(of_class[positive]), of_class[~positive]
            below = np.searchsorted(sorted_positive, negative, "left").sum()
            not_above = np.searchsorted(sorted_positive, negative, "right").sum()
            pairs = len(sorted_positive) * len(negative)
            areas.append((pairs - (below + not_above) / 2) / pairs)
    return float(np.mean(areas)) if areas else None


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017, equation 3), over bins of equal width.

    The mean distance between how sure the predicted class is and how often it is right.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, right - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(labels))


def cross_entropy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of minus the logarithm of the true class's probability, in nats."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(true, np.finfo("float64").tiny)).mean())


def best_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """What logits (N, C) are best divided by, for the cross-entropy of labels (N,).

    Temperature scaling (Guo et al. 2017, section 4.2). The loss is convex in the inverse of the
    temperature, so that halving an interval finds it.
    """
    logits = np.asarray(logits, "float64")
    true = logits[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:
        """The derivative of the loss: the mean logit that is expected, less the true one."""
        return float(((softmax(inverse * logits) * logits).sum(axis=1) - true).mean())

    low, high = 0.01, 100.0
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return 1 / (low * high) ** 0.5
