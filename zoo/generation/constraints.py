"""Tokens that may not come next, by what a text contains so far, whatever the strategy.

Shape letters: R rows, T tokens, V vocabulary, M banned sequences, L their longest.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


class NoRepeatedNgrams:
    """Excludes tokens that would complete an n-gram that the text already contains.

    As in Paulus et al. (2018), section 2.5. Where every token would repeat, none is excluded.

    Args:
        size: n, 1 or more.
    """

    def __init__(self, size: int):
        self.size = size

    def narrow(self, allowed, text, length, banned_ids):
        """Which of the tokens that are `allowed`, (R, V), remain so; see `BannedSequences`."""
        del banned_ids
        remaining = allowed & ~find_repeating(text, length, self.size, allowed.shape[-1])
        return tf.where(tf.reduce_any(remaining, axis=-1, keepdims=True), remaining, allowed)


class BannedSequences:
    """Excludes tokens that would complete a banned sequence of tokens."""

    def narrow(self, allowed, text, length, banned_ids):
        """Which of the tokens that are `allowed`, (R, V), remain so.

        Args:
            allowed: which tokens may come next, (R, V).
            text: tokens so far, padded right, (R, T).
            length: number of tokens of each row, (R,).
            banned_ids: the sequences, padded left, `int32` (M, L); see `pad_left`.
        """
        return allowed & ~find_completing(text, length, banned_ids, allowed.shape[-1])


def narrow(constraints, allowed, text, length, banned_ids, end_id: int):
    """Which tokens (R, V) may come next by all constraints; the end where nothing else may.

    Args:
        constraints: objects with `narrow`, in order.
        allowed: which ids may be generated, (V,) or (R, V).
        text, length, banned_ids: see `BannedSequences.narrow`.
        end_id: the token that ends a text.
    """
    shape = [tf.shape(text)[0], allowed.shape[-1]]
    remaining = tf.ensure_shape(tf.broadcast_to(allowed, shape), [None, allowed.shape[-1]])
    for constraint in constraints:
        remaining = constraint.narrow(remaining, text, length, banned_ids)
    is_end = tf.range(allowed.shape[-1]) == end_id
    return remaining | (~tf.reduce_any(remaining, axis=-1, keepdims=True) & is_end)


def pad_left(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Sequences of token ids as a matrix `int32` (M, L), padded left with 0.

    >>> from zoo.generation.constraints import pad_left
    >>> pad_left([[4, 5], [6]]).tolist()
    [[4, 5], [0, 6]]
    """
    matrix = np.zeros((len(sequences), max(map(len, sequences), default=1)), "int32")
    for row, sequence in zip(matrix, sequences, strict=True):
        row[len(row) - len(sequence) :] = sequence
    return matrix


def find_completing(text, length, sequences, vocabulary_size: int):
    """Which tokens (R, V) would complete one of M sequences (M, L), padded left, at a text's end.

    Args:
        text: tokens, padded right, (R, T).
        length: number of tokens of each row, (R,).
        sequences: `int32` (M, L).
        vocabulary_size: V.
    """
    beginnings, last = sequences[:, :-1], sequences[:, -1]
    places = length[:, None] - tf.shape(beginnings)[1] + tf.range(tf.shape(beginnings)[1])
    tokens = tf.gather(text, tf.maximum(places, 0), batch_dims=1)
    # A place before the text holds no token.
    tokens = tf.where(places >= 0, tokens, -1)
    is_there = (tokens[:, None] == beginnings) | (beginnings == 0)
    is_complete = tf.reduce_all(is_there, axis=-1)
    return _mark(tf.where(is_complete, last, 0), vocabulary_size)


def find_repeating(text, length, size: int, vocabulary_size: int):
    """Which tokens (R, V) would complete an n-gram that a row of text (R, T) already contains."""
    width = tf.shape(text)[1]
    starts = tf.range(tf.maximum(width - size + 1, 0))
    same = starts[None] + size <= length[:, None]
    for offset in range(size - 1):
        place = tf.maximum(length - (size - 1) + offset, 0)
        last = tf.gather(text, place, batch_dims=1)
        same &= tf.gather(text, starts + offset, axis=1) == last[:, None]
    # A text with fewer than size - 1 tokens repeats no n-gram.
    same &= (length >= size - 1)[:, None]
    completing = tf.gather(text, starts + size - 1, axis=1)
    return _mark(tf.where(same, completing, 0), vocabulary_size)


def _mark(tokens, vocabulary_size: int):
    """Which ids (R, V) are among tokens (R, K); 0 is no token."""
    rows = tf.repeat(tf.range(tf.shape(tokens)[0]), tf.shape(tokens)[1])
    places = tf.stack([rows, tf.reshape(tokens, [-1])], axis=1)
    found = tf.zeros([tf.shape(tokens)[0], vocabulary_size], tf.bool)
    found = tf.tensor_scatter_nd_update(found, places, tf.ones_like(rows, tf.bool))
    return found & (tf.range(vocabulary_size) > 0)
