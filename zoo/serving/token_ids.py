"""Token ids as the input of an endpoint, for clients that split texts by themselves."""

import tensorflow as tf

from zoo.utils.special_tokens import PAD_ID


def check_token_ids(token_ids, vocabulary_size: int, max_length: int | None = None):
    """Token ids (B, T), once they are found valid: an `InvalidArgumentError` says what is not.

    Args:
        token_ids: `int32` (B, T), padded right with 0.
        vocabulary_size: ids are below it.
        max_length: the largest T that the model reads; None for any.
    """
    is_token = token_ids != PAD_ID
    # A pad before a token is not on the right.
    is_padded_right = tf.reduce_all(is_token[:, :-1] | ~is_token[:, 1:])
    claims = [
        (
            tf.reduce_all((token_ids >= 0) & (token_ids < vocabulary_size)),
            f"token_ids must be from 0 to {vocabulary_size - 1}; they are",
        ),
        (
            is_padded_right & tf.reduce_all(tf.reduce_any(is_token, axis=1)),
            f"token_ids must have one token per row at least, padded right with {PAD_ID}; they are",
        ),
    ]
    if max_length is not None:
        claims.append(
            (
                tf.shape(token_ids)[1] <= max_length,
                f"token_ids must have at most {max_length} columns; they are",
            )
        )
    checks = [tf.debugging.Assert(holds, [message, token_ids]) for holds, message in claims]
    with tf.control_dependencies(checks):
        # No rows may have no columns, which a recurrence over them cannot take.
        return tf.pad(token_ids, [[0, 0], [0, tf.maximum(1 - tf.shape(token_ids)[1], 0)]])
