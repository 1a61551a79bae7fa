"""The layer that reads: raw text to token ids."""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo.preprocessing.encoding import SplitTexts, as_graph, encode_texts, map_texts
from zoo.preprocessing.token_sequences import TokenSequences
from zoo.preprocessing.tokenizer import Tokenizer, make_tokenizer
from zoo.preprocessing.truncation import TRUNCATIONS, bound_ids, shorten_for
from zoo.utils.special_tokens import PAD_ID, SPECIAL_TOKENS, UNKNOWN_ID


@keras.saving.register_keras_serializable(package="zoo")
class TextToIds(keras.layers.Layer):
    """Turns a batch of raw texts into a right-padded matrix of token ids.

    Id 0 is the pad, 1 the unknown token, 2 the start and 3 the end of a text; the vocabulary
    follows, most frequent first. It uses TensorFlow's core ops only, so that it is part of a
    SavedModel.

    Args:
        tokenizer: a `Tokenizer`, or the name of one: `"word"`, `"character"`, or any other that is
            registered.
        vocabulary_size: maximum number of ids, including the four special ones; None for no limit.
        min_frequency: minimum number of occurrences of a token in the vocabulary.
        sequence_length: maximum number of ids per text; None for no limit. With a limit no
            more of a text is split than the tokenizer's `bytes_per_token` for each id, or 64 KiB
            if that is more.
        truncation: part of a longer text to keep: `"start"`, `"end"`, or `"both"`, the first half
            and the last.
        add_start: whether a text begins with the start token.
        add_end: whether a text ends with the end token, as far as `sequence_length` allows.
        vocabulary: the tokens after the special ones, if they are known; else call `adapt`.

    Call arguments:
        texts: string tensor (B,).

    Returns:
        `int32` token ids (B, T), where T is the length of the longest row. A text without any token
        is one unknown token, so that no row is all padding.

    Attributes:
        table: the lookup table from tokens to ids; None without a vocabulary.
        oov_counts: out-of-vocabulary tokens of the adapted texts (bytes) and their counts; None
            before `adapt`.

    Example:
        >>> from zoo.preprocessing import TextToIds
        >>> text_to_ids = TextToIds(tokenizer="word", vocabulary=["the", "film"])
        >>> text_to_ids(["The film", "A film"]).numpy().tolist()
        [[4, 5], [1, 5]]
    """

    def __init__(
        self,
        *,
        tokenizer: Tokenizer | str | Mapping[str, Any] = "word",
        vocabulary_size: int | None = None,
        min_frequency: int = 1,
        sequence_length: int | None = None,
        truncation: str = "start",
        add_start: bool = False,
        add_end: bool = False,
        vocabulary: Sequence[str] | None = None,
        name: str = "text_to_ids",
        **kwargs,
    ):
        super().__init__(name=name, **{**kwargs, "dtype": "int32", "trainable": False})
        if truncation not in TRUNCATIONS:
            raise ValueError(
                f"truncation must be one of {', '.join(TRUNCATIONS)}; it is {truncation!r}."
            )
        if vocabulary_size is not None and vocabulary_size <= len(SPECIAL_TOKENS):
            raise ValueError(
                f"vocabulary_size counts the {len(SPECIAL_TOKENS)} special tokens and must be "
                f"above that; it is {vocabulary_size}."
            )
        if sequence_length is not None and sequence_length < 1:
            raise ValueError(f"sequence_length must be at least 1; it is {sequence_length}.")
        self.tokenizer = make_tokenizer(tokenizer)
        self.vocabulary_size = vocabulary_size
        self.min_frequency = min_frequency
        self.sequence_length = sequence_length
        self.truncation = truncation
        self.add_start = add_start
        self.add_end = add_end
        self.oov_counts: dict[bytes, int] | None = None
        self._vocabulary: list[str] = []
        self.table: tf.lookup.StaticHashTable | None = None
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)
        # It has no weights, and an export requires a layer that is built.
        self.built = True

    # Vocabulary

    @property
    def vocabulary(self) -> list[str]:
        """All tokens by id, the special ones first."""
        return [*SPECIAL_TOKENS, *self._vocabulary]

    def set_vocabulary(self, tokens: Sequence[str]) -> None:
        """Sets the tokens after the special ones, most frequent first.

        Raises:
            ValueError: if there are none, a token twice, or a special one.
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
        """A copy with other truncation, start, or end, which shares the vocabulary and its table.

        Args:
            **changes: arguments of the class.
        """
        other = TextToIds(
            **{**self.get_config(), "tokenizer": self.tokenizer, "vocabulary": None, **changes}
        )
        other._vocabulary, other.table = self._vocabulary, self.table
        return other

    def adapt(self, texts: Sequence[str]) -> TokenSequences:
        """Learns the vocabulary from texts, and returns their ids.

        The vocabulary is a function of the texts alone.

        Args:
            texts: the training texts.

        Returns:
            The ids of each text, as `encode` returns them.

        Raises:
            ValueError: if no token is frequent enough.
        """
        size = None if self.vocabulary_size is None else self.vocabulary_size - len(SPECIAL_TOKENS)
        vocabulary = None
        if type(self.tokenizer).learn is not Tokenizer.learn:
            vocabulary = self.tokenizer.learn(texts, size, self.min_frequency)
        split = SplitTexts(self._split, texts)
        if vocabulary is None:
            # What `learn` would return, without a second pass over the texts.
            vocabulary = split.most_frequent(size, self.min_frequency)
        self.set_vocabulary(vocabulary)
        ids = {token.encode(): i for i, token in enumerate(self.vocabulary)}
        self.oov_counts = {token: n for token, n in split.counts.items() if token not in ids}
        return split.to_ids(ids, self._bound)

    def encode(self, texts: Sequence[str]) -> TokenSequences:
        """The ids of each text without padding, from 1 to `sequence_length` of them."""
        return encode_texts(self._ragged_ids, texts)

    def measure(self, texts: Sequence[str]) -> tuple[int, collections.Counter[bytes]]:
        """Counts characters and unknown tokens.

        Returns:
            (the number of characters of the texts as `IdsToText` would write them if it knew every
            token; the out-of-vocabulary tokens, as bytes, and their counts).
        """

        @as_graph
        def measure(strings):
            tokens = self._split(strings)
            is_unknown = _lookup(self.table, tokens.flat_values) == UNKNOWN_ID
            return (
                tf.strings.length(self.tokenizer.join(tokens), unit="UTF8_CHAR"),
                tf.boolean_mask(tokens.flat_values, is_unknown),
            )

        num_characters = 0
        unknown: collections.Counter[bytes] = collections.Counter()
        for lengths, tokens in map_texts(measure, texts):
            num_characters += int(lengths.numpy().sum())
            unknown.update(tokens.numpy().tolist())
        return num_characters, unknown

    # Graph

    def __call__(self, texts, *args, **kwargs):
        # Keras does not convert Python strings to tensors.
        if isinstance(texts, (list, tuple)):
            texts = tf.constant(texts, tf.string)
        if keras.backend.backend() != "tensorflow":
            # Other backends have no strings, and Keras would convert these to its own tensors.
            return self.call(texts)
        return super().__call__(texts, *args, **kwargs)

    def call(self, texts):
        ids = self._ragged_ids(texts).to_tensor(PAD_ID)
        # A batch of no texts would have no column, which a recurrence over it cannot take.
        return tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])

    def _split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        shortened = shorten_for(
            texts,
            sequence_length=self.sequence_length,
            bytes_per_token=self.tokenizer.bytes_per_token,
            truncation=self.truncation,
        )
        return self.tokenizer.split(shortened)

    def _bound(self, ids: tf.RaggedTensor) -> tf.RaggedTensor:
        return bound_ids(
            ids,
            add_start=self.add_start,
            add_end=self.add_end,
            sequence_length=self.sequence_length,
            truncation=self.truncation,
        )

    def _ragged_ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        tokens = self._split(texts)
        return self._bound(tokens.with_flat_values(_lookup(self.table, tokens.flat_values)))

    # Config

    def compute_output_spec(self, texts):
        return keras.KerasTensor((*texts.shape, self.sequence_length), "int32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tokenizer": self.tokenizer.get_config(),
            "vocabulary_size": self.vocabulary_size,
            "min_frequency": self.min_frequency,
            "sequence_length": self.sequence_length,
            "truncation": self.truncation,
            "add_start": self.add_start,
            "add_end": self.add_end,
            "vocabulary": self._vocabulary or None,
        }


def _lookup(table: tf.lookup.StaticHashTable | None, tokens: tf.Tensor) -> tf.Tensor:
    if table is None:
        raise ValueError("This TextToIds has no vocabulary yet: call adapt(texts) first.")
    return table.lookup(tokens)
