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
    """Whether a layer of a model has gates to show."""
    return any(getattr(layer, "has_gates", False) for layer in passes.layers_of(model))


def gate_activity(model, task: "zoo.tasks.Task", text: str) -> GateActivity:
    """Gives gates and states of every recurrent layer over a text.

    Layers compute them from their weights, see `zoo.layers.RecurrentBlock.gates`.

    Args:
        model: a recurrent model.
        task: its task.
        text: a text; for a model that writes, what stands before.

    Raises:
        ValueError: for a model without recurrence.
    """
    seen = passes.text_pass(model, task, text)
    layers = [
        LayerActivity(
            f"{layer.name}/{direction}",
            {name: values[0] for name, values in found.gates.items()},
            found.states[0],
        )
        for layer, x, _ in model.trace(seen.inputs)
        if getattr(layer, "has_gates", False)
        for direction, found in layer.gates(x).items()
    ]
    if not layers:
        raise ValueError(
            f"{model.name} has no gates to show: expected a SimpleRNN, an LSTM or a GRU."
        )
    return GateActivity(seen.tokens, tuple(layers))
