"""Logits of the outputs of models that end otherwise: in probabilities, or in one number."""

import keras
from keras import ops

# What a model ends in: one logit or one probability, that of the second of two classes; or the
# probabilities of all classes.
ENDS = ("logit", "probability", "probabilities")

# Probabilities are clipped to this distance from 0 and 1, as Keras's losses do.
_EPSILON = 1e-7


@keras.saving.register_keras_serializable(package="zoo")
class Logits(keras.layers.Layer):
    """The last layer of a model that does not end in logits.

    Its softmax returns the model's probabilities.

    Shape letters: B batch, C classes.

    Args:
        end: what the model ends in: `"logit"` or `"probability"` of the second of two classes, or
            `"probabilities"` of all classes.

    Raises:
        ValueError: if `end` is unknown.

    Example:
    >>> logits = zoo.layers.Logits("probability")(np.array([[0.5]]))
    >>> np.asarray(logits).tolist()
    [[0.0, 0.0]]
    """

    def __init__(self, end: str, *, name: str = "logits", **kwargs):
        super().__init__(name=name, **kwargs)
        if end not in ENDS:
            raise ValueError(f"end must be one of {', '.join(ENDS)}; it is {end!r}.")
        self.end = end

    def call(self, outputs):
        """(B, 1) or (B, C) -> (B, 2) or (B, C)."""
        if self.end == "probabilities":
            return ops.log(ops.maximum(outputs, _EPSILON))
        if self.end == "probability":
            likely = ops.clip(outputs, _EPSILON, 1 - _EPSILON)
            outputs = ops.log(likely) - ops.log(1 - likely)
        return ops.concatenate([ops.zeros_like(outputs), outputs], axis=-1)

    def compute_output_shape(self, outputs_shape):
        width = outputs_shape[-1] if self.end == "probabilities" else 2
        return (*outputs_shape[:-1], width)

    def get_config(self):
        return {**super().get_config(), "end": self.end}
