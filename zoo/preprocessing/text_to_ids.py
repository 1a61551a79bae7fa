"""The layer that reads: raw text to token ids."""

import collections
import concurrent.futures
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zoo.preprocessing import splitting
from zoo.preprocessing.special_tokens import END_ID, PAD_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID
from zoo.preprocessing.token_sequences import TokenSequences

# Texts that go through TensorFlow at a time: enough to amortize a call, few enough to stay small.
_CHUNK_SIZE = 1024
_TEXTS = tf.TensorSpec([None], tf.string)

# Bytes that are looked at for each id that a text may give, and for any number of ids: splitting
# takes up to 90 times a text's bytes. A character has 4 bytes at most, an English word 5.
_BYTES_OF_A_CHARACTER, _BYTES_OF_A_WORD = 4, 16
_LEAST_BYTES = 2**16


@keras.saving.register_keras_serializable(package="zoo")
class TextToIds(keras.layers.Layer):
    """Turns a batch of raw texts into a right-padded matrix of token ids.

    Id 0 is the pad, 1 the unknown token, 2 the start and 3 the end of a text; the vocabulary
    follows, most frequent first. Made of TensorFlow's core ops, so that it travels inside a
    SavedModel.

    Args:
        level: `"word"`, with Chinese and other scripts without spaces split by character, or
            `"character"`, where the text is taken exactly as it is.
        vocabulary_size: the most ids there may be, the four special ones included; None for no
            bound.
        minimum_count: how often a token must appear to enter the vocabulary.
        sequence_length: the most ids a text may give; None for no bound. With a bound no more is
            read of a text than 16 bytes an id, or 64 KiB where that is more.
        truncation: which part of a longer text is kept: `"start"`, `"end"`, or `"both"`, the first
            half and the last.
        add_start: whether a text begins with the start token.
        add_end: whether a text ends with the end token, as far as `sequence_length` reaches.
        lowercase, markup, punctuation: see `splitting.standardize`; they do not concern characters.
        vocabulary: the tokens after the special ones, where they are known; else call `adapt`.

    Call arguments:
        texts: string tensor (B,).

    Returns:
        `int32` token ids (B, T), T the longest row's length. A text without any token is one
        unknown token, so that no row is all padding.

    Attributes:
        table: from a token to its id; None before there is a vocabulary.
        oov_counts: the tokens of the texts that `adapt` saw which did not enter the vocabulary, as
            bytes, and how often each came.
    """

    def __init__(
        self,
        *,
        level: str = "word",
        vocabulary_size: int | None = None,
        min_frequency: int = 1,
        sequence_length: int | None = None,
        truncation: str = "start",
        add_start: bool = False,
        add_end: bool = False,
        lowercase: bool = True,
        markup: str = "remove",
        punctuation: str = "keep",
        vocabulary: Sequence[str] | None = None,
        name: str = "text_to_ids",
        **kwargs,
    ):
        super().__init__(name=name, dtype="int32", trainable=False)
        _check_choice("level", level, splitting.LEVELS)
        _check_choice("truncation", truncation, ("start", "end", "both"))
        _check_choice("markup", markup, splitting.MARKUP)
        _check_choice("punctuation", punctuation, splitting.PUNCTUATION)
        if vocabulary_size is not None and vocabulary_size <= len(SPECIAL_TOKENS):
            raise ValueError(
                f"vocabulary_size counts the {len(SPECIAL_TOKENS)} special tokens and must be "
                f"above that; it is {vocabulary_size}."
            )
        if sequence_length is not None and sequence_length < 1:
            raise ValueError(f"sequence_length must be at least 1; it is {sequence_length}.")
        self.level = level
        self.vocabulary_size = vocabulary_size
        self.min_frequency = min_frequency
        self.sequence_length = sequence_length
        self.truncation = truncation
        self.add_start = add_start
        self.add_end = add_end
        self.lowercase = lowercase
        self.markup = markup
        self.punctuation = punctuation
        self.oov_counts: dict[bytes, int] = {}
        self._vocabulary: list[str] = []
        self.table: tf.lookup.StaticHashTable | None = None
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)
        self.built = (
            True  # It has no weights to make, and an export asks for a layer that is built.
        )

    # Vocabulary

    @property
    def vocabulary(self) -> list[str]:
        """All tokens by id, the special ones first."""
        return [*SPECIAL_TOKENS, *self._vocabulary]

    @property
    def has_vocabulary(self) -> bool:
        """Whether it can be used already."""
        return bool(self._vocabulary)

    def set_vocabulary(self, tokens: Sequence[str]) -> None:
        """Takes the tokens after the special ones, most frequent first.

        Raises:
            ValueError: for a vocabulary that is empty or holds a token twice or a special one.
        """
        tokens = list(tokens)
        if not tokens:
            raise ValueError("The vocabulary is empty: expected one token at least.")
        if len({*tokens, *SPECIAL_TOKENS}) != len(tokens) + len(SPECIAL_TOKENS):
            raise ValueError("The vocabulary holds a token twice, or one of the special tokens.")
        self._vocabulary = tokens
        first_id = len(SPECIAL_TOKENS)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(tokens, tf.string),
                tf.range(first_id, first_id + len(tokens), dtype=tf.int32),
            ),
            default_value=UNKNOWN_ID,
        )

    def variant(self, **changes) -> "TextToIds":
        """This layer with some arguments changed, none that tokens depend on; the table is shared.

        Args:
            **changes: arguments of the class.
        """
        other = TextToIds(**{**self.get_config(), "vocabulary": None, **changes})
        other._vocabulary, other.table = self._vocabulary, self.table
        return other

    def adapt(self, texts: Sequence[str]) -> TokenSequences:
        """Makes the vocabulary from texts, and gives their ids, since the texts are split already.

        Equal counts are ordered by the token's bytes: the vocabulary is a function of the texts
        alone.

        Args:
            texts: the training texts, and no others.

        Returns:
            The ids of each text, as `encode` gives them.

        Raises:
            ValueError: where no token comes often enough.
        """
        chunks = list(_in_threads(self._distinct_tokens, texts))
        counts: collections.Counter[bytes] = collections.Counter()
        for chunk in chunks:
            # Only distinct tokens become Python objects: 10 times fewer than there are tokens.
            for token, count in zip(chunk.tokens, chunk.counts, strict=True):
                counts[token] += count
        for token in SPECIAL_TOKENS:
            del counts[token.encode()]
        if not counts:
            raise ValueError("The vocabulary is empty: no text held a single token.")
        if max(counts.values()) < self.min_frequency:
            raise ValueError(
                f"The vocabulary is empty: no token comes {self.min_frequency} times in the "
                f"{len(texts):,} texts that it is made of."
            )
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        room = None if self.vocabulary_size is None else self.vocabulary_size - len(SPECIAL_TOKENS)
        self.set_vocabulary(
            [token.decode() for token, count in ranked if count >= self.min_frequency][:room]
        )
        ids = {token.encode(): i for i, token in enumerate(self.vocabulary)}
        self.oov_counts = {token: count for token, count in counts.items() if token not in ids}
        return TokenSequences.concatenate([self._sequences(chunk, ids) for chunk in chunks])

    def encode(self, texts: Sequence[str]) -> TokenSequences:
        """The ids of each text without padding, from 1 to `sequence_length` of them."""
        ragged_ids = _compiled(self._ragged_ids)
        return TokenSequences.concatenate(
            [_without_padding(ids) for ids in _in_threads(ragged_ids, texts)]
        )

    def measure(self, texts: Sequence[str]) -> tuple[int, collections.Counter[bytes]]:
        """What the ids of texts stand for.

        Returns:
            (characters of the texts as `IdsToText` would write them if it knew every word; the
            tokens that are not in the vocabulary, as bytes, and how often each comes).
        """
        num_characters = 0
        unknown: collections.Counter[bytes] = collections.Counter()
        for lengths, tokens in _in_threads(_compiled(self._measured), texts):
            num_characters += int(lengths.numpy().sum())
            unknown.update(tokens.numpy().tolist())
        return num_characters, unknown

    def _measured(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        tokens = self._split(texts)
        join = splitting.join_characters if self.level == "character" else splitting.join_words
        is_unknown = self._lookup(tokens.flat_values) == UNKNOWN_ID
        return (
            tf.strings.length(join(tokens), unit="UTF8_CHAR"),
            tf.boolean_mask(tokens.flat_values, is_unknown),
        )

    # Graph

    def __call__(self, texts, *args, **kwargs):
        # Keras takes no Python strings for tensors.
        if isinstance(texts, (list, tuple)):
            texts = tf.constant(texts, tf.string)
        return super().__call__(texts, *args, **kwargs)

    def call(self, texts):
        ids = self._ragged_ids(texts).to_tensor(PAD_ID)
        # A batch of no texts would have no column, which a recurrence over it cannot take.
        return tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])

    def _ragged_ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        tokens = self._split(texts)
        return self._bounded(tokens.with_flat_values(self._lookup(tokens.flat_values)))

    def _lookup(self, tokens: tf.Tensor) -> tf.Tensor:
        if self.table is None:
            raise ValueError("This TextToIds has no vocabulary yet: call adapt(texts) first.")
        return self.table.lookup(tokens)

    def _split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        if self.sequence_length is not None:
            is_word = self.level == "word"
            each = _BYTES_OF_A_WORD if is_word else _BYTES_OF_A_CHARACTER
            most_bytes = max(each * self.sequence_length, _LEAST_BYTES)
            texts = splitting.shortened(texts, most_bytes, self.truncation)
        if self.level == "character":
            return splitting.split_characters(texts)
        return splitting.split_words(
            splitting.standardize(
                texts,
                lowercase=self.lowercase,
                markup=self.markup,
                punctuation=self.punctuation,
            )
        )

    def _bounded(self, ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """Ids (B, None) with start and end, cut to length, and never none."""
        rows = ids.nrows()
        if self.add_start:
            ids = tf.concat([_column(START_ID, rows), ids], axis=1)
        if self.add_end:
            ids = tf.concat([ids, _column(END_ID, rows)], axis=1)
        is_empty = tf.cast(ids.row_lengths() == 0, tf.int64)
        stand_in = tf.fill([tf.reduce_sum(is_empty)], UNKNOWN_ID)
        ids = tf.concat([ids, tf.RaggedTensor.from_row_lengths(stand_in, is_empty)], axis=1)
        if self.sequence_length is None:
            return ids
        if self.truncation == "start":
            return ids[:, : self.sequence_length]
        from_start = self.sequence_length // 2 if self.truncation == "both" else 0
        from_end = self.sequence_length - from_start
        lengths = ids.row_lengths()
        place = tf.ragged.range(lengths).flat_values
        kept = (place < from_start) | (place >= tf.repeat(lengths, lengths) - from_end)
        return tf.ragged.boolean_mask(ids, ids.with_flat_values(kept))

    def _distinct_tokens(self, texts: tf.Tensor) -> "_Chunk":
        unique, place, counts, lengths = self._count(texts)
        return _Chunk(unique.numpy().tolist(), place.numpy(), counts.numpy().tolist(), lengths)

    @functools.cached_property
    def _count(self):
        def count(texts):
            tokens = self._split(texts)
            return *tf.unique_with_counts(tokens.flat_values), tokens.row_lengths()

        return _compiled(count)

    def _sequences(self, chunk: "_Chunk", ids: dict[bytes, int]) -> TokenSequences:
        distinct = np.array([ids.get(token, UNKNOWN_ID) for token in chunk.tokens], "int32")
        rows = tf.RaggedTensor.from_row_lengths(distinct[chunk.place], chunk.lengths)
        return _without_padding(self._bounded(rows))

    # Config

    def compute_output_spec(self, texts):
        return keras.KerasTensor((*texts.shape, self.sequence_length), "int32")

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "level": self.level,
            "vocabulary_size": self.vocabulary_size,
            "min_frequency": self.min_frequency,
            "sequence_length": self.sequence_length,
            "truncation": self.truncation,
            "add_start": self.add_start,
            "add_end": self.add_end,
            "lowercase": self.lowercase,
            "markup": self.markup,
            "punctuation": self.punctuation,
            "vocabulary": self._vocabulary or None,
        }


class _Chunk(NamedTuple):
    """Some texts, split: `tokens[place]` are their tokens, `lengths` how many a text has."""

    tokens: list[bytes]
    place: np.ndarray
    counts: list[int]
    lengths: tf.Tensor


def _compiled(function: Callable) -> Callable:
    """A function of texts as one graph, for texts of any number and length."""
    return tf.function(function).get_concrete_function(_TEXTS)


def _in_threads(function: Callable, texts: Sequence[str]) -> Iterator:
    """Applies a function of a string tensor to texts, chunk by chunk, on all cores, in order."""
    chunks = (texts[i : i + _CHUNK_SIZE] for i in range(0, len(texts), _CHUNK_SIZE))
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        yield from threads.map(lambda chunk: function(tf.constant(chunk, tf.string)), chunks)


def _column(token_id: int, rows: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_tensor(tf.fill([rows, 1], token_id), row_splits_dtype=tf.int64)


def _without_padding(ids: tf.RaggedTensor) -> TokenSequences:
    return TokenSequences(ids.flat_values.numpy(), ids.row_lengths().numpy())


def _check_choice(argument: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{argument} must be one of {', '.join(choices)}; it is {value!r}.")
