r"""Tokens that are words and punctuation marks.

Regular expressions are RE2: no look-around, and its `\b` and `\B` know ASCII words only.
"""

import re
from typing import Any

import tensorflow as tf

from zoo.preprocessing.markup import TAG
from zoo.preprocessing.tokenizer import Tokenizer, find_tokens, register_tokenizer, valid_utf8

MARKUP = ("remove", "keep")
PUNCTUATION = ("keep", "expressive", "drop")

# Scripts that are written without spaces between words are split by character.
_UNSPACED_SCRIPTS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"

_SEPARATORS = r"[\s\pZ\pC]+"

# An apostrophe inside a word belongs to it ("isn't"); elsewhere it is a quotation mark.
_QUOTATION_MARK = r"'\B|\B'"
_SYMBOL = rf"[^\PP']|\pS|{_QUOTATION_MARK}"

# Marks of emphasis, of ratings such as 8/10 and ****, and pictures (So holds the emoji): in a
# review they carry an opinion, where commas and full stops carry only syntax.
_EXPRESSIVE = r"[!?/*\p{So}]"
_INEXPRESSIVE = rf"[^\PP'!?/*]|[\p{{Sc}}\p{{Sk}}\p{{Sm}}]|{_QUOTATION_MARK}"

# For each treatment of punctuation: what is dropped, and what becomes a token by itself.
_TREATMENT = {
    "keep": (None, f"{_UNSPACED_SCRIPTS}|{_SYMBOL}"),
    "expressive": (_INEXPRESSIVE, f"{_UNSPACED_SCRIPTS}|{_EXPRESSIVE}"),
    "drop": (_SYMBOL, _UNSPACED_SCRIPTS),
}

_SIGMA, _FINAL_SIGMA = "\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK SMALL LETTER FINAL SIGMA}"

# English has no space before a closing mark, nor after an opening one.
_CLOSING, _OPENING = r"[.,!?;:)\]}%…]", r"[(\[{$]"


@register_tokenizer
class Words(Tokenizer):
    """Splits texts into words and punctuation marks.

    Chinese and other scripts without spaces are split by character.

    Args:
        lowercase: whether to apply Unicode case folding.
        markup: treatment of HTML tags such as `<br />`: `"remove"` replaces them by spaces.
        punctuation: punctuation marks to keep as tokens: `"keep"`, all; `"expressive"`, marks that
            express an opinion (`! ? / *`, emoji); or `"drop"`, none.

    Example:
        >>> from zoo.preprocessing import Words
        >>> Words(punctuation="drop").tokens("It isn't <b>bad</b>.")
        ['it', "isn't", 'bad']
    """

    name = "word"
    unit = "word"
    min_frequency = 2

    def __init__(
        self, *, lowercase: bool = True, markup: str = "remove", punctuation: str = "keep"
    ):
        for argument, value, choices in (
            ("markup", markup, MARKUP),
            ("punctuation", punctuation, PUNCTUATION),
        ):
            if value not in choices:
                raise ValueError(
                    f"{argument} must be one of {', '.join(choices)}; it is {value!r}."
                )
        self.lowercase = lowercase
        self.markup = markup
        self.punctuation = punctuation

    @property
    def is_lossless(self) -> bool:  # type: ignore[override]
        return not self.lowercase and self.punctuation == "keep"

    def standardize(self, texts):
        """Rewrites strings of any shape so that white space separates their tokens."""
        spaced_out = _SEPARATORS if self.markup == "keep" else f"{TAG}|{_SEPARATORS}"
        texts = tf.strings.regex_replace(valid_utf8(texts), spaced_out, " ")
        if self.lowercase:
            texts = tf.strings.lower(texts, encoding="utf-8")
        dropped, set_apart = _TREATMENT[self.punctuation]
        if dropped:
            texts = tf.strings.regex_replace(texts, dropped, " ")
        return tf.strings.regex_replace(texts, f"({set_apart})", r" \1 ")

    def split(self, texts):
        return tf.strings.split(self.standardize(texts))

    def join(self, tokens):
        """Joins tokens (B, None) to strings (B,), spaced as English is."""
        texts = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        texts = tf.strings.regex_replace(texts, rf" ({_CLOSING}|[.,!?;:]+)", r"\1")
        return tf.strings.regex_replace(texts, rf"({_OPENING}) ", r"\1")

    def append(self, texts, continuations):
        """Appends joined tokens (B,) to texts (B,), after a space where English has one."""
        texts = valid_utf8(texts)
        touching = (
            (tf.strings.length(continuations) == 0)
            | tf.strings.regex_full_match(texts, rf"(?s)|.*[\s{_OPENING[1:]}")
            | tf.strings.regex_full_match(continuations, rf"(?s){_CLOSING}.*")
        )
        return tf.strings.join([texts, tf.where(touching, "", " "), continuations])

    def spans(self, text):
        searched = text
        if self.markup == "remove":
            # A word inside a tag is not a token.
            searched = re.sub(TAG, lambda tag: " " * len(tag[0]), text)
        if not self.lowercase or not text:
            return find_tokens(self.tokens(text), searched)
        # One character may become two, and a capital sigma becomes one of two letters.
        characters = tf.strings.unicode_split(searched, "UTF-8")
        lowered = [c.decode() for c in tf.strings.lower(characters, encoding="utf-8").numpy()]
        places = [place for place, folded in enumerate(lowered) for _ in folded]
        tokens = self.tokens(text)
        found = find_tokens(
            [token.replace(_FINAL_SIGMA, _SIGMA) for token in tokens],
            "".join(lowered).replace(_FINAL_SIGMA, _SIGMA),
            places,
        )
        return [(token, *span) for token, (_, *span) in zip(tokens, found, strict=True)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lowercase": self.lowercase,
            "markup": self.markup,
            "punctuation": self.punctuation,
        }
