"""One spelling for texts that read the same, in TensorFlow's core ops.

What is typed as an entity, with a typographic apostrophe, decomposed, in letters of full width, or
with an invisible hyphen is the same word. Plain ASCII takes none of these steps but one look.

Shape letters: B texts.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from zoo.preprocessing.composition import compose, needs_composition
from zoo.preprocessing.entities import decode_entities
from zoo.preprocessing.markup import ENTITY

# Joiners of Persian, Indic scripts and emoji, which belong to a word.
JOINERS = r"\x{200C}\x{200D}"

# An apostrophe inside a word, until the word is a token: a letter, where "'" is a quotation mark.
INNER_APOSTROPHE = "\N{MODIFIER LETTER APOSTROPHE}"

_SPACE_WITHOUT_WIDTH = r"\x{200B}"

# Soft hyphens, marks of direction and other characters that show nothing.
_INVISIBLE = (
    r"[\x{AD}\x{34F}\x{61C}\x{180E}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}"
    r"\x{2066}-\x{206F}\x{FEFF}\x{FFF9}-\x{FFFB}\x{1D173}-\x{1D17A}\x{E0001}]"
)
# How a picture is shown, and in what colour.
_PICTURE_STYLES = r"[\x{FE0E}\x{FE0F}\x{1F3FB}-\x{1F3FF}]"

# What shows nothing, or changes what is before it, for Python.
ON_THE_LETTER = (
    "[\xad\u034f\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\uff9e-\uffdc\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0001]"
)

# Of Unicode, of Windows in the guise of Latin-1, and of keyboards.
_APOSTROPHES = r"[\x{2018}\x{2019}\x{201B}\x{2BC}\x{FF07}\x{91}\x{92}]"
_ENDINGS = "[sStTdDmM]|[rR][eE]|[vV][eE]|[lL][lL]"
_ACCENT_AS_APOSTROPHE = rf"(\pL)[`\x{{B4}}]({_ENDINGS})\b"

_WORD = r"[\pL\pM\pN]"
_JOINABLE = r"\pL\pM\p{So}\x{1F3FB}-\x{1F3FF}\x{2194}\x{2195}"

# What plain ASCII does not have.
_UNUSUAL = rf"[^\x00-\x7F]|[A-Za-z]`(?:{_ENDINGS})"


def canonical(
    texts: tf.Tensor,
    *,
    lowercase: bool,
    space_decoded: Callable | None,
    unspaced: str,
    all_marks: bool,
) -> tf.Tensor:
    """The canonical form of strings (B,) of valid UTF-8.

    An apostrophe inside a word of letters that are not ASCII is `INNER_APOSTROPHE`.

    Args:
        texts: strings.
        lowercase: whether letters become lower-case.
        space_decoded: a function of texts (B,) whose entities of HTML were decoded, which may be
            white space; None to leave entities as they are.
        unspaced: a class of letters without spaces, as a regular expression.
        all_marks: whether marks are read for what they say alone: those of full width become those
            of ASCII, and pictures lose their style and the colour of their skin.
    """
    unusual = _UNUSUAL if space_decoded is None else f"{_UNUSUAL}|{ENTITY}"

    def rewrite(strings):
        if space_decoded is not None:
            strings = _where(
                ENTITY, strings, lambda written: space_decoded(decode_entities(written))
            )
        strings = tf.strings.regex_replace(strings, _INVISIBLE, "")
        if all_marks:
            strings = tf.strings.regex_replace(strings, _PICTURE_STYLES, "")
        strings = tf.strings.regex_replace(strings, _APOSTROPHES, "'")
        strings = tf.strings.regex_replace(strings, _ACCENT_AS_APOSTROPHE, r"\1'\2")
        if lowercase:
            strings = tf.strings.lower(strings, encoding="utf-8")
            # The Turkish dotted capital.
            strings = tf.strings.regex_replace(strings, r"i\x{307}", "i")
        strings = _where(
            needs_composition(),
            strings,
            functools.partial(compose, all_marks=all_marks),
        )
        # Twice, since two matches of "rock'n'roll" share a letter.
        for _ in range(2):
            strings = tf.strings.regex_replace(
                strings, f"({_WORD})'({_WORD})", rf"\1{INNER_APOSTROPHE}\2"
            )
        return _where(
            f"[{JOINERS}{_SPACE_WITHOUT_WIDTH}]",
            strings,
            functools.partial(_keep_joiners, unspaced=unspaced),
        )

    return _where(unusual, texts, rewrite)


def _where(pattern: str, texts: tf.Tensor, rewrite: Callable) -> tf.Tensor:
    """The texts (B,), those in which a pattern matches rewritten."""
    matches = tf.strings.regex_full_match(texts, f"(?s).*(?:{pattern}).*")

    def rewritten():
        return tf.tensor_scatter_nd_update(
            texts, tf.where(matches), rewrite(tf.boolean_mask(texts, matches))
        )

    return tf.cond(tf.reduce_any(matches), rewritten, lambda: texts)


def _keep_joiners(texts: tf.Tensor, unspaced: str) -> tf.Tensor:
    """Removes joiners that join nothing, and spaces without width between letters without spaces.

    A joiner at the end of a word after a mark determines how the mark is written (in Malayalam).
    """
    texts = tf.strings.regex_replace(texts, f"({unspaced}){_SPACE_WITHOUT_WIDTH}+", r"\1")
    texts = tf.strings.regex_replace(texts, rf"(^|[^{_JOINABLE}])[{JOINERS}]+", r"\1")
    return tf.strings.regex_replace(
        texts, rf"([^\pM{JOINERS}])[{JOINERS}]+($|[^{_JOINABLE}{JOINERS}])", r"\1\2"
    )
