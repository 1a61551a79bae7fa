"""Multi-head attention whose keys and values can be cached.

Shape letters: B batch, T queries, S keys, D width, N heads, G heads of keys and values, H = D / N
width of a head.
"""

import keras
import numpy as np
from keras import ops

from zoo.layers.embedding import rotate


@keras.saving.register_keras_serializable(package="zoo")
class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention that computes keys and values separately, so that they can be cached.

    Vaswani et al. 2017, section 3.2: softmax(Q K^T / sqrt(H)) V in each of N heads. With G < N
    heads of keys and values, each serves N / G heads of queries (Ainslie et al. 2023, "GQA", figure
    2), and the cache is smaller by that factor.

    Args:
        num_heads: N; must divide the width of the input.
        num_key_heads: G; must divide N. None for N.
        rotary: whether queries and keys are rotated by their positions, see `rotate`.
        dropout: fraction of the attention weights to drop.
        kernel_regularizer: penalty on the projections.

    Raises:
        ValueError: if G does not divide N, or N the width.

    Example:
    >>> attention = zoo.layers.MultiHeadAttention(2, num_key_heads=1)
    >>> x, mask = np.ones((1, 5, 8), "float32"), np.ones((1, 1, 5), bool)
    >>> attention(x, x, mask).shape
    TensorShape([1, 5, 8])
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
        """(B, S, D) [, positions (B or 1, S)] -> keys (B, G, S, H), values (B, G, S, H)."""
        keys, values = ops.split(self.key_value(source), 2, axis=-1)
        keys = self._heads(keys, self.num_key_heads)
        if self.rotary:
            keys = rotate(keys, positions)
        return keys, self._heads(values, self.num_key_heads)

    def attention_weights(self, x, keys, mask, *, bias=None, positions=None):
        """Attention weights of each head, before dropout.

        Args:
            x: input of the queries, (B, T, D).
            keys: (B, G, S, H).
            mask: True for tokens that are attended to, (B, T or 1, S).
            bias: added to the scores, (B or 1, N, T, S), or None.
            positions: positions of the queries, (B or 1, T); for `rotary` only.

        Returns:
            (B, N, T, S), which sums to 1 over S.
        """
        query = self._heads(self.query(x), self.num_heads)
        if self.rotary:
            query = rotate(query, positions)
        # One product for all queries that share a head of keys.
        batch, length, num_keys = ops.shape(x)[0], ops.shape(x)[1], ops.shape(keys)[2]
        grouped = self._grouped(batch, length)
        query = ops.reshape(query * self.head_width**-0.5, (*grouped, self.head_width))
        if x.shape[1] == 1:
            # A decoding step: transposing one query is cheaper than transposing all keys.
            scores = ops.matmul(keys, ops.transpose(query, (0, 1, 3, 2)))
            scores = ops.transpose(scores, (0, 1, 3, 2))
        else:
            scores = ops.matmul(query, ops.transpose(keys, (0, 1, 3, 2)))
        scores = ops.reshape(scores, (batch, self.num_heads, length, num_keys))
        return masked_softmax(scores if bias is None else scores + bias, mask[:, None])

    def attend(self, x, keys, values, mask, *, bias=None, positions=None, training=None):
        """Attention to given keys and values.

        Args:
            x, keys, mask, bias, positions: see `attention_weights`.
            values: (B, G, S, H).
            training: whether to apply dropout.

        Returns:
            (B, T, D).
        """
        weights = self.attention_weights(x, keys, mask, bias=bias, positions=positions)
        weights = self.weight_dropout(weights, training=training)
        batch, length, num_keys = ops.shape(x)[0], ops.shape(x)[1], ops.shape(keys)[2]
        output = ops.matmul(ops.reshape(weights, (*self._grouped(batch, length), num_keys)), values)
        output = ops.reshape(output, (batch, self.num_heads, length, self.head_width))
        output = ops.reshape(
            ops.transpose(output, (0, 2, 1, 3)), (batch, length, self.num_heads * self.head_width)
        )
        return self.output_projection(output)

    def call(self, x, source, mask, bias=None, positions=None, training=None):
        """Attention of (B, T, D) to (B, S, D) where mask (B, T or 1, S) is True -> (B, T, D)."""
        keys, values = self.keys_and_values(source, positions)
        return self.attend(x, keys, values, mask, bias=bias, positions=positions, training=training)

    def _grouped(self, batch, length):
        """(B, G, N / G x T): the queries of each head of keys."""
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
    """Softmax over the last axis where mask is True, for at least one entry of each row.

    Example:
    >>> scores, mask = np.zeros((1, 4), "float32"), np.array([[True, True, False, False]])
    >>> np.asarray(zoo.layers.masked_softmax(scores, mask)).round(2).tolist()
    [[0.5, 0.5, 0.0, 0.0]]
    """
    if scores.shape[-1] == 1:
        # All weight is on the one entry. Keras warns of a softmax of one entry, and of missing
        # gradients without the product.
        return scores * 0 + 1
    lowest = -1e9 if keras.backend.standardize_dtype(scores.dtype) != "float16" else -6e4
    return ops.softmax(scores + ops.cast(ops.logical_not(mask), scores.dtype) * lowest, axis=-1)


def distance_penalty(num_heads: int, query_positions, key_positions, dtype):
    """Bias of attention scores that is linear in distance (Press et al. 2022, "ALiBi", section 3).

    Scores of head n decrease by slope_n per token of distance. Slopes are a geometric sequence from
    1/2 to 1/256, for 8 heads those of the paper. Heads with steep slopes attend locally. Distance
    is absolute, for encoders.

    Args:
        num_heads: N.
        query_positions: positions of the queries, (B or 1, T).
        key_positions: positions of the keys, (S,).
        dtype: of the result.

    Returns:
        (B or 1, N, T, S), to be added to the scores.
    """
    slopes = np.geomspace(1 / 2, 1 / 256, num_heads).astype("float32")
    distance = ops.abs(query_positions[:, None, :, None] - key_positions[None, None, None, :])
    return ops.cast(distance, dtype) * ops.cast(-slopes[None, :, None, None], dtype)
