"""Reduction of token features to one vector per text, and the padding mask."""

from typing import Literal, get_args

import keras
from keras import ops

PoolingName = Literal["last", "average", "max", "average+max"]
POOLINGS = get_args(PoolingName)


@keras.saving.register_keras_serializable(package="zoo")
class PaddingMask(keras.layers.Layer):
    """True for real tokens: ids (B, T) -> booleans (B, T), False where the id is 0.

    Example:
    >>> np.asarray(zoo.layers.PaddingMask()(np.array([[5, 1, 0]]))).tolist()
    [[True, True, False]]
    """

    def call(self, token_ids):
        return ops.not_equal(token_ids, 0)

    def compute_output_spec(self, token_ids):
        return keras.KerasTensor(token_ids.shape, "bool")


@keras.saving.register_keras_serializable(package="zoo")
class Pooling(keras.layers.Layer):
    """Reduces the features of a text's real tokens to one vector.

    Args:
        kind: `"last"` for the features of the last real token; `"average"` and `"max"` over all
            real tokens; `"average+max"` for both, concatenated (Howard and Ruder 2018, "concat
            pooling", without the last state).

    Raises:
        ValueError: if `kind` is unknown.

    Example:
    >>> pooling = zoo.layers.Pooling("max")
    >>> np.asarray(pooling(np.array([[[1.0], [3.0], [9.0]]]), np.array([[True, True, False]])))
    array([[3.]], dtype=float32)
    """

    def __init__(self, kind: str, *, name: str = "pooling", **kwargs):
        super().__init__(name=name, **kwargs)
        if kind not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}; it is {kind!r}.")
        self.kind = kind

    def call(self, features, padding_mask):
        """(B, T, D), padding mask (B, T) -> (B, D), or (B, 2 D) for average+max.

        A row that is all padding becomes zeros.
        """
        if self.kind == "last":
            return last_real(features, padding_mask)
        real = padding_mask[:, :, None]
        pooled = []
        if "average" in self.kind:
            total = ops.sum(ops.where(real, features, 0), axis=1)
            count = ops.sum(ops.cast(real, features.dtype), axis=1)
            pooled.append(total / ops.maximum(count, 1))
        if "max" in self.kind:
            largest = ops.max(ops.where(real, features, -float("inf")), axis=1)
            pooled.append(ops.where(ops.any(real, axis=1), largest, 0))
        return ops.concatenate(pooled, axis=-1)

    def compute_output_shape(self, features_shape, padding_mask_shape):
        width = features_shape[-1] * (2 if self.kind == "average+max" else 1)
        return (features_shape[0], width)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}


def last_real(features, padding_mask):
    """Features of each row's last real token: (B, T, D), padding mask (B, T) -> (B, D).

    A row that is all padding becomes zeros.

    Example:
    >>> features, mask = np.array([[[1.0], [3.0], [9.0]]]), np.array([[True, True, False]])
    >>> np.asarray(zoo.layers.last_real(features, mask)).tolist()
    [[3.0]]
    """
    last = ops.maximum(ops.sum(ops.cast(padding_mask, "int32"), axis=1) - 1, 0)
    features = ops.take_along_axis(features, last[:, None, None], axis=1)[:, 0]
    return ops.where(ops.any(padding_mask, axis=1)[:, None], features, 0)
