"""Precision and recall of a classifier over all thresholds."""

import keras
import numpy as np

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import pr_curves
from zoo.tasks.batches import sorted_batches

# Texts of validation that are classified again where their probabilities are not known.
_MAX_TEXTS = 500
# Classes that get a curve, the most frequent ones of validation.
MAX_CURVES = 20
_BATCH_SIZE = 64


@register_dashboard("precision_recall")
class PrecisionRecall(Dashboard):
    """Precision-recall curves of the validation split, of at most 20 classes."""

    def applies(self):
        return self.fit.is_classifier

    def on_epoch_end(self):
        labels, probabilities = self._answers()
        names = self.fit.task.label_names
        classes = None
        if len(names) > MAX_CURVES:
            frequent = np.argsort(-np.bincount(labels, minlength=len(names)), kind="stable")
            classes = np.sort(frequent[:MAX_CURVES])
        curves = pr_curves(labels, probabilities, names, classes)
        self.fit.validation.write(curves, self.fit.epoch)

    def _answers(self) -> tuple[np.ndarray, np.ndarray]:
        """Labels (N,) of validation and the probabilities (N, C) that the model predicts."""
        examples = self.fit.task.examples("validation")
        evaluation = None if self.fit.progress is None else self.fit.progress.validation
        probabilities = getattr(evaluation, "probabilities", None)
        if probabilities is not None:
            return examples.targets, probabilities
        return classify_some(self.fit.model, self.fit.task, examples)


def classify_some(model: keras.Model, task, examples) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) of examples and the probabilities (N, C) that a classifier predicts.

    Of more than 500 examples, 500 at equal distances are classified.
    """
    some = np.unique(np.linspace(0, len(examples) - 1, _MAX_TEXTS).astype("int64"))
    batches = [some[batch] for batch in sorted_batches(examples.lengths[some], _BATCH_SIZE)]
    logits = [model.predict_on_batch(task.batch(examples, indices).inputs) for indices in batches]
    probabilities = keras.ops.softmax(np.concatenate(logits).astype("float32"))
    labels = examples.targets[np.concatenate(batches)]
    return labels, keras.ops.convert_to_numpy(probabilities)
