"""Positions for attention: added to embeddings, or as rotation of queries and keys.

Shape letters: B batch, T tokens, D width, N heads, H width of a head.
"""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class SinePositions(keras.layers.Layer):
    """Adds sines and cosines of the position (Vaswani et al. 2017, section 3.5), for any length.

    The embeddings are first multiplied by sqrt(D), as in section 3.4 of the paper.

    Example:
    >>> zoo.layers.SinePositions()(np.ones((1, 5, 8), "float32")).shape
    TensorShape([1, 5, 8])
    """

    def call(self, embeddings, positions=None):
        """(B, T, D) [, positions (B or 1, T)] -> (B, T, D)."""
        width = embeddings.shape[-1]
        if positions is None:
            positions = ops.arange(ops.shape(embeddings)[1])[None]
        angles = _angles(positions, width)
        waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)[:, :, :width]
        return embeddings * width**0.5 + ops.cast(waves, embeddings.dtype)

    def compute_output_shape(self, embeddings_shape, positions_shape=None):
        return embeddings_shape


@keras.saving.register_keras_serializable(package="zoo")
class LearnedPositions(keras.layers.Layer):
    """Adds a learned vector per position, as in GPT-2 (Radford et al. 2019).

    Args:
        length: maximum number of tokens of a text.

    Example:
    >>> zoo.layers.LearnedPositions(64)(np.ones((1, 5, 8), "float32")).shape
    TensorShape([1, 5, 8])
    """

    def __init__(self, length: int, *, name: str = "positions", **kwargs):
        super().__init__(name=name, **kwargs)
        self.length = length

    def build(self, embeddings_shape, positions_shape=None):
        self.embeddings = self.add_weight(
            (self.length, embeddings_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="embeddings",
        )

    def call(self, embeddings, positions=None):
        """(B, T, D) [, positions (B or 1, T)] -> (B, T, D)."""
        if positions is None:
            return embeddings + self.embeddings[None, : ops.shape(embeddings)[1]]
        return embeddings + ops.take(self.embeddings, positions, axis=0)

    def compute_output_shape(self, embeddings_shape, positions_shape=None):
        return embeddings_shape

    def get_config(self):
        return {**super().get_config(), "length": self.length}


def rotate(x, positions):
    """Rotates each pair of entries by an angle proportional to the position.

    Su et al. 2021, "RoFormer", equation 34: the product of a query and a key then depends only on
    their distance. Entry i is paired with entry i + H / 2, as in GPT-NeoX.

    Args:
        x: queries or keys, (B, N, T, H), H even.
        positions: (B or 1, T).

    Returns:
        (B, N, T, H).
    """
    width = x.shape[-1]
    if width % 2:
        raise ValueError(f"Rotary positions need heads of even width; it is {width}.")
    angles = _angles(positions, width)[:, None]
    sines, cosines = (ops.cast(f(angles), x.dtype) for f in (ops.sin, ops.cos))
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate(
        [first * cosines - second * sines, second * cosines + first * sines], axis=-1
    )


def _angles(positions, width: int):
    """Positions (B, T) -> angles (B, T, ceil(D / 2)) in radians: position / 10,000^(2 i / D)."""
    frequencies = ops.exp(ops.arange(0, width, 2, dtype="float32") * (-math.log(1e4) / width))
    return ops.cast(positions, "float32")[:, :, None] * frequencies
