"""How weights are kept in a SavedModel: as they are, or smaller."""

from typing import Any, Literal, get_args

import keras
import numpy as np
import tensorflow as tf

Quantization = Literal["float32", "float16", "int8"]
QUANTIZATIONS = get_args(Quantization)

# The attribute of a SavedModel that holds the model's variables, in the model's order.
VARIABLES = "variables_of_model"

# Matrices from here on are tables of embeddings or of logits: their rows are kept in 8 bits.
_LARGE_TABLE = 2**18


class QuantizedVariable(tf.Module):
    """A variable of a model as it is written.

    Args:
        variable: the variable.
        quantization: `"float32"`, or `"float16"`, or `"int8"`: then a large table (N, W) is kept as
            integers from -127 to 127 with a scale for each row, and all else in half precision.

    Attributes:
        kept: what is written in place of the variable: a TensorFlow variable of its shape.
        scale: float (N, 1), or None.
    """

    def __init__(self, variable: keras.Variable, quantization: str):
        super().__init__()
        value = keras.ops.convert_to_numpy(variable.value)
        self.scale = None
        is_float = keras.backend.is_float_dtype(variable.dtype)
        if variable.name == "seed_generator_state":
            # Of no use in there, and another one in each process: equal models make equal files.
            self.kept = tf.Variable(np.zeros_like(value), trainable=False)
        elif not is_float or quantization == "float32":
            # The variable itself, which need not be copied.
            self.kept = variable.value
        elif quantization == "int8" and value.ndim == 2 and value.size >= _LARGE_TABLE:
            scale = np.abs(value).max(axis=1, keepdims=True) / 127
            scale = np.where(scale > 0, scale, 1.0).astype("float32")
            self.kept = tf.Variable(np.rint(value / scale).astype("int8"), trainable=False)
            self.scale = tf.Variable(scale, trainable=False)
        else:
            self.kept = tf.Variable(value.astype("float16"), trainable=False)

    def restored(self) -> tf.Tensor:
        """The variable's value, in float32 where it is a float."""
        if self.kept.dtype not in (tf.float16, tf.int8):
            return tf.convert_to_tensor(self.kept)
        value = tf.cast(self.kept, tf.float32)
        return value if self.scale is None else value * self.scale


def restored_weights(checkpoint: str, attribute: str) -> list[np.ndarray]:
    """The values of the stored variables in a SavedModel's checkpoint, in their order.

    Args:
        checkpoint: the prefix of the checkpoint's files, `variables/variables`.
        attribute: of the module that holds them as a list.
    """
    reader = tf.train.load_checkpoint(checkpoint)

    def read(index: int, name: str) -> Any:
        key = f"{attribute}/{index}/{name}/.ATTRIBUTES/VARIABLE_VALUE"
        return reader.get_tensor(key) if reader.has_tensor(key) else None

    values: list[np.ndarray] = []
    while (kept := read(len(values), "kept")) is not None:
        scale = read(len(values), "scale")
        if kept.dtype in (np.float16, np.int8):
            kept = kept.astype("float32")
        values.append(kept if scale is None else kept * scale)
    return values
