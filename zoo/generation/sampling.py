"""Choosing the next token by chance, from a distribution that may be cut and reshaped first.

Shape letters: R rows, V vocabulary, K candidates.
"""

from typing import Any, NamedTuple

import tensorflow as tf

# Candidates that are looked at before a whole vocabulary is sorted, which takes far longer.
_CANDIDATES = 64


class Sampling(NamedTuple):
    """How the next token is drawn; each is a scalar, a Python number or a tensor.

    Attributes:
        temperature: logits are divided by it; 0 takes the likeliest token ("greedy").
        top_k: only so many of the likeliest tokens stay (Fan et al. 2018, section 5.2); 0 for all.
        top_p: only the smallest set of likeliest tokens stays whose share reaches it (Holtzman et
            al. 2020, section 3.1), among what `top_k` has left; 1 for all.
        repetition_penalty: positive logits of tokens that the text holds already are divided by
            it, negative ones multiplied (Keskar et al. 2019, section 4.1); 1 for none.
        seed: of all that is random. Row r's draw for the t-th new token is a function of the
            seed, r and t alone.
    """

    temperature: Any = 1.0
    top_k: Any = 0
    top_p: Any = 1.0
    repetition_penalty: Any = 1.0
    seed: Any = 0

    def tensors(self) -> "Sampling":
        """The same as tensors: `float32`, and `int32` for `top_k` and `seed`."""
        dtypes = Sampling(tf.float32, tf.int32, tf.float32, tf.float32, tf.int32)
        return Sampling(*(tf.cast(value, d) for value, d in zip(self, dtypes, strict=True)))

    def warnings(self) -> list[tuple[Any, str, Any]]:
        """For each argument whether it makes sense, what is expected, and what it is."""
        return [
            (self.temperature >= 0, "temperature must be 0 or more; it is", self.temperature),
            (self.top_k >= 0, "top_k must be 0 (off) or more; it is", self.top_k),
            (
                (self.top_p > 0) & (self.top_p <= 1),
                "top_p must be above 0 and at most 1; it is",
                self.top_p,
            ),
            (
                self.repetition_penalty > 0,
                "repetition_penalty must be above 0 (1 is none); it is",
                self.repetition_penalty,
            ),
        ]


class Sampler:
    """Draws each row's next token, see `Sampling`.

    Args:
        no_repeat_ngram_size: tokens that would complete a sequence of so many that the text holds
            already are out (Paulus et al. 2018, section 2.5); 0 for none.
    """

    rows_per_prompt = 1

    def __init__(self, no_repeat_ngram_size: int = 0):
        self.no_repeat_ngram_size = no_repeat_ngram_size

    def start(self, text, length, vocabulary_size: int, room):
        """What is remembered of rows of text (R, T) of these lengths (R,), with `room` to come."""
        is_real = tf.range(tf.shape(text)[1]) < length[:, None]
        rows = tf.repeat(tf.range(tf.shape(text)[0]), tf.shape(text)[1])
        flat = tf.stack([rows, tf.reshape(tf.where(is_real, text, 0), [-1])], axis=1)
        seen = tf.zeros([tf.shape(text)[0], vocabulary_size], tf.bool)
        seen = tf.tensor_scatter_nd_update(seen, flat, tf.ones_like(rows, tf.bool))
        memory = {"seen": seen, "log_probability": tf.zeros(tf.shape(length))}
        if self.no_repeat_ngram_size:
            memory["text"] = tf.pad(tf.where(is_real, text, 0), [[0, 0], [0, room]])
            memory["length"] = length
        return memory

    def choose(self, logits, memory, finished, uniforms, sampling: Sampling, allowed):
        """Draws a token a row.

        Args:
            logits: (R, V).
            memory: what `start` or the last step gave.
            finished: which rows are done, (R,).
            uniforms: numbers from [0, 1) to draw by, (R,).
            sampling: how to draw.
            allowed: which ids may be written, (V,).

        Returns:
            (token ids (R,), 0 for finished rows; None, since rows stay where they are; memory).
        """
        wanted = penalized(logits, memory["seen"], sampling.repetition_penalty)
        wanted = tf.where(allowed, wanted, logits.dtype.min)
        if self.no_repeat_ngram_size:
            repeated = repeating(
                memory["text"], memory["length"], self.no_repeat_ngram_size, logits.shape[-1]
            )
            # Where all would repeat, repeating is better than nothing.
            repeated &= ~tf.reduce_all(repeated | ~allowed, axis=-1, keepdims=True)
            wanted = tf.where(repeated, logits.dtype.min, wanted)
        tokens = tf.where(finished, 0, draw(wanted, uniforms, sampling))
        # One pass over the vocabulary, where a whole log-softmax would be three.
        told = tf.gather(logits, tokens, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
        memory = {
            **memory,
            "seen": memory["seen"] | tf.one_hot(tokens, logits.shape[-1], True, False, dtype=bool),
            "log_probability": memory["log_probability"] + tf.where(finished, 0.0, told),
        }
        if self.no_repeat_ngram_size:
            places = tf.stack([tf.range(tf.shape(tokens)[0]), memory["length"]], axis=1)
            memory["text"] = tf.tensor_scatter_nd_update(memory["text"], places, tokens)
            memory["length"] += tf.where(finished, 0, 1)
        return tokens, None, memory

    def finish(self, memory):
        """The rows that are the answers, (R,), and the log-probability of each."""
        return tf.range(tf.shape(memory["log_probability"])[0]), memory["log_probability"]


def penalized(logits, seen, penalty):
    """Logits (R, V) after the repetition penalty, for tokens that were seen (R, V)."""
    return tf.where(seen, tf.where(logits > 0, logits / penalty, logits * penalty), logits)


def repeating(text, length, size: int, vocabulary_size: int):
    """Which tokens (R, V) would complete an n-gram that a row of text (R, T) holds already."""
    width = tf.shape(text)[1]
    starts = tf.range(tf.maximum(width - size + 1, 0))
    same = starts[None] + size <= length[:, None]
    for offset in range(size - 1):
        place = tf.maximum(length - (size - 1) + offset, 0)
        last = tf.gather(text, place, batch_dims=1)
        same &= tf.gather(text, starts + offset, axis=1) == last[:, None]
    # A text that is shorter than the beginning of an n-gram repeats none.
    same &= (length >= size - 1)[:, None]
    completing = tf.gather(text, starts + size - 1, axis=1)
    rows = tf.repeat(tf.range(tf.shape(text)[0]), tf.shape(starts)[0])
    places = tf.stack([rows, tf.reshape(tf.where(same, completing, 0), [-1])], axis=1)
    found = tf.zeros([tf.shape(text)[0], vocabulary_size], tf.bool)
    found = tf.tensor_scatter_nd_update(found, places, tf.ones_like(rows, tf.bool))
    return found & (tf.range(vocabulary_size) > 0)


def draw(logits, uniforms, sampling: Sampling):
    """Tokens (R,) out of logits (R, V), each by a number (R,) that is uniform over [0, 1)."""
    logits = tf.cast(logits, tf.float32)
    vocabulary_size = logits.shape[-1]
    scaled = logits / tf.maximum(sampling.temperature, 1e-6)
    is_whole = (sampling.top_p >= 1) & ((sampling.top_k == 0) | (sampling.top_k >= vocabulary_size))
    return tf.cond(
        sampling.temperature <= 0,
        lambda: tf.argmax(logits, axis=-1, output_type=tf.int32),
        lambda: tf.cond(
            is_whole,
            lambda: _by_share(tf.nn.softmax(scaled), uniforms),
            lambda: _truncated(scaled, uniforms, sampling.top_k, sampling.top_p),
        ),
    )


def _truncated(logits, uniforms, top_k, top_p):
    """Draws among the likeliest tokens, sorting no more of the vocabulary than it must."""
    vocabulary_size = logits.shape[-1]
    few = min(_CANDIDATES, vocabulary_size)
    values, ids = tf.math.top_k(logits, few)

    def among(candidates, whole):
        likeliest, theirs = candidates
        shares = tf.exp(likeliest - whole)
        return tf.gather(theirs, _nucleus(shares, uniforms, top_p), batch_dims=1)

    def among_k(candidates):
        likeliest, theirs = candidates
        place = tf.range(tf.shape(likeliest)[-1])
        left = tf.where(place < top_k, likeliest, logits.dtype.min)
        return among((left, theirs), tf.reduce_logsumexp(left, axis=-1, keepdims=True))

    def among_all():
        whole = tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
        reached = tf.reduce_sum(tf.exp(values - whole), axis=-1)
        return tf.cond(
            tf.reduce_all(reached >= top_p) | (few == vocabulary_size),
            lambda: among((values, ids), whole),
            lambda: among(tf.math.top_k(logits, vocabulary_size), whole),
        )

    return tf.cond(
        top_k == 0,
        among_all,
        lambda: tf.cond(
            (top_k <= few) | (few == vocabulary_size),
            lambda: among_k((values, ids)),
            lambda: among_k(tf.math.top_k(logits, vocabulary_size)),
        ),
    )


def _nucleus(shares, uniforms, top_p):
    """Draws a place (R,) in shares (R, K), largest first, of which the first to reach p stay."""
    before = tf.cumsum(shares, axis=-1, exclusive=True)
    is_first = tf.range(tf.shape(shares)[-1]) == 0
    return _by_share(tf.where((before < top_p) | is_first, shares, 0.0), uniforms)


def _by_share(shares, uniforms):
    """The index (R,) at which the running sum of shares (R, K) passes a part (R,) of the whole."""
    running = tf.cumsum(shares, axis=-1)
    # The part is below 1, so that an index with a share is always reached.
    passed = running <= uniforms[:, None] * running[:, -1:]
    return tf.reduce_sum(tf.cast(passed, tf.int32), axis=-1)
