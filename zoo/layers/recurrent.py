"""Recurrent layers, forward or bidirectional, for whole sequences or token by token."""

import keras
from keras import ops

from zoo.layers.gates import EQUATIONS, Gates, compute_gates

CELLS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@keras.saving.register_keras_serializable(package="zoo")
class RecurrentBlock(keras.layers.Layer):
    """A recurrent layer and dropout on its output.

    Padding must be on the right. It then cannot affect a real position, so the pass over whole
    sequences runs without a mask, which is faster and required by cuDNN. Features of padded
    positions are undefined.

    Shape letters: B batch, T tokens, E width of the input, U units, D = U or 2 U both ways.

    Args:
        cell: `"simple_rnn"` (Elman 1990), `"lstm"` (Hochreiter and Schmidhuber 1997, with the
            forget gate of Gers et al. 2000) or `"gru"` (Cho et al. 2014, with the reset gate
            after the product, as cuDNN has it); or a class registered with
            `keras.saving.register_keras_serializable`, a subclass of `keras.layers.RNN` or a cell
            that `keras.layers.RNN` takes, with the arguments of Keras's own.
        units: U, the width of the state.
        bidirectional: whether a second layer reads each row from its last real token to its first.
        dropout: fraction of the features to drop.
        recurrent_gain: gain of the orthogonal recurrent matrix at initialization.
        kernel_regularizer: penalty on the weights of input and state.

    Raises:
        ValueError: if `cell` is unknown.

    Example:
    >>> block = zoo.layers.RecurrentBlock("gru", 4, bidirectional=True)
    >>> block(np.ones((1, 5, 8), "float32"), np.ones((1, 5), bool)).shape
    TensorShape([1, 5, 8])
    """

    def __init__(
        self,
        cell: str | type[keras.Layer],
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
        self.cell = cell if isinstance(cell, str) else keras.saving.get_registered_name(cell)
        self.units = units
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.recurrent_gain = recurrent_gain
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

        def recurrent_layer(direction):
            options = {
                "recurrent_initializer": keras.initializers.Orthogonal(recurrent_gain),
                "kernel_regularizer": self.kernel_regularizer,
                "recurrent_regularizer": self.kernel_regularizer,
                "dtype": self.dtype_policy,
            }
            whole = {"return_sequences": True, "return_state": True, "name": direction}
            kind = _cell_class(cell)
            if issubclass(kind, keras.layers.RNN):
                return kind(units, **whole, **options)
            return keras.layers.RNN(kind(units, **options), **whole, dtype=self.dtype_policy)

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
        """(B, T, E), padding mask (B, T) -> (B, T, D)."""
        features = self.forward(x, training=training)[0]
        if self.backward is not None:
            reverse = _reversal(padding_mask)
            backward = self.backward(_take(x, reverse), training=training)[0]
            features = ops.concatenate([features, _take(backward, reverse)], axis=-1)
        return self.feature_dropout(features, training=training)

    def initial_state(self, batch_size: int, length: int):
        """The cell's states, each zeros (B, width); any `length` will do."""
        sizes = self.forward.cell.state_size
        sizes = sizes if isinstance(sizes, (list, tuple)) else [sizes]
        return [ops.zeros((batch_size, size), self.compute_dtype) for size in sizes]

    def grow_cache(self, state, length):
        """The state unchanged, since it holds any number of tokens."""
        del length
        return state

    def advance(self, x, padding_mask, state, positions):
        """(B, T, E), padding mask (B, T), state -> features (B, T, D), state; pads are skipped."""
        if x.shape[1] == 1:
            # A decoding step: one call of the cell, without a loop.
            output, stepped = self.forward.cell(x[:, 0], state)
            stepped = stepped if isinstance(stepped, (list, tuple)) else [stepped]
            real = padding_mask[:, :1]
            state = [ops.where(real, new, old) for new, old in zip(stepped, state, strict=True)]
            return output[:, None], state
        features, *state = self.forward(x, mask=padding_mask, initial_state=state)
        return features, state

    @property
    def has_gates(self) -> bool:
        """Whether `gates` knows the equations of the cell."""
        return self.cell in EQUATIONS

    def gates(self, x) -> dict[str, Gates]:
        """Gates and states at every token, by direction: `"forward"` and `"backward"`.

        Args:
            x: inputs without padding, (B, T, E).
        """
        directions = [layer for layer in (self.forward, self.backward) if layer is not None]
        return {
            layer.name: compute_gates(self.cell, layer, x, backward=layer is self.backward)
            for layer in directions
        }

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


def _cell_class(cell: str | type[keras.Layer]) -> type[keras.Layer]:
    if not isinstance(cell, str):
        return cell
    kind = CELLS.get(cell) or keras.saving.get_registered_object(cell)
    if kind is None:
        raise ValueError(
            f"cell must be one of {', '.join(CELLS)}, or a class that is registered with "
            f"keras.saving.register_keras_serializable; it is {cell!r}."
        )
    return kind


def _reversal(padding_mask):
    """Indices (B, T) that reverse the real tokens of each row and keep its padding in place."""
    length = ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True)
    place = ops.arange(ops.shape(padding_mask)[1], dtype="int32")[None]
    return ops.where(place < length, length - 1 - place, place)


def _take(x, indices):
    return ops.take_along_axis(x, indices[:, :, None], axis=1)
