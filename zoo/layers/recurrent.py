"""One layer of recurrence, read forward or both ways, over whole sequences or block by block."""

import keras
from keras import ops

CELLS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@keras.saving.register_keras_serializable(package="zoo")
class RecurrentBlock(keras.layers.Layer):
    """A recurrent layer and dropout on what it gives.

    Padding must stand on the right: it then cannot reach a real position, so the pass over whole
    sequences runs without a mask, which is faster and what cuDNN asks for. Whoever reads the
    features leaves padded positions out.

    Shape letters: B batch, T tokens, E width of the input, U units, D = U or 2 U both ways.

    Args:
        cell: `"simple_rnn"` (Elman 1990), `"lstm"` (Hochreiter and Schmidhuber 1997, with the
            forget gate of Gers et al. 2000) or `"gru"` (Cho et al. 2014, with the reset gate
            after the product, as cuDNN has it).
        units: U, the width of the state.
        bidirectional: whether a second layer reads each row from its last real token to its first.
        dropout: share of the features set to zero in training.
        recurrent_gain: length of the orthogonal matrix that the state is first multiplied by.
        kernel_regularizer: penalty on the weights of input and state.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_gain: float = 1.0,
        kernel_regularizer=None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.cell = cell
        self.units = units
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.recurrent_gain = recurrent_gain
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

        def recurrent_layer(direction):
            return CELLS[cell](
                units,
                return_sequences=True,
                return_state=True,
                recurrent_initializer=keras.initializers.Orthogonal(recurrent_gain),
                kernel_regularizer=self.kernel_regularizer,
                recurrent_regularizer=self.kernel_regularizer,
                dtype=self.dtype_policy,
                name=direction,
            )

        self.forward = recurrent_layer("forward")
        self.backward = recurrent_layer("backward") if bidirectional else None
        self.feature_dropout = keras.layers.Dropout(dropout, name="dropout")

    @property
    def causal(self) -> bool:
        """Whether a position depends on itself and earlier ones only."""
        return not self.bidirectional

    def build(self, x_shape, padding_mask_shape=None):
        self.forward.build(x_shape)
        if self.backward is not None:
            self.backward.build(x_shape)

    def call(self, x, padding_mask, training=None):
        """(B, T, E), real positions (B, T) -> (B, T, D)."""
        features = self.forward(x, training=training)[0]
        if self.backward is not None:
            reverse = _reversal(padding_mask)
            backward = self.backward(_take(x, reverse), training=training)[0]
            features = ops.concatenate([features, _take(backward, reverse)], axis=-1)
        return self.feature_dropout(features, training=training)

    def initial_state(self, batch_size: int, length: int):
        """The cell's states, zeros (B, U), one or two of them; `length` does not matter here."""
        num_states = 2 if self.cell == "lstm" else 1
        return [ops.zeros((batch_size, self.units), self.compute_dtype) for _ in range(num_states)]

    def grow_cache(self, state, length):
        """The state as it is: it has room for any number of tokens."""
        del length
        return state

    def advance(self, x, padding_mask, state, positions):
        """(B, T, E), real positions (B, T), state -> features (B, T, D), state; pads do nothing."""
        if x.shape[1] == 1:
            # A decoding step: one call of the cell, without the machinery of a loop.
            output, stepped = self.forward.cell(x[:, 0], state)
            stepped = stepped if isinstance(stepped, (list, tuple)) else [stepped]
            real = padding_mask[:, :1]
            state = [ops.where(real, new, old) for new, old in zip(stepped, state, strict=True)]
            return output[:, None], state
        features, *state = self.forward(x, mask=padding_mask, initial_state=state)
        return features, state

    def compute_output_shape(self, x_shape, padding_mask_shape=None):
        return (*x_shape[:-1], self.units * (2 if self.bidirectional else 1))

    def get_config(self):
        return {
            **super().get_config(),
            "cell": self.cell,
            "units": self.units,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "recurrent_gain": self.recurrent_gain,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def _reversal(padding_mask):
    """Indices (B, T) that turn round the real part of each row and leave its padding in place."""
    length = ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True)
    place = ops.arange(ops.shape(padding_mask)[1], dtype="int32")[None]
    return ops.where(place < length, length - 1 - place, place)


def _take(x, indices):
    return ops.take_along_axis(x, indices[:, :, None], axis=1)
