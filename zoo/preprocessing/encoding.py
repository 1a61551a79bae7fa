"""Texts to NumPy arrays, chunk by chunk, on all cores.

It knows functions of string tensors, and neither tokenizers nor vocabularies.
"""

import collections
import concurrent.futures
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zoo.preprocessing.token_sequences import TokenSequences
from zoo.utils.resources import num_cores
from zoo.utils.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID

# Texts of a TensorFlow call: enough to amortize it, few enough to stay small.
_CHUNK_SIZE = 1024
_TEXTS = tf.TensorSpec([None], tf.string)


def as_graph(function: Callable) -> Callable:
    """A function of strings (B,) as one graph for any number of texts of any length."""
    return tf.function(function, autograph=False).get_concrete_function(_TEXTS)


def map_texts(function: Callable, texts: Sequence[str]) -> Iterator:
    """Applies a function of strings (B,) to texts, chunk by chunk; yields results in order."""
    chunks = (texts[i : i + _CHUNK_SIZE] for i in range(0, len(texts), _CHUNK_SIZE))
    with concurrent.futures.ThreadPoolExecutor(num_cores()) as threads:
        yield from threads.map(lambda chunk: function(tf.constant(chunk, tf.string)), chunks)


def encode_texts(ragged_ids: Callable, texts: Sequence[str]) -> TokenSequences:
    """The ids of texts, by a function of string tensors (B,) that returns ragged ids (B, None)."""
    return TokenSequences.concatenate(
        [_sequences(ids) for ids in map_texts(as_graph(ragged_ids), texts)]
    )


class _Chunk(NamedTuple):
    """Split texts: `tokens[place]` are their tokens, one text after the other."""

    tokens: list[bytes]
    place: np.ndarray
    counts: list[int]
    lengths: tf.Tensor


class SplitTexts:
    """Texts split into tokens; only the distinct ones, ten times fewer, are Python objects.

    Args:
        split: a function from strings (B,) to ragged tokens (B, None).
        texts: the texts.

    Attributes:
        counts: the number of occurrences of each token (bytes), without special tokens.
    """

    def __init__(self, split: Callable, texts: Sequence[str]):
        @as_graph
        def count(strings):
            tokens = split(strings)
            return *tf.unique_with_counts(tokens.flat_values), tokens.row_lengths()

        def chunk_of(strings):
            unique, place, counts, lengths = count(strings)
            return _Chunk(unique.numpy().tolist(), place.numpy(), counts.numpy().tolist(), lengths)

        self._num_texts = len(texts)
        self._chunks = list(map_texts(chunk_of, texts))
        self.counts: collections.Counter[bytes] = collections.Counter()
        for chunk in self._chunks:
            for token, occurrences in zip(chunk.tokens, chunk.counts, strict=True):
                self.counts[token] += occurrences
        for token in SPECIAL_TOKENS:
            del self.counts[token.encode()]

    def most_frequent(self, size: int | None = None, min_frequency: int = 1) -> list[str]:
        """The most frequent tokens, ordered by count, equal counts by their bytes.

        Raises:
            ValueError: if there are none.
        """
        if not self.counts:
            raise ValueError("The vocabulary is empty: no text contains a token.")
        if max(self.counts.values()) < min_frequency:
            raise ValueError(
                f"The vocabulary is empty: no token occurs {min_frequency} times in the "
                f"{self._num_texts:,} texts that it is made of."
            )
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return [token.decode() for token, count in ranked if count >= min_frequency][:size]

    def to_ids(self, ids: Mapping[bytes, int], bound: Callable) -> TokenSequences:
        """The ids of the texts.

        Args:
            ids: the id of each token of the vocabulary.
            bound: a function from ragged ids to ragged ids, see `bound_ids`.
        """
        return TokenSequences.concatenate(
            [_sequences(bound(_ragged_ids(chunk, ids))) for chunk in self._chunks]
        )


def _ragged_ids(chunk: _Chunk, ids: Mapping[bytes, int]) -> tf.RaggedTensor:
    distinct = np.array([ids.get(token, UNKNOWN_ID) for token in chunk.tokens], "int32")
    return tf.RaggedTensor.from_row_lengths(distinct[chunk.place], chunk.lengths)


def _sequences(ids: tf.RaggedTensor) -> TokenSequences:
    return TokenSequences(ids.flat_values.numpy(), ids.row_lengths().numpy())
