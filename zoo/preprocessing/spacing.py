"""Where texts of words have spaces: a rule for most places, and tokens for the others.

The rule is that of English, without spaces in scripts that have none. White space that it does not
predict can be kept as tokens, so that joined tokens are the text again.

Shape letters: B texts, N tokens of all texts, one after the other.
"""

import functools

import tensorflow as tf

# Scripts that are written without spaces between words, with the marks and the punctuation of
# Chinese and Japanese, of which the common script has some.
UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\x{3001}-\x{3003}\x{3008}-\x{301F}\x{3030}-\x{3035}\x{303C}\x{303D}\x{3099}-\x{309C}"
    r"\x{30A0}\x{30FB}\x{30FC}\x{FE10}-\x{FE19}\x{FE30}-\x{FE4F}\x{FF01}-\x{FF0F}"
    r"\x{FF1A}-\x{FF20}\x{FF3B}-\x{FF40}\x{FF5B}-\x{FF65}"
)

# A token for no space where the rule has one. Canonical text does not contain it.
JOINER = "\N{WORD JOINER}"
# White space that is kept is a line end, or a stretch of spaces or tabs.
BLANK = r"\n| {1,16}|\t{1,16}"

# No space before these, nor after those, nor on either side of the others.
_CLOSING = (
    r"[.,!?;:%…\p{Pe}\p{Pf}\x{589}\x{60C}\x{61B}\x{61F}\x{6D4}\x{964}\x{965}\x{1362}-\x{1367}]"
)
_OPENING = r"[$£#@¿¡\p{Ps}\p{Pi}]"
_INFIX = r"[-/_\\\x{2010}\x{2011}]"

# What a token is: each a bit of its kind.
_IS_BLANK, _HUGS_LEFT, _HUGS_RIGHT, _IS_MARK, _IS_PICTURE = (1 << bit for bit in range(5))
_STARTS_WITH_DIGIT, _ENDS_WITH_DIGIT, _IS_POINT, _IS_LETTER = (1 << bit for bit in range(5, 9))
_KINDS = {
    _IS_BLANK: rf"(?:{BLANK}|{JOINER})+",
    _HUGS_LEFT: rf"(?s)(?:{_CLOSING}|{_INFIX}|[{UNSPACED}]|\pM|[\x{{1F3FB}}-\x{{1F3FF}}]).*",
    _HUGS_RIGHT: rf"(?s).*(?:{_OPENING}|{_INFIX}|[{UNSPACED}]\pM*)",
    _IS_MARK: r"[\pP\pS]",
    _IS_PICTURE: r"(?s)[\p{So}\x{200D}].*",
    _STARTS_WITH_DIGIT: r"(?s)[0-9].*",
    _ENDS_WITH_DIGIT: r"(?s).*[0-9]",
    _IS_POINT: r"[.,:]",
    _IS_LETTER: r"\pL",
}


_TOKENS = tf.RaggedTensorSpec([None, None], tf.string)


def _as_graph(*signature):
    """A decorator: one graph for all tokens, which takes less time than many small eager ops."""
    return functools.partial(tf.function, input_signature=signature, autograph=False)


def _kinds(tokens: tf.Tensor) -> tf.Tensor:
    """The bits of each token (N,)."""
    distinct, place = tf.unique(tokens)
    kinds = tf.zeros(tf.shape(distinct), tf.int32)
    for bit, pattern in _KINDS.items():
        kinds += bit * tf.cast(tf.strings.regex_full_match(distinct, pattern), tf.int32)
    return tf.gather(kinds, place)


def _has(kinds: tf.Tensor, bit: int) -> tf.Tensor:
    return tf.bitwise.bitwise_and(kinds, bit) > 0


def _before(values: tf.Tensor) -> tf.Tensor:
    """The value before each one (N,), and zero before the first."""
    return tf.concat([tf.zeros([1], values.dtype), values], axis=0)[:-1]


def _is_spaced(
    tokens: tf.RaggedTensor, kinds: tf.Tensor, was_spaced: tf.Tensor | None = None
) -> tf.Tensor:
    """Whether the rule has a space before each token (N,): a function of it and the two before.

    Args:
        tokens: (B, None).
        kinds: their bits (N,).
        was_spaced: before which tokens the text has a space that is no token; None for none.
    """
    flat = tokens.flat_values
    place = tf.ragged.range(tokens.row_lengths()).flat_values
    last = _before(kinds)
    last_flat = tf.concat([[""], flat], axis=0)[:-1]
    same = _has(kinds, _IS_MARK) & (flat == last_flat)
    # "3.14", "10:30" and "i.e."
    first = _before(last)
    in_number = _has(first, _ENDS_WITH_DIGIT) & _has(kinds, _STARTS_WITH_DIGIT)
    in_initials = _has(first, _IS_LETTER) & _has(kinds, _IS_LETTER) & (last_flat == ".")
    is_pointed = (in_number | in_initials) & _has(last, _IS_POINT) & (place > 1)
    if was_spaced is not None:
        is_pointed &= ~_before(was_spaced)
    touches = (
        _has(kinds, _IS_BLANK | _HUGS_LEFT)
        | _has(last, _IS_BLANK | _HUGS_RIGHT)
        | (_has(kinds, _IS_PICTURE) & _has(last, _IS_PICTURE))
        | same
        | is_pointed
    )
    return (place > 0) & ~touches


@_as_graph(_TOKENS)
def join(tokens: tf.RaggedTensor) -> tf.Tensor:
    """Joins tokens (B, None) to strings (B,), with spaces by the rule and those that are tokens.

    The first tokens of a row are joined to the beginning of the joined row.
    """
    spaces = tf.where(_is_spaced(tokens, _kinds(tokens.flat_values)), " ", "")
    return _write(tokens, spaces)


@_as_graph(tf.TensorSpec([None], tf.string), _TOKENS, _TOKENS)
def append(texts: tf.Tensor, last: tf.RaggedTensor, tokens: tf.RaggedTensor) -> tf.Tensor:
    """Joins tokens (B, None) to the end of texts (B,).

    Args:
        texts: strings.
        last: the last tokens of each text, at least two if it has them.
        tokens: what comes next.
    """
    whole = tf.concat([last, tokens], axis=1)
    place = tf.ragged.range(whole.row_lengths()).flat_values
    first = tf.repeat(last.row_lengths(), whole.row_lengths())
    # A text that ends with a space has the one before its continuation already.
    has_space = tf.strings.regex_full_match(texts, r"(?s).*[\s\pZ]")
    has_space = tf.repeat(has_space, whole.row_lengths()) & (place == first)
    is_spaced = _is_spaced(whole, _kinds(whole.flat_values)) & ~has_space
    is_added = whole.with_flat_values(place >= first)
    spaces = tf.boolean_mask(tf.where(is_spaced, " ", ""), is_added.flat_values)
    return texts + _write(tf.ragged.boolean_mask(whole, is_added), spaces)


def _write(tokens: tf.RaggedTensor, spaces: tf.Tensor) -> tf.Tensor:
    flat = tokens.flat_values
    written = spaces + tf.where(flat == JOINER, "", flat)
    return tf.strings.reduce_join(tokens.with_flat_values(written), axis=-1)


@_as_graph(_TOKENS)
def keep_exceptions(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
    """Drops the spaces that the rule has, and inserts `JOINER` for those that are missing.

    Args:
        tokens: (B, None), in which all white space is tokens.
    """
    kinds = _kinds(tokens.flat_values)
    is_blank = _has(kinds, _IS_BLANK)
    lengths = tokens.row_lengths()
    place = tf.ragged.range(lengths).flat_values
    is_inside = (place > 0) & (place < tf.repeat(lengths, lengths) - 1)
    touches_blank = _before(is_blank) | tf.concat([is_blank, [False]], axis=0)[1:]
    # One space between two words: the rule is about what is next to it.
    is_single = (tokens.flat_values == " ") & is_inside & ~touches_blank
    words = tf.ragged.boolean_mask(tokens, tokens.with_flat_values(~is_single))
    was_spaced = tf.boolean_mask(_before(is_single), ~is_single)
    kinds = tf.boolean_mask(kinds, ~is_single)
    is_exception = was_spaced != _is_spaced(words, kinds, was_spaced)
    is_exception &= ~_has(kinds, _IS_BLANK)
    # Each exception is a token before the word that it concerns.
    index = tf.repeat(tf.range(tf.size(kinds)), 1 + tf.cast(is_exception, tf.int32))
    is_added = tf.concat([index[1:] == index[:-1], tf.zeros([1], tf.bool)], axis=0)
    is_added = is_added[: tf.size(index)]
    flat = tf.where(
        is_added,
        tf.gather(tf.where(was_spaced, " ", JOINER), index),
        tf.gather(words.flat_values, index),
    )
    added = tf.reduce_sum(words.with_flat_values(tf.cast(is_exception, tf.int64)), axis=1)
    return tf.RaggedTensor.from_row_lengths(flat, words.row_lengths() + added)
