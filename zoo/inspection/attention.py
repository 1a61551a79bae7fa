"""Attention weights in the blocks of a model.

Shape letters: N heads, T tokens that attend, S tokens that are attended to.
"""

import dataclasses

import numpy as np

import zoo
from zoo.inspection import passes


@dataclasses.dataclass(frozen=True, eq=False)  # Arrays have no one equality.
class AttentionMap:
    """The weights of one attention (Vaswani et al. 2017, equation 1, the softmax).

    Attributes:
        block: the name of the layer, such as `"block_0"` or `"decoder_0"`.
        kind: `"self"`, `"source"` for a decoder's attention to the encoder's output, or
            `"pooling"` for a layer that reduces a text to one vector, whose only query it is.
        weights: `float32` (N, T, S); each row sums to 1.
        queries: the T tokens that attend.
        keys: the S tokens that are attended to.
    """

    block: str
    kind: str
    weights: np.ndarray = dataclasses.field(repr=False)
    queries: tuple[str, ...]
    keys: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class AttentionMaps:
    """All attention weights of a model in a pass over one text.

    Attributes:
        maps: the attention maps in the order of the pass.
    """

    maps: tuple[AttentionMap, ...]

    @property
    def blocks(self) -> tuple[str, ...]:
        """The names of the blocks, in the order of the pass."""
        return tuple(dict.fromkeys(found.block for found in self.maps))

    def find(self, block: int | str = 0, kind: str | None = None) -> AttentionMap:
        """One of the maps.

        Args:
            block: its index in `blocks`, or its name.
            kind: `"self"`, `"source"` or `"pooling"`; None for the last that the block has.

        Raises:
            ValueError: if there is no such map.
        """
        name = block
        if isinstance(block, int) and -len(self.blocks) <= block < len(self.blocks):
            name = self.blocks[block]
        found = [one for one in self.maps if one.block == name and kind in (None, one.kind)]
        if not found:
            known = ", ".join(f"{one.block} ({one.kind})" for one in self.maps)
            wanted = f"{block!r}" + (f" of kind {kind!r}" if kind else "")
            raise ValueError(f"There is no map of block {wanted}; there are: {known}.")
        return found[-1]


def has_attention(model) -> bool:
    """Whether a layer of a model has attention weights to show."""
    return any(hasattr(layer, "attention_weights") for layer in passes.layers_of(model))


def attention_maps(
    model, task: "zoo.tasks.Task", text: str, *, continuation: str | None = None
) -> AttentionMaps:
    """Returns the attention weights of every layer and head over a text.

    The layers compute them with the code of the forward pass. How far attention weights explain a
    prediction is disputed (Jain and Wallace 2019, "Attention is not Explanation"): compare with
    `integrated_gradients`.

    Args:
        model: a model with attention, such as a Transformer.
        task: its task.
        text: a text; the prompt of a language model.
        continuation: the continuation of the prompt, for a language model. The decoder of an
            encoder-decoder reads it after a start token; others read it after the text.

    Returns:
        `AttentionMaps`; `zoo.inspection.plots.attention` draws them.

    Raises:
        ValueError: for a model without attention, a continuation for a classifier, or more tokens
            than the context of the model.

    Example:
    >>> small = zoo.Transformer(**task.model_arguments(), embedding_dim=8, hidden_units=8)
    >>> maps = zoo.inspection.attention_maps(small, task, "A fine film.")
    >>> maps.find("decoder_0", "source").weights.shape
    (2, 1, 3)
    """
    seen = passes.text_pass(model, task, text, continuation)
    maps = []
    for layer, x, arguments in model.trace(seen.inputs):
        if not hasattr(layer, "attention_weights"):
            continue
        is_encoder = seen.source and "source" not in arguments
        read = seen.source if is_encoder else seen.tokens
        for kind, weights in layer.attention_weights(x, **arguments).items():
            keys = seen.source if kind == "source" else read
            queries = (layer.name,) if kind == "pooling" else read
            values = np.asarray(weights, "float32")[0]
            maps.append(AttentionMap(layer.name, kind, values, queries, keys))
    if not maps:
        raise ValueError(f"{model.name} has no attention to show: expected a Transformer.")
    return AttentionMaps(tuple(maps))
