"""A tokenizer as somebody else would add one: characters, and frequent pairs of letters."""

import collections
import re
from collections.abc import Sequence

import tensorflow as tf

from zoo.preprocessing import Tokenizer
from zoo.preprocessing.tokenizer import valid_utf8

# No byte of UTF-8.
_BOUNDARY = b"\xff"


class LetterPairs(Tokenizer):
    """One round of byte pair encoding, in which all merges happen at once.

    Args:
        num_pairs: how many pairs `learn` looks for.
        pairs: those that it found.
    """

    name = "letter_pairs"
    unknown_text = "?"
    bytes_per_token = 8

    def __init__(self, *, num_pairs: int = 20, pairs: Sequence[str] = ()):
        self.num_pairs = num_pairs
        self.pairs = list(pairs)

    def learn(self, texts, size=None, min_frequency=1):
        counts = collections.Counter(
            pair for text in texts for pair in re.findall("(?=([a-z]{2}))", text)
        )
        ranked = sorted(counts, key=lambda pair: (-counts[pair], pair))
        self.pairs = ranked[: self.num_pairs]
        return super().learn(texts, size, min_frequency)

    def split(self, texts):
        token = "|".join([*self.pairs, "(?s:.)"])
        texts = tf.strings.regex_replace(valid_utf8(texts), f"({token})", rb"\1" + _BOUNDARY)
        tokens = tf.strings.split(texts, _BOUNDARY)
        return tf.ragged.boolean_mask(tokens, tf.strings.length(tokens) > 0)

    def join(self, tokens):
        return tf.strings.reduce_join(tokens, axis=-1)

    def get_config(self):
        return {**super().get_config(), "num_pairs": self.num_pairs, "pairs": self.pairs}
