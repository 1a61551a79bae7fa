"""What is added to token embeddings so that attention knows the order of tokens."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class SinePositions(keras.layers.Layer):
    """Adds sines and cosines of the position (Vaswani et al. 2017, section 3.5), for any length.

    The embeddings are first multiplied by sqrt(D), as in section 3.4 of the same paper.
    """

    def call(self, embeddings, positions=None):
        """(B, T, D) [, each token's place (B or 1, T)] -> (B, T, D)."""
        width = embeddings.shape[-1]
        if positions is None:
            positions = ops.arange(ops.shape(embeddings)[1])[None]
        frequencies = ops.exp(ops.arange(0, width, 2, dtype="float32") * (-math.log(1e4) / width))
        angles = ops.cast(positions, "float32")[:, :, None] * frequencies
        waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)[:, :, :width]
        return embeddings * width**0.5 + ops.cast(waves, embeddings.dtype)

    def compute_output_shape(self, embeddings_shape, positions_shape=None):
        return embeddings_shape
