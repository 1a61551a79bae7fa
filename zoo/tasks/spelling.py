"""The cost of spelling words without an id, which makes bits per character comparable."""

from collections.abc import Mapping, Sequence

import numpy as np

# The end of a word, after the 256 bytes that it may contain.
_END_OF_WORD = 256
NUM_SYMBOLS = _END_OF_WORD + 1


def byte_counts(words: Mapping[bytes, int]) -> list[int]:
    """How often each byte occurs in words, and how many words end: 257 counts."""
    counts = np.zeros(NUM_SYMBOLS, "int64")
    for word, count in words.items():
        np.add.at(counts, [*word, _END_OF_WORD], count)
    return counts.tolist()


def spelling_nats(words: Mapping[bytes, int], counts: Sequence[int]) -> float:
    """Nats that it takes to spell words.

    Each byte costs minus the logarithm of its share of `counts`, with 1 added to each count.

    Args:
        words: the words and how often each occurs.
        counts: of `byte_counts`, (257,).
    """
    smoothed = np.asarray(counts, "float64") + 1
    cost = -np.log(smoothed / smoothed.sum())
    return float(sum(count * cost[[*word, _END_OF_WORD]].sum() for word, count in words.items()))
