"""What the gates of a recurrent network do from token to token.

Shape letters: T tokens, E width of the input, U units.
"""

import dataclasses

import numpy as np

import zoo
from zoo.inspection import passes


@dataclasses.dataclass(frozen=True, eq=False)  # Arrays have no one equality.
class LayerActivity:
    """One recurrent layer over one text, in the order of the text.

    Attributes:
        name: block and direction, such as `"block_0/forward"`.
        gates: by name, 0 (shut) to 1 (open), each (T, U). Of a GRU `"update z"`, at 1 of which a
            unit keeps its state as it was, and `"reset r"`; of an LSTM `"input"`, `"forget"`, at 1
            of which it keeps its memory, and `"output"`; a SimpleRNN has no gates, so that it is
            `"absolute state"`, at 1 of which a unit is saturated.
        states: the output at each token, (T, U).
    """

    name: str
    gates: dict[str, np.ndarray] = dataclasses.field(repr=False)
    states: np.ndarray = dataclasses.field(repr=False)

    @property
    def state_norm(self) -> np.ndarray:
        """The Euclidean length of each state, (T,)."""
        return np.linalg.norm(self.states, axis=1)


@dataclasses.dataclass(frozen=True)
class GateActivity:
    """All recurrent layers of a model over one text.

    Attributes:
        tokens: the T tokens.
        layers: in the order of the pass, the forward direction of a block first.
    """

    tokens: tuple[str, ...]
    layers: tuple[LayerActivity, ...]

    def find(self, layer: int | str = 0) -> LayerActivity:
        """One of the layers, by number or name.

        Raises:
            ValueError: where there is none.
        """
        if isinstance(layer, int) and -len(self.layers) <= layer < len(self.layers):
            return self.layers[layer]
        for found in self.layers:
            if found.name == layer:
                return found
        known = ", ".join(found.name for found in self.layers)
        raise ValueError(f"There is no layer {layer!r}; there are: {known}.")


def has_gates(model) -> bool:
    """Whether a block of a model has gates to show."""
    return any(getattr(block, "cell", None) in _EQUATIONS for block in passes.blocks_of(model))


def gate_activity(model, task: "zoo.tasks.Task", text: str) -> GateActivity:
    """Gives gates and states of every recurrent layer over a text.

    They are computed from the layer's weights by the equations of the cells: SimpleRNN of Elman
    1990; LSTM of Gers et al. 2000, equations 1 to 7 without peepholes; GRU of Cho et al. 2014,
    equations 5 to 8, with the reset gate behind the product as cuDNN has it.

    Args:
        model: a recurrent model.
        task: its task.
        text: a text; for a model that writes, what stands before.

    Raises:
        ValueError: for a model without recurrence.
    """
    seen = passes.text_pass(model, task, text)
    layers: list[LayerActivity] = []
    for block, x, _ in model.trace(seen.inputs):
        if getattr(block, "cell", None) not in _EQUATIONS:
            continue
        inputs = np.asarray(x, "float64")[0]
        layers.append(_activity(block, block.forward, inputs))
        if block.backward is not None:
            layers.append(_activity(block, block.backward, inputs, backward=True))
    if not layers:
        raise ValueError(
            f"{model.name} has no gates to show: expected a SimpleRNN, an LSTM or a GRU."
        )
    return GateActivity(seen.tokens, tuple(layers))


def _activity(block, layer, inputs: np.ndarray, *, backward: bool = False) -> LayerActivity:
    """A layer over inputs (T, E)."""
    # The bias of a GRU is two, (2, 3 U): of the product with the input, and of that with the state.
    kernel, recurrent, bias = (np.asarray(weight, "float64") for weight in layer.get_weights())
    bias, recurrent_bias = bias if bias.ndim == 2 else (bias, 0.0)
    step = _EQUATIONS[block.cell]
    state = memory = np.zeros(len(recurrent))
    gates: dict[str, list[np.ndarray]] = {}
    states = []
    for x in (inputs[::-1] if backward else inputs) @ kernel + bias:
        state, memory, opened = step(x, state @ recurrent + recurrent_bias, state, memory)
        states.append(state)
        for name, values in opened.items():
            gates.setdefault(name, []).append(values)
    order = slice(None, None, -1 if backward else 1)
    return LayerActivity(
        f"{block.name}/{layer.name}",
        {name: np.array(values)[order] for name, values in gates.items()},
        np.array(states)[order],
    )


def _simple_rnn(x, h, state, memory):
    state = np.tanh(x + h)
    return state, memory, {"absolute state": np.abs(state)}


def _gru(x, h, state, memory):
    (update, reset, candidate), (h_update, h_reset, h_candidate) = np.split(x, 3), np.split(h, 3)
    z, r = _sigmoid(update + h_update), _sigmoid(reset + h_reset)
    state = z * state + (1 - z) * np.tanh(candidate + r * h_candidate)
    return state, memory, {"update z": z, "reset r": r}


def _lstm(x, h, state, memory):
    opening, forgetting, candidate, showing = np.split(x + h, 4)
    i, f, o = _sigmoid(opening), _sigmoid(forgetting), _sigmoid(showing)
    memory = f * memory + i * np.tanh(candidate)
    return o * np.tanh(memory), memory, {"input": i, "forget": f, "output": o}


# A step of each cell: products of input and state with the weights (k U,), state and memory (U,)
# -> state, memory, gates.
_EQUATIONS = {"simple_rnn": _simple_rnn, "gru": _gru, "lstm": _lstm}


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))
