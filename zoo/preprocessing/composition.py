"""Unicode's composed form (NFC) of strings, in TensorFlow's core ops.

Shape letters: N code points of all strings, one after the other.
"""

import functools
import unicodedata
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Where Unicode has characters that decompose or combine; Hangul syllables follow a formula.
_BLOCKS = (
    (0x00A0, 0x3400),
    (0xA640, 0xAC00),
    (0xF900, 0x10000),
    (0x10100, 0x12000),
    (0x16100, 0x17000),
    (0x1BC00, 0x1E960),
    (0x2F800, 0x2FA20),
)

# Presentation forms that are read as the letters they stand for: letters and digits of full and
# half width, and of a position in the word (Arabic). Ligatures of Latin letters are added.
_PRESENTATION = ("<wide>", "<narrow>", "<initial>", "<medial>", "<final>", "<isolated>")
_LATIN_LIGATURES = range(0xFB00, 0xFB07)

# Marks of full width are those of ASCII, this far from them.
_FULL_WIDTH, _TO_ASCII = (0xFF01, 0xFF5E), 0xFEE0

# Hangul: a syllable is a leading consonant, a vowel, and perhaps a trailing consonant.
_SYLLABLE, _LEADING, _VOWEL, _TRAILING = 0xAC00, 0x1100, 0x1161, 0x11A7
_LEADINGS, _VOWELS, _TRAILINGS = 19, 21, 28

# A pair of code points as one number.
_SHIFT = 2**21


class _Tables(NamedTuple):
    """Arrays, sorted by their keys, that `tf.searchsorted` looks up.

    They are constants of the graph: a lookup table would be a resource, which each user of a
    tokenizer would have to track.
    """

    decomposed: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray
    parts: np.ndarray
    marks: np.ndarray
    classes: np.ndarray
    pairs: np.ndarray
    composed: np.ndarray


def _code_points():
    return (code for begin, end in _BLOCKS for code in range(begin, end))


def _decomposition(code: int) -> str:
    """The canonical decomposition of a character, or that of the letter which it presents."""
    character = chr(code)
    tag, *_ = unicodedata.decomposition(character).split() or [""]
    is_presented = tag in _PRESENTATION and unicodedata.category(character)[0] in "LNM"
    # Half-width marks of Japanese and Korean are variants of their own marks.
    if is_presented or tag == "<narrow>" or code in _LATIN_LIGATURES:
        letters = unicodedata.normalize("NFKD", character)
        if " " not in letters:
            return letters
    return unicodedata.normalize("NFD", character)


@functools.cache
def _tables() -> _Tables:
    parts = {code: found for code in _code_points() if (found := _decomposition(code)) != chr(code)}
    classes = {code: unicodedata.combining(chr(code)) for code in _code_points()}
    classes = {code: found for code, found in classes.items() if found}
    pairs = {}
    for code in _code_points():
        halves = unicodedata.decomposition(chr(code)).split()
        # Some characters decompose and are never composed.
        is_pair = len(halves) == 2 and not halves[0].startswith("<")
        if is_pair and unicodedata.is_normalized("NFC", chr(code)):
            first, second = (int(half, 16) for half in halves)
            pairs[first * _SHIFT + second] = code
    pairs = dict(sorted(pairs.items()))
    lengths = [len(letters) for letters in parts.values()]
    return _Tables(
        np.array(list(parts), "int32"),
        np.array(lengths, "int32"),
        np.cumsum([0, *lengths[:-1]]).astype("int32"),
        np.array([ord(letter) for letters in parts.values() for letter in letters], "int32"),
        np.array(list(classes), "int32"),
        np.array(list(classes.values()), "int32"),
        np.array(list(pairs), "int64"),
        np.array(list(pairs.values()), "int32"),
    )


@functools.cache
def followers() -> str:
    """Characters that may change or be changed by the one before: a class of regular expressions.

    For RE2 and for Python.
    """
    tables = _tables()
    seconds = {int(pair) % _SHIFT for pair in tables.pairs}
    jamo = range(_VOWEL, _TRAILING + _TRAILINGS)
    return _character_class({*tables.marks.tolist(), *seconds, *jamo})


@functools.cache
def changing() -> str:
    """Characters that may change in `compose`, a class of regular expressions."""
    tables = _tables()
    seconds = {int(pair) % _SHIFT for pair in tables.pairs}
    jamo = range(_VOWEL, _TRAILING + _TRAILINGS)
    composed = set(tables.composed.tolist())
    unstable = set(tables.decomposed.tolist()) - composed
    return _character_class({*unstable, *seconds, *jamo, *range(*_FULL_WIDTH)})


def needs_composition() -> str:
    """A regular expression of what `compose` may change: such a character, or two marks."""
    marks = _character_class(set(_tables().marks.tolist()))
    return f"{changing()}|{marks}{marks}"


def _character_class(codes: set[int]) -> str:
    ordered = sorted(codes)
    begins = [code for code in ordered if code - 1 not in codes]
    ends = [code for code in ordered if code + 1 not in codes]
    ranges = zip(begins, ends, strict=True)
    return "[" + "".join(f"{chr(begin)}-{chr(end)}" for begin, end in ranges) + "]"


def compose(texts: tf.Tensor, all_marks: bool = False) -> tf.Tensor:
    """Composes strings (B,) of valid UTF-8 as NFC does, and unifies presentation forms.

    Letters and digits of full and half width, Arabic letters of a position, and Latin ligatures
    become the letters they present. So do marks of full width after such letters: elsewhere they
    are the punctuation of Chinese and Japanese.

    Args:
        texts: strings.
        all_marks: whether all marks of full width become those of ASCII.
    """
    return _compose_graph(all_marks)(texts)


@functools.lru_cache
def _compose_graph(all_marks: bool):
    """`compose` as a graph, which all tokenizers share: it is traced once in a process."""
    texts = tf.TensorSpec([None], tf.string)
    return tf.function(
        functools.partial(_compose, all_marks=all_marks), input_signature=[texts], autograph=False
    )


def _compose(texts: tf.Tensor, all_marks: bool) -> tf.Tensor:
    decoded = tf.strings.unicode_decode(texts, "UTF-8")
    rows = tf.cast(decoded.value_rowids(), tf.int32)
    codes, rows = _decompose(_narrow(decoded.flat_values, rows, all_marks), rows)
    codes, classes = _order(codes, rows)
    codes, rows = _compose_pairs(codes, classes, rows)
    composed = tf.RaggedTensor.from_value_rowids(
        codes, tf.cast(rows, tf.int64), tf.cast(tf.size(texts), tf.int64)
    )
    return tf.strings.unicode_encode(composed, "UTF-8")


def _lookup(keys: np.ndarray, values: np.ndarray, queries: tf.Tensor, default: int = 0):
    """(values (N,), `default` where a query is no key; whether it is one; where it is)."""
    place = tf.minimum(tf.searchsorted(keys, queries), len(keys) - 1)
    is_key = tf.gather(keys, place) == queries
    return tf.where(is_key, tf.gather(values, place), default), is_key, place


def _narrow(codes: tf.Tensor, rows: tf.Tensor, all_marks: bool) -> tf.Tensor:
    lowest, highest = _FULL_WIDTH
    is_wide = (codes >= lowest) & (codes <= highest)
    ascii_codes = codes - _TO_ASCII
    if all_marks:
        return tf.where(is_wide, ascii_codes, codes)
    is_letter = tf.zeros_like(is_wide)
    for first, last in ("09", "AZ", "az"):
        is_letter |= is_wide & (ascii_codes >= ord(first)) & (ascii_codes <= ord(last))
    follows = _before(is_letter, False) & (_before(rows, -1) == rows)
    return tf.where(is_letter | (is_wide & follows), ascii_codes, codes)


def _before(values: tf.Tensor, first) -> tf.Tensor:
    """The value before each one, (N,)."""
    return tf.concat([tf.cast([first], values.dtype), values], axis=0)[:-1]


def _decompose(codes, rows):
    tables = _tables()
    lengths, is_key, place = _lookup(tables.decomposed, tables.lengths, codes, default=1)
    index = tf.repeat(tf.range(tf.size(codes)), lengths)
    offset = tf.range(tf.size(index)) - tf.gather(tf.cumsum(lengths, exclusive=True), index)
    begin = tf.gather(tf.gather(tables.starts, place), index)
    is_key = tf.gather(is_key, index)
    part = tf.gather(tables.parts, tf.where(is_key, begin + offset, 0))
    return tf.where(is_key, part, tf.gather(codes, index)), tf.gather(rows, index)


def _order(codes, rows):
    """Marks of one letter in the order of their combining classes; (codes, classes)."""
    tables = _tables()
    classes, _, _ = _lookup(tables.marks, tables.classes, codes)
    segment = tf.cumsum(tf.cast((classes == 0) | (_before(rows, -1) != rows), tf.int32))
    order = tf.argsort(tf.cast(segment, tf.int64) * 256 + tf.cast(classes, tf.int64), stable=True)
    return tf.gather(codes, order), tf.gather(classes, order)


def _compose_pairs(codes, classes, rows):
    """Composes pairs until there is none; rounds are as many as one letter has marks."""

    def candidates(codes, classes, rows):
        """(the letter that each character joins, the composed character, which do)."""
        index = tf.range(tf.size(codes))
        starts = (classes == 0) | (_before(rows, -1) != rows)
        segment = tf.cumsum(tf.cast(starts, tf.int32)) - 1
        letter = tf.gather(tf.where(starts)[:, 0], segment)
        letter = tf.where(starts, index - 1, tf.cast(letter, tf.int32))
        before = tf.maximum(index - 1, 0)
        # A mark joins its letter past others of lower classes.
        is_free = (letter == before) | (tf.gather(classes, before) < classes)
        letter = tf.maximum(letter, 0)
        is_free &= (index > 0) & (tf.gather(rows, letter) == rows)
        is_free &= tf.gather(classes, letter) == 0
        composed, is_pair = _pair(tf.gather(codes, letter), codes)
        return letter, composed, is_free & is_pair

    def any_left(codes, classes, rows):
        return tf.reduce_any(candidates(codes, classes, rows)[2])

    def join(codes, classes, rows):
        letter, composed, joins = candidates(codes, classes, rows)
        index = tf.range(tf.size(codes))
        # The first of each letter, unless the letter itself is joined to another.
        last = -tf.size(codes)
        first = -tf.math.unsorted_segment_max(tf.where(joins, -index, last), letter, tf.size(codes))
        joins &= tf.gather(first, letter) == index
        joins &= ~tf.gather(joins, letter)
        taken = tf.boolean_mask(index, joins)
        codes = tf.tensor_scatter_nd_update(
            codes, tf.gather(letter, taken)[:, None], tf.gather(composed, taken)
        )
        return tuple(tf.boolean_mask(values, ~joins) for values in (codes, classes, rows))

    loose = tf.TensorShape([None])
    codes, _, rows = tf.while_loop(
        any_left, join, (codes, classes, rows), shape_invariants=(loose, loose, loose)
    )
    return codes, rows


def _pair(first, second):
    """The composed character of each pair, and whether there is one."""
    tables = _tables()
    key = tf.cast(first, tf.int64) * _SHIFT + tf.cast(second, tf.int64)
    composed, is_pair, _ = _lookup(tables.pairs, tables.composed, key)
    leading, vowel, trailing = first - _LEADING, second - _VOWEL, second - _TRAILING
    is_open = (leading >= 0) & (leading < _LEADINGS) & (vowel >= 0) & (vowel < _VOWELS)
    syllable = _SYLLABLE + (leading * _VOWELS + vowel) * _TRAILINGS
    place = first - _SYLLABLE
    is_closed = (place >= 0) & (place < _LEADINGS * _VOWELS * _TRAILINGS)
    is_closed &= (place % _TRAILINGS == 0) & (trailing > 0) & (trailing < _TRAILINGS)
    composed = tf.where(is_open, syllable, tf.where(is_closed, first + trailing, composed))
    return composed, is_pair | is_open | is_closed
