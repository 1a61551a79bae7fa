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
        weights: `float32` (N, T, S): how much token t takes of token s; each row sums to 1.
        asking: the T tokens that ask.
        asked: the S tokens that are asked.
    """

    block: str
    kind: str
    weights: np.ndarray = dataclasses.field(repr=False)
    asking: tuple[str, ...]
    asked: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class AttentionMaps:
    """All attention of a model in a pass over one text.

    Attributes:
        maps: in the order of the pass.
    """

    maps: tuple[AttentionMap, ...]

    @property
    def blocks(self) -> tuple[str, ...]:
        """The names of the blocks, in the order of the pass."""
        return tuple(dict.fromkeys(found.block for found in self.maps))

    def find(self, block: int | str = 0, kind: str | None = None) -> AttentionMap:
        """One of the maps.

        Args:
            block: its number in `blocks`, or its name.
            kind: `"self"` or `"source"`; None for the last that the block has.

        Raises:
            ValueError: where there is none.
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
    """Gives the attention weights of every block and head over a text.

    They are computed by the very code of the pass. How far such weights explain an answer is
    disputed (Jain and Wallace 2019, "Attention is not Explanation"): hold them against
    `integrated_gradients`.

    Args:
        model: a Transformer; any of attention blocks.
        task: its task.
        text: a text; for a model that writes, what stands before.
        continuation: what follows, for a model that writes. The decoder of an encoder-decoder
            reads it, behind a start token; others read it behind the text.

    Raises:
        ValueError: for a model without attention, a continuation where nothing is continued, or
            more tokens than the model can read.
    """
    seen = passes.text_pass(model, task, text, continuation)
    maps = []
    for layer, x, arguments in model.trace(seen.inputs):
        if not hasattr(layer, "attention_weights"):
            continue
        is_encoder = seen.source and "source" not in arguments
        asking = seen.source if is_encoder else seen.tokens
        for kind, weights in layer.attention_weights(x, **arguments).items():
            asked = seen.source if kind == "source" else asking
            queries = (layer.name,) if kind == "pooling" else asking
            values = np.asarray(weights, "float32")[0]
            maps.append(AttentionMap(layer.name, kind, values, queries, asked))
    if not maps:
        raise ValueError(f"{model.name} has no attention to show: expected a Transformer.")
    return AttentionMaps(tuple(maps))
