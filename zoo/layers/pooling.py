"""From one vector a token to one vector a text, and which tokens are real."""

from typing import Literal, get_args

import keras
from keras import ops

PoolingName = Literal["last", "average", "max", "average+max"]
POOLINGS = get_args(PoolingName)


@keras.saving.register_keras_serializable(package="zoo")
class PaddingMask(keras.layers.Layer):
    """Says which positions hold a token: ids (B, T) -> booleans (B, T), False where the id is 0."""

    def call(self, token_ids):
        return ops.not_equal(token_ids, 0)

    def compute_output_spec(self, token_ids):
        return keras.KerasTensor(token_ids.shape, "bool")


@keras.saving.register_keras_serializable(package="zoo")
class Pooling(keras.layers.Layer):
    """Makes one vector of the features of a text's real tokens.

    Args:
        kind: `"last"` takes the last real token's features; `"average"` and `"max"` go over all
            real tokens; `"average+max"` is both, one after the other (Howard and Ruder 2018,
            "concat pooling", without the last state).
    """

    def __init__(self, kind: str, *, name: str = "pooling", **kwargs):
        super().__init__(name=name, **kwargs)
        if kind not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}; it is {kind!r}.")
        self.kind = kind

    def call(self, features, padding_mask):
        """(B, T, D), real positions (B, T) -> (B, D), or (B, 2 D) for average+max."""
        if self.kind == "last":
            return last_real(features, padding_mask)
        real = padding_mask[:, :, None]
        pooled = []
        if "average" in self.kind:
            total = ops.sum(ops.where(real, features, 0), axis=1)
            pooled.append(total / ops.sum(ops.cast(real, features.dtype), axis=1))
        if "max" in self.kind:
            pooled.append(ops.max(ops.where(real, features, -float("inf")), axis=1))
        return ops.concatenate(pooled, axis=-1)

    def compute_output_shape(self, features_shape, padding_mask_shape):
        width = features_shape[-1] * (2 if self.kind == "average+max" else 1)
        return (features_shape[0], width)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}


def last_real(features, padding_mask):
    """Features (B, T, D) of each row's last real token, by real positions (B, T) -> (B, D)."""
    last = ops.sum(ops.cast(padding_mask, "int32"), axis=1) - 1
    return ops.take_along_axis(features, last[:, None, None], axis=1)[:, 0]
