r"""From raw text to tokens and back, as graph functions of TensorFlow's core ops.

Every function takes and gives UTF-8 string tensors, so that what is trained on and what is served
pass through the very same ops. Regular expressions are RE2: no look-around, and its `\b` and `\B`
know ASCII words only.
"""

import tensorflow as tf

LEVELS = ("word", "character")
MARKUP = ("remove", "keep")
PUNCTUATION = ("keep", "expressive", "drop")

# Scripts that are written without spaces between words are split by character.
_UNSPACED_SCRIPTS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"

TAG = r"<[A-Za-z/!][^<>]{0,200}>"
_SEPARATORS = r"[\s\pZ\pC]+"

# An apostrophe inside a word belongs to it ("isn't"); elsewhere it is a quotation mark.
_QUOTATION_MARK = r"'\B|\B'"
_SYMBOL = rf"[^\PP']|\pS|{_QUOTATION_MARK}"

# Marks of emphasis, of ratings such as 8/10 and ****, and pictures (So holds the emoji): in a
# review they carry an opinion, where commas and full stops carry only syntax.
_EXPRESSIVE = r"[!?/*\p{So}]"
_INEXPRESSIVE = rf"[^\PP'!?/*]|[\p{{Sc}}\p{{Sk}}\p{{Sm}}]|{_QUOTATION_MARK}"

# For each way with punctuation: what is dropped, and what becomes a token of its own.
_TREATMENT = {
    "keep": (None, f"{_UNSPACED_SCRIPTS}|{_SYMBOL}"),
    "expressive": (_INEXPRESSIVE, f"{_UNSPACED_SCRIPTS}|{_EXPRESSIVE}"),
    "drop": (_SYMBOL, _UNSPACED_SCRIPTS),
}


def valid_utf8(texts: tf.Tensor) -> tf.Tensor:
    """Replaces every byte sequence that is not UTF-8 by U+FFFD, whatever the shape."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


def shortened(texts: tf.Tensor, most_bytes: int, kept: str) -> tf.Tensor:
    """Cuts texts to so many bytes, at whatever byte that is.

    Args:
        texts: string tensor of any shape.
        most_bytes: of a text.
        kept: the part that stays: `"start"`, `"end"`, or `"both"`, the first half and the last.

    Returns:
        A string tensor of the same shape.
    """
    from_start = {"start": most_bytes, "end": 0, "both": most_bytes // 2}[kept]
    from_end = most_bytes - from_start
    lengths = tf.strings.length(texts)
    begin = tf.maximum(tf.minimum(lengths, from_start), lengths - from_end)
    start = tf.strings.substr(texts, tf.zeros_like(lengths), tf.fill(tf.shape(texts), from_start))
    return start + tf.strings.substr(texts, begin, tf.fill(tf.shape(texts), from_end))


def standardize(
    texts: tf.Tensor, *, lowercase: bool = True, markup: str = "remove", punctuation: str = "keep"
) -> tf.Tensor:
    """Writes texts so that their tokens are what stands between white space.

    Args:
        texts: string tensor of any shape; bytes that are not UTF-8 become U+FFFD.
        lowercase: whether case is folded (by Unicode's rules).
        markup: `"remove"` turns HTML tags such as `<br />` into spaces; `"keep"` leaves them.
        punctuation: `"keep"` makes a token of every mark; `"expressive"` only of marks that
            carry an opinion (`! ? / *`, emoji) and drops the rest; `"drop"` drops all.

    Returns:
        A string tensor of the same shape.
    """
    spaced_out = _SEPARATORS if markup == "keep" else f"{TAG}|{_SEPARATORS}"
    texts = tf.strings.regex_replace(valid_utf8(texts), spaced_out, " ")
    if lowercase:
        texts = tf.strings.lower(texts, encoding="utf-8")
    dropped, set_apart = _TREATMENT[punctuation]
    if dropped:
        texts = tf.strings.regex_replace(texts, dropped, " ")
    return tf.strings.regex_replace(texts, f"({set_apart})", r" \1 ")


def split_words(standardized_texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits at white space: strings (B,) to tokens (B, None)."""
    return tf.strings.split(standardized_texts)


def split_characters(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits into Unicode characters: strings (B,) to tokens (B, None); wrong bytes give U+FFFD."""
    return tf.strings.unicode_split(texts, "UTF-8", errors="replace")


def join_words(words: tf.RaggedTensor) -> tf.Tensor:
    """Joins tokens (B, None) to texts (B,), without the spaces that English leaves out at marks."""
    texts = tf.strings.reduce_join(words, axis=-1, separator=" ")
    texts = tf.strings.regex_replace(texts, r" ([.,!?;:)\]}%…]|[.,!?;:]+)", r"\1")
    return tf.strings.regex_replace(texts, r"([(\[{$]) ", r"\1")


def join_characters(characters: tf.RaggedTensor) -> tf.Tensor:
    """Joins characters (B, None) to texts (B,)."""
    return tf.strings.reduce_join(characters, axis=-1)
