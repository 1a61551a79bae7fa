"""Gate activations of a recurrent network over a text.

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
        gates: gate activations by name, from 0 (closed) to 1 (open), each (T, U). A GRU has
            `"update z"`, which at 1 keeps the state, and `"reset r"`; an LSTM has `"input"`,
            `"forget"`, which at 1 keeps the cell state, and `"output"`; a SimpleRNN has no gates
            but `"absolute state"`, which at 1 is saturated.
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
        layers: the recurrent layers in the order of the pass, forward before backward.
    """

    tokens: tuple[str, ...]
    layers: tuple[LayerActivity, ...]

    def find(self, layer: int | str = 0) -> LayerActivity:
        """One of the layers, by index or name.

        Raises:
            ValueError: if there is no such layer.
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
    """Returns gate activations and states of every recurrent layer over a text.

    Layers compute them from their weights, see `zoo.layers.RecurrentBlock.gates`.

    Args:
        model: a recurrent model.
        task: its task.
        text: a text; the prompt of a language model.

    Returns:
        `GateActivity`; `zoo.inspection.plots.gates` draws it.

    Raises:
        ValueError: for a model without recurrence.

    Example:
    >>> activity = zoo.inspection.gate_activity(model, task, "A fine film.")
    >>> activity.find("block_0/forward").gates["reset r"].shape
    (3, 8)
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
