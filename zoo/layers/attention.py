"""Attention over whole sequences or block by block, and the blocks of a Transformer made of it.

Shape letters: B batch, T tokens that ask, S tokens that are asked, D width, N heads, H = D / N
width of a head.
"""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention with its keys and values apart, so that they can be kept.

    Vaswani et al. 2017, section 3.2: softmax(Q K^T / sqrt(H)) V in each of N heads.

    Args:
        num_heads: N; must divide the width of the input.
        dropout: share of the attention weights set to zero in training.
        kernel_regularizer: penalty on the four projections.
    """

    def __init__(
        self, num_heads: int, *, dropout=0.0, kernel_regularizer=None, name=None, **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.num_heads = num_heads
        self.dropout = dropout
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.weight_dropout = keras.layers.Dropout(dropout, name="dropout")

    def build(self, x_shape, source_shape=None, mask_shape=None, bias_shape=None):
        width = x_shape[-1]
        if width % self.num_heads:
            raise ValueError(
                f"The width must be a multiple of num_heads; {width} is not one of "
                f"{self.num_heads}."
            )
        heads = (self.num_heads, width // self.num_heads)

        def projection(name, equation, shape, bias_axes):
            layer = keras.layers.EinsumDense(
                equation,
                (None, *shape),
                bias_axes=bias_axes,
                kernel_regularizer=self.kernel_regularizer,
                dtype=self.dtype_policy,
                name=name,
            )
            layer.build((None, None, width) if name != "output" else (None, None, *heads))
            return layer

        self.query = projection("query", "btd,dnh->btnh", heads, "nh")
        self.key = projection("key", "bsd,dnh->bsnh", heads, "nh")
        self.value = projection("value", "bsd,dnh->bsnh", heads, "nh")
        self.output_projection = projection("output", "btnh,nhd->btd", (width,), "d")

    def keys_and_values(self, source):
        """(B, S, D) -> keys (B, S, N, H), values (B, S, N, H)."""
        return self.key(source), self.value(source)

    def attend(self, x, keys, values, mask, bias=None, training=None):
        """(B, T, D) asks keys, values (B, S, N, H) where mask (B, T or 1, S) holds -> (B, T, D)."""
        query = self.query(x)
        scores = ops.einsum("btnh,bsnh->bnts", query, keys) * (query.shape[-1] ** -0.5)
        if bias is not None:
            scores = scores + bias
        weights = masked_softmax(scores, mask[:, None])
        weights = self.weight_dropout(weights, training=training)
        return self.output_projection(ops.einsum("bnts,bsnh->btnh", weights, values))

    def call(self, x, source, mask, bias=None, training=None):
        """(B, T, D) asks (B, S, D) where mask (B, T or 1, S) is True -> (B, T, D)."""
        keys, values = self.keys_and_values(source)
        return self.attend(x, keys, values, mask, bias=bias, training=training)

    def compute_output_shape(self, x_shape, source_shape=None, mask_shape=None, bias_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
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


@keras.saving.register_keras_serializable(package="zoo")
class TransformerBlock(keras.layers.Layer):
    """Self-attention, then attention to a source if there is one, then a feed-forward network.

    Each sublayer f adds to its input x: x + dropout(f(norm(x))), that is the pre-norm order of
    Xiong et al. 2020, which trains without a long warm-up.

    Args:
        num_heads: heads of each attention.
        hidden_units: width inside the feed-forward network.
        causal: whether a position sees itself and earlier ones only.
        cross_attention: whether the block attends to a source.
        penalize_distance: whether self-attention fades with distance, see `distance_penalty`.
        dropout: share set to zero in training, of attention weights and of each sublayer's output.
        kernel_regularizer: penalty on all projections.
    """

    def __init__(
        self,
        num_heads: int,
        hidden_units: int,
        *,
        causal: bool = False,
        cross_attention: bool = False,
        penalize_distance: bool = False,
        dropout: float = 0.0,
        kernel_regularizer=None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.num_heads = num_heads
        self.hidden_units = hidden_units
        self.causal = causal
        self.cross_attention = cross_attention
        self.penalize_distance = penalize_distance
        self.dropout = dropout
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

        options = {"dtype": self.dtype_policy}
        regularized = {**options, "kernel_regularizer": self.kernel_regularizer}

        def attention(name):
            return MultiHeadAttention(num_heads, dropout=dropout, name=name, **regularized)

        self.self_norm = keras.layers.LayerNormalization(name="self_norm", **options)
        self.self_attention = attention("self_attention")
        if cross_attention:
            self.source_norm = keras.layers.LayerNormalization(name="source_norm", **options)
            self.source_attention = attention("source_attention")
        self.feed_forward_norm = keras.layers.LayerNormalization(
            name="feed_forward_norm", **options
        )
        self.hidden = keras.layers.Dense(
            hidden_units, activation="gelu", name="hidden", **regularized
        )
        self.residual_dropout = keras.layers.Dropout(dropout, name="dropout")

    def build(self, x_shape, padding_mask_shape=None, source_shape=None, source_mask_shape=None):
        self.self_norm.build(x_shape)
        self.self_attention.build(x_shape)
        if self.cross_attention:
            self.source_norm.build(x_shape)
            self.source_attention.build(x_shape)
        self.feed_forward_norm.build(x_shape)
        self.hidden.build(x_shape)
        self.output_projection = keras.layers.Dense(
            x_shape[-1],
            kernel_regularizer=self.kernel_regularizer,
            dtype=self.dtype_policy,
            name="output",
        )
        self.output_projection.build((*x_shape[:-1], self.hidden_units))

    def call(self, x, padding_mask, source=None, source_mask=None, training=None):
        """(B, T, D), real positions (B, T) [, (B, S, D), (B, S)] -> (B, T, D)."""
        places = ops.arange(ops.shape(x)[1], dtype="int32")
        mask = padding_mask[:, None, :]
        if self.causal:
            mask = ops.logical_and(mask, places[None, :, None] >= places[None, None, :])
        y = self.self_norm(x)
        bias = self._bias(places[None], places)
        attended = self.self_attention(y, y, mask, bias=bias, training=training)
        x = x + self._drop(attended, training)
        if self.cross_attention:
            keys, values = self.source_attention.keys_and_values(source)
            x = self._attend_to_source(x, keys, values, source_mask, training)
        return self._feed_forward(x, training)

    def initial_state(self, batch_size: int, length: int, source=None, source_mask=None):
        """A cache for `length` tokens, and the source's keys and values, computed once."""
        width = self.self_attention.query.kernel.shape[0]
        shape = (batch_size, length, self.num_heads, width // self.num_heads)
        state = {
            "keys": ops.zeros(shape, self.compute_dtype),
            "values": ops.zeros(shape, self.compute_dtype),
        }
        if self.cross_attention:
            keys, values = self.source_attention.keys_and_values(source)
            state |= {"source_keys": keys, "source_values": values, "source_mask": source_mask}
        return state

    def advance(self, x, padding_mask, state, positions):
        """(B, T, D), real positions (B, T), state, places (B, T) -> features (B, T, D), state."""
        y = self.self_norm(x)
        keys, values = self.self_attention.keys_and_values(y)
        keys = _write(state["keys"], keys, padding_mask, positions)
        values = _write(state["values"], values, padding_mask, positions)
        slots = ops.arange(ops.shape(keys)[1], dtype="int32")
        mask = slots[None, None, :] <= positions[:, :, None]
        x = x + self.self_attention.attend(y, keys, values, mask, self._bias(positions, slots))
        if self.cross_attention:
            x = self._attend_to_source(
                x, state["source_keys"], state["source_values"], state["source_mask"], False
            )
        return self._feed_forward(x, False), {**state, "keys": keys, "values": values}

    def _bias(self, asking, asked):
        if not self.penalize_distance:
            return None
        return distance_penalty(self.num_heads, asking, asked, self.compute_dtype)

    def _attend_to_source(self, x, keys, values, source_mask, training):
        attended = self.source_attention.attend(
            self.source_norm(x), keys, values, source_mask[:, None, :], training=training
        )
        return x + self._drop(attended, training)

    def _feed_forward(self, x, training):
        y = self.output_projection(self.hidden(self.feed_forward_norm(x)))
        return x + self._drop(y, training)

    def _drop(self, x, training):
        return self.residual_dropout(x, training=training)

    def compute_output_shape(
        self, x_shape, padding_mask_shape=None, source_shape=None, source_mask_shape=None
    ):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "hidden_units": self.hidden_units,
            "causal": self.causal,
            "cross_attention": self.cross_attention,
            "penalize_distance": self.penalize_distance,
            "dropout": self.dropout,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def _write(cache, block, padding_mask, positions):
    """Puts the real rows of a block (B, T, N, H) at their positions in a cache (B, L, N, H)."""
    length = ops.shape(cache)[1]
    # A pad is sent to a slot that does not exist: its one-hot row is all zero.
    slots = ops.one_hot(ops.where(padding_mask, positions, length), length, dtype=cache.dtype)
    written = ops.max(slots, axis=1)[:, :, None, None]
    return cache * (1 - written) + ops.einsum("btl,btnh->blnh", slots, block)
