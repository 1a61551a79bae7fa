"""How much of a text is read: bounds on bytes before it is split, and on ids afterwards.

Shape letters: B texts.
"""

import tensorflow as tf

from zoo.utils.special_tokens import END_ID, START_ID, UNKNOWN_ID

TRUNCATIONS = ("start", "end", "both")

# A text is cut to no fewer bytes than this.
_LEAST_BYTES = 2**16


def shorten(texts: tf.Tensor, most_bytes: int, truncation: str) -> tf.Tensor:
    """Cuts texts to a number of bytes, between any two of them.

    Args:
        texts: string tensor of any shape.
        most_bytes: the maximum of a text.
        truncation: what is kept: `"start"`, `"end"`, or `"both"`, the first half and the last.

    Returns:
        A string tensor of the same shape.
    """
    from_start = {"start": most_bytes, "end": 0, "both": most_bytes // 2}[truncation]
    from_end = most_bytes - from_start
    lengths = tf.strings.length(texts)
    begin = tf.maximum(tf.minimum(lengths, from_start), lengths - from_end)
    start = tf.strings.substr(texts, tf.zeros_like(lengths), tf.fill(tf.shape(texts), from_start))
    return start + tf.strings.substr(texts, begin, tf.fill(tf.shape(texts), from_end))


def shorten_for(
    texts: tf.Tensor, *, sequence_length: int | None, bytes_per_token: int, truncation: str
) -> tf.Tensor:
    """Cuts texts to what `sequence_length` tokens need: splitting takes 90 times the memory."""
    if sequence_length is None:
        return texts
    return shorten(texts, max(bytes_per_token * sequence_length, _LEAST_BYTES), truncation)


def bound_ids(
    ids: tf.RaggedTensor,
    *,
    add_start: bool,
    add_end: bool,
    sequence_length: int | None,
    truncation: str,
) -> tf.RaggedTensor:
    """Ids (B, None) with start and end tokens, truncated, and an unknown token in an empty row."""
    rows = ids.nrows()
    if add_start:
        ids = tf.concat([_column(START_ID, rows), ids], axis=1)
    if add_end:
        ids = tf.concat([ids, _column(END_ID, rows)], axis=1)
    is_empty = tf.cast(ids.row_lengths() == 0, tf.int64)
    stand_in = tf.fill([tf.reduce_sum(is_empty)], UNKNOWN_ID)
    ids = tf.concat([ids, tf.RaggedTensor.from_row_lengths(stand_in, is_empty)], axis=1)
    if sequence_length is None:
        return ids
    if truncation == "start":
        return ids[:, :sequence_length]
    from_start = sequence_length // 2 if truncation == "both" else 0
    from_end = sequence_length - from_start
    lengths = ids.row_lengths()
    place = tf.ragged.range(lengths).flat_values
    kept = (place < from_start) | (place >= tf.repeat(lengths, lengths) - from_end)
    return tf.ragged.boolean_mask(ids, ids.with_flat_values(kept))


def _column(token_id: int, rows: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_tensor(tf.fill([rows, 1], token_id), row_splits_dtype=tf.int64)
