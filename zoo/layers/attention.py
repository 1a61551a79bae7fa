"""Attention over whole sequences or block by block, and the blocks of a Transformer made of it.

Shape letters: B batch, T tokens that ask, S tokens that are asked, D width, N heads, G heads of
keys and values, H = D / N width of a head, L tokens that a cache has room for.
"""

import keras
import numpy as np
from keras import ops

from zoo.layers.embedding import rotated


@keras.saving.register_keras_serializable(package="zoo")
class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention with its keys and values apart, so that they can be kept.

    Vaswani et al. 2017, section 3.2: softmax(Q K^T / sqrt(H)) V in each of N heads. With fewer
    heads of keys and values than of queries each serves N / G of them (Ainslie et al. 2023,
    "GQA", figure 2), and a cache is that much smaller.

    Args:
        num_heads: N; must divide the width of the input.
        num_key_heads: G; must divide N. None for N, one a head.
        rotary: whether queries and keys are turned by their positions, see `rotated`.
        dropout: share of the attention weights set to zero in training.
        kernel_regularizer: penalty on the projections.
    """

    def __init__(
        self,
        num_heads: int,
        *,
        num_key_heads: int | None = None,
        rotary: bool = False,
        dropout: float = 0.0,
        kernel_regularizer=None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.num_heads = num_heads
        self.num_key_heads = num_key_heads or num_heads
        if num_heads % self.num_key_heads:
            raise ValueError(
                f"num_heads must be a multiple of num_key_heads; {num_heads} is not one of "
                f"{self.num_key_heads}."
            )
        self.rotary = rotary
        self.dropout = dropout
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.weight_dropout = keras.layers.Dropout(dropout, name="dropout")

    def build(self, x_shape, source_shape=None, mask_shape=None):
        width = x_shape[-1]
        if width % self.num_heads:
            raise ValueError(
                f"The width must be a multiple of num_heads; {width} is not one of "
                f"{self.num_heads}."
            )
        self.head_width = width // self.num_heads

        def projection(name, units):
            layer = keras.layers.Dense(
                units,
                kernel_regularizer=self.kernel_regularizer,
                dtype=self.dtype_policy,
                name=name,
            )
            layer.build((None, None, width))
            return layer

        self.query = projection("query", width)
        self.key_value = projection("key_value", 2 * self.num_key_heads * self.head_width)
        self.output_projection = projection("output", width)

    def keys_and_values(self, source, positions=None):
        """(B, S, D) [, places (B or 1, S)] -> keys (B, G, S, H), values (B, G, S, H)."""
        keys, values = ops.split(self.key_value(source), 2, axis=-1)
        keys = self._heads(keys, self.num_key_heads)
        if self.rotary:
            keys = rotated(keys, positions)
        return keys, self._heads(values, self.num_key_heads)

    def attention_weights(self, x, keys, mask, *, bias=None, positions=None):
        """How much of each key every head takes, before any of it is dropped.

        Args:
            x: what asks, (B, T, D).
            keys: (B, G, S, H).
            mask: True where a token may be seen, (B, T or 1, S).
            bias: what is added to the scores, (B or 1, N, T, S), or None.
            positions: places of what asks, (B or 1, T); for `rotary` only.

        Returns:
            (B, N, T, S), which sums to 1 over S.
        """
        query = self._heads(self.query(x), self.num_heads)
        if self.rotary:
            query = rotated(query, positions)
        # All queries that share a head of keys ask it in one product.
        batch, length, asked = ops.shape(x)[0], ops.shape(x)[1], ops.shape(keys)[2]
        grouped = self._grouped(batch, length)
        query = ops.reshape(query * self.head_width**-0.5, (*grouped, self.head_width))
        if x.shape[1] == 1:
            # A decoding step: turning the one query is cheaper than turning all the keys.
            scores = ops.matmul(keys, ops.transpose(query, (0, 1, 3, 2)))
            scores = ops.transpose(scores, (0, 1, 3, 2))
        else:
            scores = ops.matmul(query, ops.transpose(keys, (0, 1, 3, 2)))
        scores = ops.reshape(scores, (batch, self.num_heads, length, asked))
        return masked_softmax(scores if bias is None else scores + bias, mask[:, None])

    def attend(self, x, keys, values, mask, *, bias=None, positions=None, training=None):
        """Asks keys and values that are made already.

        Args:
            x, keys, mask, bias, positions: see `attention_weights`.
            values: (B, G, S, H).
            training: whether attention weights are dropped.

        Returns:
            (B, T, D).
        """
        weights = self.attention_weights(x, keys, mask, bias=bias, positions=positions)
        weights = self.weight_dropout(weights, training=training)
        batch, length, asked = ops.shape(x)[0], ops.shape(x)[1], ops.shape(keys)[2]
        answer = ops.matmul(ops.reshape(weights, (*self._grouped(batch, length), asked)), values)
        answer = ops.reshape(answer, (batch, self.num_heads, length, self.head_width))
        answer = ops.reshape(
            ops.transpose(answer, (0, 2, 1, 3)), (batch, length, self.num_heads * self.head_width)
        )
        return self.output_projection(answer)

    def call(self, x, source, mask, bias=None, positions=None, training=None):
        """(B, T, D) asks (B, S, D) where mask (B, T or 1, S) is True -> (B, T, D)."""
        keys, values = self.keys_and_values(source, positions)
        return self.attend(x, keys, values, mask, bias=bias, positions=positions, training=training)

    def _grouped(self, batch, length):
        """(B, G, N / G x T): one group of rows for each head of keys."""
        return batch, self.num_key_heads, self.num_heads // self.num_key_heads * length

    def _heads(self, x, num_heads):
        """(B, T, heads x H) -> (B, heads, T, H)."""
        shape = (ops.shape(x)[0], ops.shape(x)[1], num_heads, self.head_width)
        return ops.transpose(ops.reshape(x, shape), (0, 2, 1, 3))

    def compute_output_shape(self, x_shape, *_, **__):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_key_heads": self.num_key_heads,
            "rotary": self.rotary,
            "dropout": self.dropout,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def masked_softmax(scores, mask):
    """Softmax over the last axis of what mask leaves; it must leave one entry of each row."""
    if scores.shape[-1] == 1:
        # All the weight is on the one entry. Keras warns of a softmax here, and of missing
        # gradients without the product.
        return scores * 0 + 1
    lowest = -1e9 if keras.backend.standardize_dtype(scores.dtype) != "float16" else -6e4
    return ops.softmax(scores + ops.cast(ops.logical_not(mask), scores.dtype) * lowest, axis=-1)


def distance_penalty(num_heads: int, asking, asked, dtype):
    """What attention loses with distance (Press et al. 2022, "ALiBi", section 3).

    Head n's scores fall by slope_n for each token between; the slopes go from 1/2 to 1/256 in equal
    ratios, for 8 heads those of the paper. A head of a steep slope reads phrases, a flat one the
    whole text, at any length. Distance counts both ways, for encoders.

    Args:
        num_heads: N.
        asking: places (B or 1, T).
        asked: places (S,).
        dtype: of the result.

    Returns:
        (B or 1, N, T, S), to be added to the scores.
    """
    slopes = np.geomspace(1 / 2, 1 / 256, num_heads).astype("float32")
    distance = ops.abs(asking[:, None, :, None] - asked[None, None, None, :])
    return ops.cast(distance, dtype) * ops.cast(-slopes[None, :, None, None], dtype)
