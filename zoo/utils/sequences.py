"""Padded rows of token ids: joined, shifted and cut into windows.

Each function takes NumPy arrays or tensors of Keras's backend and returns the same kind, so that
batches made on the host and compiled graphs share one definition.

Shape letters: B rows, T tokens, P tokens of a prefix, C tokens of a continuation, W windows.
"""

from typing import Any, NamedTuple

import numpy as np


class Windows(NamedTuple):
    """W windows of B texts; window i reads tokens `begin[i]` to `end[i] - 2` of text `text[i]`.

    Each token that is read predicts its successor. The window is scored on tokens `asked[i]` to
    `end[i] - 1`; those before are context.

    Attributes:
        text, begin, asked, end: integers (W,), begin < asked < end.
    """

    text: Any
    begin: Any
    asked: Any
    end: Any


def half_overlapping_windows(lengths, context_length: int, first: int = 1) -> Windows:
    """Cuts texts into windows so that every token is scored once, with context before it.

    The first window of a text is scored on all its tokens from `first` on, each later window on
    its last half: a token has at least `context_length / 2` tokens of context, or all there are.

    Args:
        lengths: tokens of each text, integers (B,).
        context_length: the maximum number of tokens that a window reads.
        first: index of the first token that is scored; those before are context only.
    """
    xp = namespace(lengths)
    half = max(context_length // 2, 1)
    first_end = max(context_length + 1, first + half)
    more = xp.maximum(lengths - first_end, 0)
    counts = xp.where(lengths > first, 1 + (more + half - 1) // half, 0)
    text, place = places(counts)
    end = xp.minimum(first_end + place * half, xp.take(lengths, text, axis=0))
    asked = xp.where(place == 0, first, first_end + (place - 1) * half)
    begin = xp.maximum(end - 1 - context_length, 0)
    return Windows(text, begin, asked, end)


def places(counts):
    """Counts (N,) of members -> owner and index among the owner's members, each (total,)."""
    xp = namespace(counts)
    owner = xp.repeat(xp.arange(xp.shape(counts)[0]), counts)
    return owner, xp.arange(xp.shape(owner)[0]) - xp.take(xp.cumsum(counts) - counts, owner, axis=0)


def row_lengths(token_ids):
    """Real tokens of each row: ids (B, T), padded right with 0 -> (B,)."""
    return namespace(token_ids).count_nonzero(token_ids, axis=1)


def join_padded(prefix, continuation):
    """Rows that continue others: ids (B, P) and (B, C) -> (B, T), each padded right with 0.

    T is the length of the longest joined row.
    """
    xp = namespace(prefix)
    both = xp.concatenate([prefix, continuation], axis=1)
    before, after = row_lengths(prefix), row_lengths(continuation)
    total = before + after
    width = xp.max(total, initial=1)
    if xp is np and (before == prefix.shape[1]).all():
        return both[:, :width]  # The common case of training, without a gap to close.
    place = xp.arange(width, dtype="int32")[None]
    shifted = place - before[:, None] + xp.shape(prefix)[1]
    source = xp.where(place < before[:, None], place, shifted)
    source = xp.minimum(source, xp.shape(both)[1] - 1)
    return xp.where(place < total[:, None], xp.take_along_axis(both, source, axis=1), 0)


def pad_width(token_ids, multiple_of: int):
    """Rows (B, T) with pads appended until T is a multiple."""
    xp = namespace(token_ids)
    if multiple_of == 1 or (xp is np and token_ids.shape[1] % multiple_of == 0):
        return token_ids
    missing = -xp.shape(token_ids)[1] % multiple_of
    return xp.pad(token_ids, [[0, 0], [0, missing]])


def drop_last(token_ids):
    """Rows without their last token: ids (B, T), padded right with 0 -> (B, T - 1)."""
    return namespace(token_ids).where(token_ids[:, 1:] > 0, token_ids[:, :-1], 0)


def namespace(array):
    """The module whose functions apply to an array: `numpy`, or `keras.ops` for tensors."""
    if isinstance(array, np.ndarray):
        return np
    from keras import ops

    return ops
