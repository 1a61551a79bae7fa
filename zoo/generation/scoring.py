"""What a model makes of texts that are there already.

Shape letters: B texts, T tokens, W windows, L tokens of a window.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

# Windows that go through the model at a time, and logits that are held meanwhile.
_WINDOWS = 64
_MAX_LOGITS = 2**25


def text_scorer(model, context_length: int, start_id: int) -> Callable:
    """A function that gives texts their log-probability.

    Each token is asked for once. The first window of a text is asked for all its tokens, each
    further one for its last half: a token has at least half of `context_length` before it, or all
    that there is.

    Args:
        model: a model with logits per token.
        context_length: L, the most tokens of a window.
        start_id: what the decoder of an encoder-decoder begins with.

    Returns:
        A function of ids `int32` (B, T), padded right, each row beginning with a token that is only
        read -> (log-probability (B,), `float32`, in nats; tokens that were asked for (B,)).
    """
    half = max(context_length // 2, 1)

    def windows(length):
        """(text, begin, asked, end), each (W,): where the windows of texts (B,) so long lie."""
        targets = length - 1
        further = tf.maximum(targets - context_length, 0)
        counts = tf.where(targets > 0, 1 + (further + half - 1) // half, 0)
        text = tf.repeat(tf.range(tf.shape(length)[0]), counts)
        place = tf.range(tf.shape(text)[0]) - tf.gather(tf.cumsum(counts, exclusive=True), text)
        last = tf.minimum(context_length + place * half, tf.gather(targets, text))
        is_first = place == 0
        asked = tf.where(is_first, 0, context_length + (place - 1) * half) + 1
        begin = tf.where(is_first, 0, tf.maximum(last - context_length, 0))
        return text, begin, asked, last + 1

    def losses(token_ids, text, begin, asked, end):
        """Minus the log-probability of what each window is asked for, (W,)."""

        def cut(first, last):
            places = first[:, None] + tf.range(tf.reduce_max(last - first))
            is_real = places < last[:, None]
            places = tf.minimum(places, tf.shape(token_ids)[1] - 1)
            rows = tf.broadcast_to(text[:, None], tf.shape(places))
            ids = tf.gather_nd(token_ids, tf.stack([rows, places], axis=-1))
            return tf.where(is_real, ids, 0), places, is_real

        if model.is_encoder_decoder:
            targets, _, is_asked = cut(asked, end)
            starts = tf.fill([tf.shape(text)[0], 1], start_id)
            inputs = {
                "token_ids": tf.where(is_asked, tf.concat([starts, targets[:, :-1]], axis=1), 0),
                "source_ids": cut(begin, asked)[0],
            }
        else:
            inputs = cut(begin, end - 1)[0]
            targets, places, is_real = cut(begin + 1, end)
            is_asked = is_real & (places >= asked[:, None])
        logits = model(inputs, training=False)
        each = keras.ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)
        return tf.reduce_sum(tf.where(is_asked, tf.cast(each, tf.float32), 0.0), axis=1)

    def score(token_ids):
        length = tf.reduce_sum(tf.cast(token_ids > 0, tf.int32), axis=1)
        text, begin, asked, end = windows(length)
        num_windows = tf.shape(text)[0]
        # A window too many at the end would be empty; one at least is always there.
        at_once = max(min(_WINDOWS, _MAX_LOGITS // (context_length * model.output.shape[-1])), 1)

        def body(done, total):
            some = slice(done, tf.minimum(done + at_once, num_windows))
            each = losses(token_ids, text[some], begin[some], asked[some], end[some])
            sums = tf.math.unsorted_segment_sum(each, text[some], tf.shape(length)[0])
            return some.stop, total + tf.ensure_shape(sums, [None])

        _, total = tf.while_loop(
            lambda done, _: done < num_windows,
            body,
            (tf.constant(0), tf.zeros(tf.shape(length))),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
        )
        return -total, length - 1

    return score
