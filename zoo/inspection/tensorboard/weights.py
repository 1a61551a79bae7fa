"""Histograms of weights and of gradients."""

import keras
import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import histogram, together
from zoo.tasks import TextTask

# Examples that gradients are taken on, and the most logits that they may have.
_EXAMPLES = 16
_MAX_LOGITS = 2**23


@register_dashboard("weights")
class WeightHistograms(Dashboard):
    """Histograms of the trainable weights, for each epoch."""

    def on_epoch_end(self):
        self.fit.train.write(weight_histograms(self.fit.model), self.fit.epoch)


@register_dashboard("gradients")
class GradientHistograms(Dashboard):
    """Histograms of the gradients on a few training examples, for each epoch."""

    level = "all"

    def applies(self):
        return self.fit.task is not None

    def on_fit_begin(self):
        self._gradients = Gradients(self.fit.model, self.fit.task)

    def on_epoch_end(self):
        self.fit.train.write(self._gradients(), self.fit.epoch)


def weight_histograms(model: keras.Model) -> Summary:
    """A histogram of each trainable weight, by its path."""
    return together(
        [
            histogram(f"weights/{weight.path}", keras.ops.convert_to_numpy(weight))
            for weight in model.trainable_variables
        ]
    )


class Gradients:
    """Gradients of the task's loss on the same few training examples, without dropout.

    Args:
        model: its trainable weights get the gradients.
        task: with a dataset.
    """

    def __init__(self, model: keras.Model, task):
        self._model = model
        self._loss = task.loss()
        examples = task.examples("train")
        # Examples of middling length: the same for every fit on these data.
        lengths = np.asarray(examples.lengths)
        by_length = np.argsort(lengths, kind="stable")
        logits = int(np.median(lengths)) * len(task.text_to_ids.vocabulary)
        most = _EXAMPLES if isinstance(task, TextTask) else max(_MAX_LOGITS // logits, 1)
        most = min(_EXAMPLES, most)
        start = max(len(by_length) - most, 0) // 2
        indices = np.sort(by_length[start : start + most])
        self.batch = task.batch(examples, indices, model=model)
        self._gradients = tf.function(self._computed, autograph=False)

    def __call__(self) -> Summary:
        """A histogram of each gradient; of embeddings only the rows that occur in the batch."""
        variables = self._model.trainable_variables
        named = zip(variables, self._gradients(), strict=True)
        return together([histogram(f"gradients/{v.path}", g.numpy()) for v, g in named])

    def _computed(self):
        inputs, targets, weights, _ = self.batch
        variables = [variable.value for variable in self._model.trainable_variables]
        with tf.GradientTape() as tape:
            logits = self._model(inputs, training=False)
            loss = self._loss(targets, logits, sample_weight=weights) + sum(self._model.losses)
        gradients = tape.gradient(
            loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return [_dense(gradient) for gradient in gradients]


def _dense(gradient):
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, _ = tf.unique(tf.reshape(gradient.indices, [-1]))
    return tf.gather(tf.convert_to_tensor(gradient), rows)
