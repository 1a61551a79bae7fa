"""The block of a Transformer, for whole sequences or token by token with a cache.

Shape letters: B batch, T tokens, S tokens of a source, D width, N heads, G heads of keys and
values, H = D / N width of a head, L tokens that a cache can hold.
"""

import keras
from keras import ops

from zoo.layers.attention import MultiHeadAttention, distance_penalty


class CachedSteps(keras.layers.Layer):
    """The stepwise part of `TransformerBlock`: the cache of keys and values, and a step with it."""

    def initial_state(self, batch_size, length, source=None, source_mask=None):
        """An empty cache for `length` tokens, and the keys and values of the source."""
        attention = self.self_attention
        # The additional slot takes the pads and is never attended to.
        shape = (batch_size, attention.num_key_heads, length + 1, attention.head_width)
        state = {
            "keys": ops.zeros(shape, self.compute_dtype),
            "values": ops.zeros(shape, self.compute_dtype),
        }
        if self.cross_attention:
            keys, values = self.source_attention.keys_and_values(source)
            state |= {"source_keys": keys, "source_values": values, "source_mask": source_mask}
        return state

    def grow_cache(self, state, length):
        """The state with capacity for `length` more tokens."""
        more = [[0, 0], [0, 0], [0, length], [0, 0]]
        return {
            **state,
            "keys": ops.pad(state["keys"], more),
            "values": ops.pad(state["values"], more),
        }

    def advance(self, x, padding_mask, state, positions):
        """(B, T, D), real positions (B, T), state, places (B, T) -> features (B, T, D), state."""
        y = self.self_norm(x)
        keys, values = self.self_attention.keys_and_values(y, positions)
        indices = _cache_indices(state["keys"], padding_mask, positions)
        keys = ops.scatter_update(state["keys"], indices, ops.cast(keys, state["keys"].dtype))
        values = ops.scatter_update(
            state["values"], indices, ops.cast(values, state["values"].dtype)
        )
        state = {**state, "keys": keys, "values": values}
        slots = ops.arange(ops.shape(keys)[2], dtype="int32")
        attended = self.self_attention.attend(
            y,
            ops.cast(keys, y.dtype),
            ops.cast(values, y.dtype),
            slots[None, None, :] <= positions[:, :, None],
            bias=self._bias(positions, slots),
            positions=positions,
        )
        x = x + attended
        if self.cross_attention:
            x = self._attend_to_source(
                x, state["source_keys"], state["source_values"], state["source_mask"], False
            )
        return self._feed_forward(x, False), state


@keras.saving.register_keras_serializable(package="zoo")
class TransformerBlock(CachedSteps):
    """Self-attention, optional attention to a source, and a feed-forward network.

    The output of each sublayer f is x + dropout(f(norm(x))), the pre-norm order of Xiong et al.
    2020, which trains without a long warm-up.

    Args:
        num_heads: heads of each attention.
        hidden_units: width of the hidden layer of the feed-forward network.
        causal: whether a position attends to itself and earlier ones only.
        cross_attention: whether the block attends to a source.
        num_key_heads: heads of keys and values, see `MultiHeadAttention`.
        penalize_distance: whether self-attention scores decrease with distance, see
            `distance_penalty`.
        rotary: whether self-attention rotates queries and keys by their positions, see `rotate`.
        dropout: fraction to drop of attention weights and of each sublayer's output.
        kernel_regularizer: penalty on all projections.

    Example:
    >>> block = zoo.layers.TransformerBlock(2, 16, causal=True)
    >>> block(np.ones((1, 5, 8), "float32"), np.ones((1, 5), bool)).shape
    TensorShape([1, 5, 8])
    """

    def __init__(
        self,
        num_heads: int,
        hidden_units: int,
        *,
        causal: bool = False,
        cross_attention: bool = False,
        num_key_heads: int | None = None,
        penalize_distance: bool = False,
        rotary: bool = False,
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
        self.num_key_heads = num_key_heads
        self.penalize_distance = penalize_distance
        self.rotary = rotary
        self.dropout = dropout
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

        options = {"dtype": self.dtype_policy}
        regularized = {**options, "kernel_regularizer": self.kernel_regularizer}

        def attention(name, **more):
            return MultiHeadAttention(
                num_heads,
                num_key_heads=num_key_heads,
                dropout=dropout,
                name=name,
                **more,
                **regularized,
            )

        self.self_norm = keras.layers.LayerNormalization(name="self_norm", **options)
        self.self_attention = attention("self_attention", rotary=rotary)
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
        """(B, T, D), padding mask (B, T) [, source (B, S, D), its mask (B, S)] -> (B, T, D)."""
        x = self._attend_to_itself(x, padding_mask, training)
        if self.cross_attention:
            keys, values = self.source_attention.keys_and_values(source)
            x = self._attend_to_source(x, keys, values, source_mask, training)
        return self._feed_forward(x, training)

    def attention_weights(self, x, padding_mask, source=None, source_mask=None):
        """Attention weights for the arguments of `call`, by kind.

        Returns:
            `"self"`, (B, N, T, T), and with cross-attention `"source"`, (B, N, T, S); see
            `MultiHeadAttention.attention_weights`.
        """
        y, (mask, order) = self.self_norm(x), self._mask_and_order(padding_mask)
        keys, _ = self.self_attention.keys_and_values(y, order["positions"])
        weights = {"self": self.self_attention.attention_weights(y, keys, mask, **order)}
        if self.cross_attention:
            x = self._attend_to_itself(x, padding_mask, False)
            keys, _ = self.source_attention.keys_and_values(source)
            weights["source"] = self.source_attention.attention_weights(
                self.source_norm(x), keys, source_mask[:, None, :]
            )
        return weights

    def _mask_and_order(self, padding_mask):
        """Mask, and arguments for the order of tokens, of self-attention over whole sequences."""
        places = ops.arange(ops.shape(padding_mask)[1], dtype="int32")
        mask = padding_mask[:, None, :]
        if self.causal:
            mask = ops.logical_and(mask, places[None, :, None] >= places[None, None, :])
        return mask, {"bias": self._bias(places[None], places), "positions": places[None]}

    def _attend_to_itself(self, x, padding_mask, training):
        y, (mask, order) = self.self_norm(x), self._mask_and_order(padding_mask)
        # Keras treats an argument named `mask` as its own when it is passed by name.
        attended = self.self_attention(y, y, mask, **order, training=training)
        return x + self.residual_dropout(attended, training=training)

    def _bias(self, query_positions, key_positions):
        if not self.penalize_distance:
            return None
        return distance_penalty(self.num_heads, query_positions, key_positions, self.compute_dtype)

    def _attend_to_source(self, x, keys, values, source_mask, training):
        attended = self.source_attention.attend(
            self.source_norm(x), keys, values, source_mask[:, None, :], training=training
        )
        return x + self.residual_dropout(attended, training=training)

    def _feed_forward(self, x, training):
        y = self.output_projection(self.hidden(self.feed_forward_norm(x)))
        return x + self.residual_dropout(y, training=training)

    def compute_output_shape(self, x_shape, *_, **__):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "hidden_units": self.hidden_units,
            "causal": self.causal,
            "cross_attention": self.cross_attention,
            "num_key_heads": self.num_key_heads,
            "penalize_distance": self.penalize_distance,
            "rotary": self.rotary,
            "dropout": self.dropout,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def _cache_indices(cache, padding_mask, positions):
    """Indices into a cache (B, G, L + 1, H) for new tokens: (B, G, T, 3)."""
    batch, heads, slots = (ops.shape(cache)[axis] for axis in range(3))
    shape = (batch, heads, ops.shape(positions)[1])
    slot = ops.where(padding_mask, positions, slots - 1)
    places = (
        ops.arange(batch, dtype="int32")[:, None, None],
        ops.arange(heads, dtype="int32")[None, :, None],
        slot[:, None, :],
    )
    return ops.stack([ops.broadcast_to(place, shape) for place in places], axis=-1)
