r"""Tokens that are words and punctuation marks.

Regular expressions are RE2: no look-around, and its `\b` and `\B` know ASCII words only.
"""

import functools
import itertools
import re
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from zoo.preprocessing import spacing
from zoo.preprocessing.canonical import INNER_APOSTROPHE, JOINERS, ON_THE_LETTER, canonical
from zoo.preprocessing.composition import followers
from zoo.preprocessing.markup import ENTITY, TAG
from zoo.preprocessing.tokenizer import Tokenizer, find_tokens, register_tokenizer, valid_utf8

MARKUP = ("remove", "keep")
PUNCTUATION = ("keep", "expressive", "drop")
WHITESPACE = ("keep", "drop")

# Letters of scripts that are written without spaces between words are tokens.
_UNSPACED = f"[{spacing.UNSPACED}]"

_LINE_ENDS = r"\r\n?|[\v\f\x{85}\x{2028}\x{2029}]"
# White space but spaces, tabs and line ends, and characters that show nothing and join nothing.
_SPACES = r"[^\PZ ]|[\x00-\x08\x0B-\x1F\x7F-\x{90}\x{93}-\x{9F}\p{Co}\x{200B}]"

# Pictures of several characters: flags, keys, and pictures that are joined or coloured.
_PICTURE = r"[\p{So}\x{2194}\x{2195}\x{203C}\x{2049}][\x{FE0E}\x{FE0F}\x{1F3FB}-\x{1F3FF}]*"
_EMOJI = (
    r"[\x{1F1E6}-\x{1F1FF}]{2}|[0-9#*]\x{FE0F}?\x{20E3}|\x{1F3F4}[\x{E0020}-\x{E007F}]+"
    rf"|{_PICTURE}(?:\x{{200D}}{_PICTURE})*"
)

# An address on the web or of mail, up to the mark that ends its sentence.
_ADDRESS_LETTER = r"0-9\p{Latin}\p{Greek}\p{Cyrillic}\pM"
_ADDRESS = (
    rf"(?i:https?://|ftp://|www\.)[{_ADDRESS_LETTER}._~:/?#\[\]@!$&'()*+,;=%|-]*[{_ADDRESS_LETTER}/#=_~%&+-]"
    r"|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)

# An apostrophe inside a word belongs to it ("isn't"); elsewhere it is a quotation mark.
_QUOTATION_MARK = r"'\B|\B'"
# What follows a mark is written on it.
_ON_IT = rf"[\pM{JOINERS}]*"
_SYMBOL = rf"(?:[^\PP']|\pS|{_QUOTATION_MARK}){_ON_IT}"

# Marks of emphasis, of ratings such as 8/10 and ****, and pictures (So holds the emoji): in a
# review they carry an opinion, where commas and full stops carry only syntax.
_EXPRESSIVE = rf"{_EMOJI}|[!?/*\p{{So}}]{_ON_IT}"
_INEXPRESSIVE = rf"(?:[^\PP'!?/*]|[\p{{Sc}}\p{{Sk}}\p{{Sm}}]|{_QUOTATION_MARK}){_ON_IT}"

_LETTER = f"{_UNSPACED}[{JOINERS}]*"

# For each treatment of punctuation: what is dropped, and what becomes a token by itself.
_TREATMENT = {
    "keep": (None, f"{_ADDRESS}|{_EMOJI}|{_LETTER}|{_SYMBOL}"),
    "expressive": (_INEXPRESSIVE, f"{_LETTER}|{_EXPRESSIVE}"),
    "drop": (f"{_EMOJI}|{_SYMBOL}", _LETTER),
}

# Characters whose canonical form depends on what is next to them, as one.
_ANYWHERE = {
    **dict.fromkeys(map(ord, (INNER_APOSTROPHE, "`", "\N{ACUTE ACCENT}")), "'"),
    ord("\N{GREEK SMALL LETTER FINAL SIGMA}"): "\N{GREEK SMALL LETTER SIGMA}",
    0x200C: None,
    0x200D: None,
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
}

# Between tokens that no space separates, and for a mark that is dropped. Texts have neither.
_BOUNDARY, _DROPPED = "\x1f", "\x1e"

# Of the end of a text its last tokens are split.
_TAIL_BYTES = 1024


@register_tokenizer
class Words(Tokenizer):
    """Splits texts into words and punctuation marks.

    Chinese and other scripts without spaces are split by character. With all punctuation kept, an
    address (of the web, of mail) is one token, and so is an emoji of several characters.

    Texts are canonical before they are split: composed (NFC), with `'` for typographic apostrophes,
    without soft hyphens and other invisible characters, letters of full and half width and Latin
    ligatures as plain letters. Joiners (ZWJ, ZWNJ) belong to their word. Without all punctuation
    kept, marks of full width are those of ASCII.

    Args:
        lowercase: whether letters become lower-case.
        markup: treatment of HTML: `"remove"` replaces tags such as `<br />` by spaces and decodes
            entities such as `&amp;`; `"keep"` reads all as text.
        punctuation: punctuation marks to keep as tokens: `"keep"`, all; `"expressive"`, marks that
            express an opinion (`! ? / *`, emoji); or `"drop"`, none.
        whitespace: `"keep"`: line ends, indentation and unusual spacing are tokens, so that joined
            tokens are the canonical text again, but for one space at its end; `"drop"`: tokens are
            joined as English is, without spaces in scripts that have none.

    Example:
        >>> from zoo.preprocessing import Words
        >>> Words(punctuation="drop").tokens("It isn't <b>bad</b>.")
        ['it', "isn't", 'bad']
    """

    name = "word"
    unit = "word"
    min_frequency = 2

    def __init__(
        self,
        *,
        lowercase: bool = True,
        markup: str = "remove",
        punctuation: str = "keep",
        whitespace: str = "drop",
    ):
        for argument, value, choices in (
            ("markup", markup, MARKUP),
            ("punctuation", punctuation, PUNCTUATION),
            ("whitespace", whitespace, WHITESPACE),
        ):
            if value not in choices:
                raise ValueError(
                    f"{argument} must be one of {', '.join(choices)}; it is {value!r}."
                )
        self.lowercase = lowercase
        self.markup = markup
        self.punctuation = punctuation
        self.whitespace = whitespace

    @property
    def is_lossless(self) -> bool:  # type: ignore[override]
        return not self.lowercase and self.punctuation == "keep"

    def standardize(self, texts):
        return tf.strings.regex_replace(self._standardized(texts), INNER_APOSTROPHE, "'")

    def _standardized(self, texts: tf.Tensor) -> tf.Tensor:
        """The canonical texts (B,) without what is dropped, with `INNER_APOSTROPHE`."""
        texts = self._canonical(self._space_out(valid_utf8(texts), self.markup == "remove"))
        dropped, _ = _TREATMENT[self.punctuation]
        if dropped and self.whitespace == "keep":
            texts = tf.strings.regex_replace(texts, dropped, _DROPPED)
            texts = tf.strings.regex_replace(texts, rf"{_DROPPED}*(\s+){_DROPPED}*", r"\1")
            return tf.strings.regex_replace(texts, f"{_DROPPED}+", " ")
        return tf.strings.regex_replace(texts, dropped, " ") if dropped else texts

    def _space_out(self, texts: tf.Tensor, with_tags: bool = False) -> tf.Tensor:
        """Texts (B,) whose white space is spaces, tabs and line ends."""
        if self.whitespace == "drop":
            spaced_out = f"{TAG}|{_SPACES}" if with_tags else _SPACES
        else:
            texts = tf.strings.regex_replace(texts, _LINE_ENDS, "\n")
            spaced_out = f"(?: *(?:{TAG}))+ *|{_SPACES}" if with_tags else _SPACES
        return tf.strings.regex_replace(texts, spaced_out, " ")

    def _canonical(self, texts: tf.Tensor) -> tf.Tensor:
        texts = canonical(
            texts,
            lowercase=self.lowercase,
            space_decoded=self._space_out if self.markup == "remove" else None,
            unspaced=_UNSPACED,
            all_marks=self.punctuation != "keep",
        )
        return tf.strings.lower(texts, encoding="utf-8") if self.lowercase else texts

    def split(self, texts):
        options = (self.lowercase, self.markup, self.punctuation, self.whitespace)
        return _split_graph(*options)(texts)

    def _split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        texts = self._standardized(texts)
        _, set_apart = _TREATMENT[self.punctuation]
        if self.whitespace == "drop":
            return tf.strings.split(self._plain(texts, set_apart, r" \0 "))
        # The space before the end of a prompt would be no part of its last word.
        texts = tf.strings.regex_replace(texts, r"([^ \n\t]) $", r"\1")
        apart = rf"{_BOUNDARY}\0{_BOUNDARY}"
        texts = self._plain(texts, f"{spacing.BLANK}|{set_apart}", apart)
        tokens = tf.strings.split(texts, _BOUNDARY)
        tokens = tf.ragged.boolean_mask(tokens, tf.strings.length(tokens) > 0)
        return spacing.keep_exceptions(tokens)

    def _plain(self, texts: tf.Tensor, pattern: str, rewrite: str) -> tf.Tensor:
        texts = tf.strings.regex_replace(texts, pattern, rewrite)
        return tf.strings.regex_replace(texts, INNER_APOSTROPHE, "'")

    def join(self, tokens):
        """Joins tokens (B, None) to strings (B,), see `whitespace`."""
        return spacing.join(tokens)

    def append(self, texts, tokens):
        """Joins tokens (B, None) to the end of texts (B,), see `whitespace`."""
        texts = valid_utf8(texts)
        begin = tf.maximum(tf.strings.length(texts) - _TAIL_BYTES, 0)
        tails = tf.strings.substr(texts, begin, tf.fill(tf.shape(texts), _TAIL_BYTES))
        return spacing.append(texts, self.split(tails)[:, -2:], tokens)

    def spans(self, text):
        if not text:
            return []
        # Parts that become canonical by themselves: an entity, a letter and what is written on it.
        parts = [match[0] for match in re.finditer(self._part, text)]
        searched = self._searchable(parts)
        ends = list(itertools.accumulate(map(len, parts)))
        places = []
        for part, canonical_part, end in zip(parts, searched, ends, strict=True):
            begin = end - len(part)
            if len(canonical_part) == len(part):
                places += [(begin + i, begin + i + 1) for i in range(len(part))]
            else:
                places += [(begin, end)] * len(canonical_part)
        tokens = self.tokens(text)
        sought = self._searchable(tokens)
        if self.punctuation != "keep":
            # A space may be all that is left of a mark.
            sought = [token.strip(" ") for token in sought]
        spans = find_tokens(sought, "".join(searched), places)
        return [(token, *span) for token, (_, *span) in zip(tokens, spans, strict=True)]

    @functools.cached_property
    def _part(self) -> re.Pattern:
        """A part of a text that becomes canonical by itself."""
        letter = f"(?s:.)(?:{followers()}|{ON_THE_LETTER})*"
        return re.compile(f"{TAG}|{ENTITY}|{letter}" if self.markup == "remove" else letter)

    def _searchable(self, texts: Sequence[str]) -> list[str]:
        """Canonical texts in one form for all places: a canonical form may depend on its place."""
        canonical_texts = self._canonical(
            self._space_out(tf.constant(texts, tf.string), self.markup == "remove")
        )
        return [text.decode().translate(_ANYWHERE) for text in canonical_texts.numpy()]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lowercase": self.lowercase,
            "markup": self.markup,
            "punctuation": self.punctuation,
            "whitespace": self.whitespace,
        }


@functools.lru_cache
def _split_graph(lowercase: bool, markup: str, punctuation: str, whitespace: str):
    """`Words.split` as one graph: its many small ops take a tenth of the time of eager ones."""
    words = Words(
        lowercase=lowercase, markup=markup, punctuation=punctuation, whitespace=whitespace
    )
    texts = tf.TensorSpec([None], tf.string)
    return tf.function(words._split, input_signature=[texts], autograph=False)
