"""What a token is: how a text is split into tokens, and how tokens become a text again.

A tokenizer works on text alone. Ids, truncation, start and end tokens belong to `TextToIds`.
Shape letters: B texts.
"""

import abc
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

import tensorflow as tf

from zoo.preprocessing.encoding import SplitTexts
from zoo.registry import Registry, UnknownNameError

_TOKENIZERS = Registry("tokenizer", "zoo.preprocessing")


class Tokenizer(abc.ABC):
    """Splits texts into tokens and joins tokens to texts.

    A subclass implements `split` and `join` in TensorFlow's core ops, so that they run inside a
    SavedModel. Its keyword arguments are the options that `get_config` returns.

    Attributes:
        name: the tokenizer's name in the registry.
        unit: `"word"` or `"character"` where every token is one of these; else None.
        unknown_text: what an unknown token reads in a text.
        min_frequency: a sensible number of occurrences for a token to enter a vocabulary.
        bytes_per_token: bytes of a text that are split for each token to keep.
        is_lossless: whether `join(split(texts))` has every character but white space and markup.
    """

    name: str
    unit: str | None = None
    unknown_text = "[UNK]"
    min_frequency = 1
    bytes_per_token = 16
    is_lossless = True

    def learn(
        self, texts: Sequence[str], size: int | None = None, min_frequency: int = 1
    ) -> list[str]:
        """Returns the vocabulary of texts, a function of the texts alone.

        By default the tokens of `split`, most frequent first; equal counts are ordered by bytes.

        Args:
            texts: the training texts.
            size: the maximum number of tokens; None for no limit.
            min_frequency: the minimum number of occurrences of a token.

        Raises:
            ValueError: if no token is frequent enough.
        """
        return SplitTexts(self.split, texts).most_frequent(size, min_frequency)

    def standardize(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns the texts (B,) as `split` reads them: by default with U+FFFD for wrong bytes."""
        return valid_utf8(texts)

    @abc.abstractmethod
    def split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings (B,) into tokens (B, None); bytes that are not UTF-8 become U+FFFD."""

    @abc.abstractmethod
    def join(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Joins tokens (B, None) to strings (B,)."""

    def append(self, texts: tf.Tensor, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Joins tokens (B, None) to the end of texts (B,)."""
        return valid_utf8(texts) + self.join(tokens)

    def spans(self, text: str) -> list[tuple[str, int, int]]:
        """Returns the tokens of a text, each with its place: (token, begin, end) in characters."""
        return find_tokens(self.tokens(text), text)

    def tokens(self, text: str) -> list[str]:
        """Returns the tokens of one text."""
        return [token.decode() for token in self.split(tf.constant([text])).flat_values.numpy()]

    def get_config(self) -> dict[str, Any]:
        """Returns the name and the options, for `make_tokenizer`."""
        return {"name": self.name}


def find_tokens(
    tokens: Sequence[str], text: str, places: Sequence[tuple[int, int]] | None = None
) -> list[tuple[str, int, int]]:
    """Finds tokens in a text, in order.

    Args:
        tokens: substrings of `text`, in order. One that is missing gets an empty span.
        text: a string.
        places: for each character of `text` its place in the original, (begin, end); None if it is
            the original.

    Returns:
        (token, begin, end) for each token, none before the end of the one before.
    """
    spans = []
    searched = reached = 0
    for token in tokens:
        begin = text.find(token, searched)
        if begin < 0 or not token:
            spans.append((token, reached, reached))
            continue
        searched = begin + len(token)
        if places is None:
            first, reached = begin, searched
        else:
            first = max(places[begin][0], reached)
            reached = max(places[searched - 1][1], first)
        spans.append((token, first, reached))
    return spans


def valid_utf8(texts: tf.Tensor) -> tf.Tensor:
    """Replaces every byte sequence that is not UTF-8 by U+FFFD, in strings of any shape."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


# Registry


def register_tokenizer(cls: type[Tokenizer]) -> type[Tokenizer]:
    """Registers a subclass of `Tokenizer` under its `name`.

    Example:
        >>> words = zoo.preprocessing.tokenizer_class("word")
        >>> zoo.preprocessing.register_tokenizer(words).name
        'word'
    """
    _TOKENIZERS.register(cls.name, cls)
    return cls


def list_tokenizers() -> list[str]:
    """The names of all tokenizers, in alphabetical order.

    Example:
        >>> {"character", "word"} <= set(zoo.preprocessing.list_tokenizers())
        True
    """
    return _TOKENIZERS.names()


def tokenizer_class(name: str) -> type[Tokenizer]:
    """The class of a tokenizer.

    Raises:
        UnknownNameError: for an unknown name.

    Example:
        >>> zoo.preprocessing.tokenizer_class("word").name
        'word'
    """
    return cast(type[Tokenizer], _TOKENIZERS[name])


def tokenizer_options(tokenizer: "Tokenizer | str") -> tuple[str, ...]:
    """The options of the tokenizer of that name; none for a `Tokenizer`, which has them already.

    Example:
        >>> "lowercase" in zoo.preprocessing.tokenizer_options("word")
        True
    """
    if isinstance(tokenizer, Tokenizer):
        return ()
    parameters = inspect.signature(tokenizer_class(tokenizer)).parameters.values()
    return tuple(each.name for each in parameters if each.kind is each.KEYWORD_ONLY)


def make_tokenizer(tokenizer: "Tokenizer | str | Mapping[str, Any]", **options) -> Tokenizer:
    """Makes a tokenizer.

    Args:
        tokenizer: a registered name, a config from `get_config`, or a `Tokenizer`, which is
            returned as it is.
        **options: the options of a tokenizer that is given by name.

    Raises:
        UnknownNameError: for an unknown name or option.

    Example:
        >>> from zoo.preprocessing import make_tokenizer
        >>> make_tokenizer("word", lowercase=False).tokens("It isn't bad.")
        ['It', "isn't", 'bad', '.']
    """
    if isinstance(tokenizer, Mapping):
        config = {**tokenizer, **options}
        return make_tokenizer(config.pop("name"), **config)
    known = tokenizer_options(tokenizer)
    for option in options:
        if option not in known:
            is_named = isinstance(tokenizer, str)
            what = f"The {tokenizer} tokenizer" if is_named else "A Tokenizer that is made already"
            raise UnknownNameError(
                f"{what} takes no option {option!r}; it takes {', '.join(known) or 'none'}."
            )
    return tokenizer if isinstance(tokenizer, Tokenizer) else tokenizer_class(tokenizer)(**options)
