"""Log-probabilities of given texts under a language model.

Shape letters: B texts, T tokens, W windows, L tokens of a window, P width of packed windows.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.utils.sequences import half_overlapping_windows

# Maximum number of windows, and of logits, in one pass through the model.
_WINDOWS = 64
_MAX_LOGITS = 2**25


def text_scorer(model, context_length: int) -> Callable:
    """A function that computes the log-probability of texts.

    Each token is scored once. The first window of a text is scored on all its tokens, each later
    one on its last half: a token has at least half of `context_length` as context, or all tokens
    before it.

    Args:
        model: a language model.
        context_length: L, the maximum number of tokens of a window.

    Returns:
        A function of ids `int32` (B, T), padded right, -> (log-probability of each token (B, T),
        `float32`, in nats; number of tokens scored (B,)). The first token of each row is context
        only: its value is 0, and so is that of padding.
    """

    def window_nats(token_ids, text, begin, asked, end):
        """The log-probabilities of the tokens that windows are scored on, and their places.

        Returns:
            (log-probabilities (W, P); places in `token_ids` (W, P, 2)); 0 at place 0 for others.
        """

        def cut(first, last):
            places = first[:, None] + tf.range(tf.reduce_max(last - first))
            is_real = places < last[:, None]
            places = tf.minimum(places, tf.shape(token_ids)[1] - 1)
            rows = tf.broadcast_to(text[:, None], tf.shape(places))
            ids = tf.gather_nd(token_ids, tf.stack([rows, places], axis=-1))
            return tf.where(is_real, ids, 0)

        inputs, targets, is_asked = model.pack(cut(begin, asked), cut(asked, end))
        logits = model(inputs, training=False)
        each = keras.ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)
        # Of the packed positions that are asked for, the k-th is the k-th token from `asked` on.
        places = asked[:, None] + tf.cumsum(tf.cast(is_asked, tf.int32), axis=1, exclusive=True)
        rows = tf.broadcast_to(text[:, None], tf.shape(places))
        places = tf.stack([rows, tf.where(is_asked, places, 0)], axis=-1)
        return tf.where(is_asked, -tf.cast(each, tf.float32), 0.0), places

    def score(token_ids):
        length = tf.reduce_sum(tf.cast(token_ids > 0, tf.int32), axis=1)
        text, begin, asked, end = half_overlapping_windows(length, context_length)
        num_windows = tf.shape(text)[0]
        # A pass holds one window at least.
        at_once = max(min(_WINDOWS, _MAX_LOGITS // (context_length * model.output.shape[-1])), 1)

        def body(done, total):
            some = slice(done, tf.minimum(done + at_once, num_windows))
            nats, places = window_nats(token_ids, text[some], begin[some], asked[some], end[some])
            total = tf.tensor_scatter_nd_add(total, places, nats)
            return some.stop, tf.ensure_shape(total, [None, None])

        _, total = tf.while_loop(
            lambda done, _: done < num_windows,
            body,
            (tf.constant(0), tf.zeros(tf.shape(token_ids))),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None])),
        )
        return total, length - 1

    return score
