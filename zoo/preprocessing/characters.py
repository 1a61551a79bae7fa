"""Tokens that are Unicode characters."""

import tensorflow as tf

from zoo.preprocessing.tokenizer import Tokenizer, register_tokenizer


@register_tokenizer
class Characters(Tokenizer):
    """Splits texts into Unicode characters, and changes nothing but bytes that are not UTF-8.

    Example:
        >>> from zoo.preprocessing import Characters
        >>> Characters().spans("Né!")
        [('N', 0, 1), ('é', 1, 2), ('!', 2, 3)]
    """

    name = "character"
    unit = "character"
    unknown_text = "\N{REPLACEMENT CHARACTER}"
    bytes_per_token = 4

    def split(self, texts):
        return tf.strings.unicode_split(texts, "UTF-8", errors="replace")

    def join(self, tokens):
        return tf.strings.reduce_join(tokens, axis=-1)
