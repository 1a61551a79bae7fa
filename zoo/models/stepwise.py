"""Continuing texts: packing of prefixes and continuations, and stepwise reading from a state.

Shape letters: B batch, T tokens, S source tokens, D width of the features.
"""

from typing import Any, NamedTuple

from keras import ops

from zoo.layers import last_real
from zoo.models.heads import ModelWithHead
from zoo.utils.sequences import drop_last, join_padded, namespace, pad_width, row_lengths


class Packed(NamedTuple):
    """A prefix and its continuation as inputs and targets of a model.

    Attributes:
        inputs: the inputs of the model.
        targets: the token that each position predicts, `int32` (B, T), padded right with 0.
        is_asked: booleans (B, T), True where the target is a token of the continuation.
    """

    inputs: Any
    targets: Any
    is_asked: Any


class StepwiseModel(ModelWithHead):
    """The part of `SequenceModel` that continues texts.

    It uses the model's `blocks`, `causal`, `padding_mask`, `final_norm` and `_embed`.
    """

    # A prefix and its continuation

    def inputs_of(self, prefix, continuation):
        """The inputs that read `prefix` and then `continuation`: ids (B, P), (B, C) -> (B, T)."""
        return join_padded(prefix, continuation)

    def pack(self, prefix, continuation, *, multiple_of: int = 1) -> Packed:
        """Inputs and targets that predict each token of a continuation from all tokens before it.

        Args:
            prefix: ids (B, P), padded right with 0, at least one token per row. NumPy arrays or
                tensors; the result is of the same type.
            continuation: ids (B, C), padded right with 0.
            multiple_of: widths are padded to a multiple of it.
        """
        xp = namespace(prefix)
        joined = join_padded(prefix, continuation)
        inputs = pad_width(drop_last(joined), multiple_of)
        targets = pad_width(joined[:, 1:], multiple_of)
        place = xp.arange(1, xp.shape(targets)[1] + 1, dtype="int32")[None]
        is_asked = xp.logical_and(place >= row_lengths(prefix)[:, None], targets > 0)
        return Packed(inputs, targets, is_asked)

    # Step by step

    def initial_state(self, batch_size: int, length: int, source_ids=None):
        """The state before any token.

        Args:
            batch_size: B.
            length: number of tokens that the state can hold until `grow_cache`.
            source_ids: (B, S), for an encoder-decoder only.

        Returns:
            A nest of tensors, batch first.

        Raises:
            ValueError: if the model is not causal.
        """
        self._check_causal()
        return self._initial_state(batch_size, length)

    def _initial_state(self, batch_size, length, **source):
        return {
            "position": ops.zeros((batch_size,), "int32"),
            "blocks": [b.initial_state(batch_size, length, **source) for b in self.blocks],
        }

    def grow_cache(self, state, length: int):
        """The state with capacity for `length` more tokens."""
        blocks = zip(self.blocks, state["blocks"], strict=True)
        return {**state, "blocks": [block.grow_cache(of, length) for block, of in blocks]}

    def advance(self, token_ids, state):
        """Reads some tokens: ids (B, T >= 1), state -> features (B, T, D), state.

        Pads have no effect: the state of a row of pads is unchanged.
        """
        self._check_causal()
        mask = self.padding_mask(token_ids)
        read = state["position"][:, None] + ops.cumsum(ops.cast(mask, "int32"), axis=1)
        places = ops.maximum(read - 1, 0)
        x = self._embed(token_ids, places)
        block_states = []
        for block, block_state in zip(self.blocks, state["blocks"], strict=True):
            x, block_state = block.advance(x, mask, block_state, places)
            block_states.append(block_state)
        x = x if self.final_norm is None else self.final_norm(x)
        return x, {"position": read[:, -1], "blocks": block_states}

    def prefill(self, prompt_ids, length: int):
        """Reads prompts in one pass, the first step of generation.

        Args:
            prompt_ids: (B, P), padded right.
            length: capacity of the state, P or more; see `initial_state`.

        Returns:
            (features (B, D), from which `head` predicts the next token of each prompt; state).
        """
        features, state = self.advance(
            prompt_ids, self.initial_state(ops.shape(prompt_ids)[0], length)
        )
        return last_real(features, self.padding_mask(prompt_ids)), state

    def _check_causal(self):
        if not self.causal:
            raise ValueError(
                f"{self.name} reads in both directions, so it cannot be advanced token by token; "
                "build it with bidirectional=False."
            )
