"""Gates of recurrent cells over whole texts, computed from a layer's weights in double precision.

SimpleRNN of Elman 1990; LSTM of Gers et al. 2000, equations 1 to 7 without peepholes; GRU of Cho et
al. 2014, equations 5 to 8, with the reset gate after the product as in cuDNN.

Shape letters: B texts, T tokens, E width of the input, U units.
"""

from typing import NamedTuple

import keras
import numpy as np


class Gates(NamedTuple):
    """Activity of one recurrent layer, in the order of the text.

    Attributes:
        gates: by name, 0 (closed) to 1 (open), each (B, T, U). GRU: `"update z"`, at 1 of which a
            unit keeps its state, and `"reset r"`. LSTM: `"input"`, `"forget"`, at 1 of which a unit
            keeps its cell state, and `"output"`. SimpleRNN has no gates and reports `"absolute
            state"`, at 1 of which a unit is saturated.
        states: the output at each token, (B, T, U).
    """

    gates: dict[str, np.ndarray]
    states: np.ndarray


def compute_gates(cell: str, layer: keras.layers.RNN, x, *, backward: bool = False) -> Gates:
    """Steps a layer through inputs without padding.

    Args:
        cell: a name in `EQUATIONS`.
        layer: the recurrent layer whose weights are used.
        x: inputs, (B, T, E).
        backward: whether the layer reads from the last token to the first.
    """
    x = np.asarray(keras.ops.convert_to_numpy(x), "float64")
    # The bias of a GRU is two, (2, 3 U): of the product with the input, and of that with the state.
    kernel, recurrent, bias = (np.asarray(weight, "float64") for weight in layer.get_weights())
    bias, recurrent_bias = bias if bias.ndim == 2 else (bias, 0.0)
    step = EQUATIONS[cell]
    state = memory = np.zeros((len(x), len(recurrent)))
    products = x @ kernel + bias
    places = range(x.shape[1])
    gates: dict[str, list[np.ndarray]] = {}
    states = []
    for place in reversed(places) if backward else places:
        product = products[:, place]
        state, memory, opened = step(product, state @ recurrent + recurrent_bias, state, memory)
        states.append(state)
        for name, values in opened.items():
            gates.setdefault(name, []).append(values)
    order = slice(None, None, -1 if backward else 1)
    return Gates(
        {name: np.stack(values[order], axis=1) for name, values in gates.items()},
        np.stack(states[order], axis=1),
    )


def _simple_rnn(x, h, state, memory):
    state = np.tanh(x + h)
    return state, memory, {"absolute state": np.abs(state)}


def _gru(x, h, state, memory):
    update, reset, candidate = np.split(x, 3, axis=-1)
    h_update, h_reset, h_candidate = np.split(h, 3, axis=-1)
    z, r = _sigmoid(update + h_update), _sigmoid(reset + h_reset)
    state = z * state + (1 - z) * np.tanh(candidate + r * h_candidate)
    return state, memory, {"update z": z, "reset r": r}


def _lstm(x, h, state, memory):
    input_, forget, candidate, output = np.split(x + h, 4, axis=-1)
    i, f, o = _sigmoid(input_), _sigmoid(forget), _sigmoid(output)
    memory = f * memory + i * np.tanh(candidate)
    return o * np.tanh(memory), memory, {"input": i, "forget": f, "output": o}


# A step of each cell: products of input and state with the weights (B, k U), state and memory
# (B, U) -> state, memory, gates.
EQUATIONS = {"simple_rnn": _simple_rnn, "gru": _gru, "lstm": _lstm}


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))
