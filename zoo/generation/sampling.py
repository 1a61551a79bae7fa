"""Sampling of the next token, from a distribution that may be truncated and reshaped first.

Shape letters: R rows, V vocabulary, K candidates.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

# Candidates that are sorted first; sorting a whole vocabulary takes far longer.
_CANDIDATES = 64


class Sampling(NamedTuple):
    """Options of sampling; each is a scalar, a Python number or a tensor.

    Attributes:
        temperature: divides the logits; 0 selects the most likely token ("greedy").
        top_k: number of most likely tokens to sample from (Fan et al. 2018, section 5.2); 0 for
            all.
        top_p: sample from the smallest set of most likely tokens whose probability reaches it
            (Holtzman et al. 2020, section 3.1), after `top_k`; 1 for all.
        repetition_penalty: divides positive logits of tokens that the text already contains, and
            multiplies negative ones (Keskar et al. 2019, section 4.1); 1 for none.
        seed: random seed. The draw for new token t of row r is a function of the seed, r and t
            alone.
    """

    temperature: Any = 1.0
    top_k: Any = 0
    top_p: Any = 1.0
    repetition_penalty: Any = 1.0
    seed: Any = 0

    def tensors(self) -> "Sampling":
        """The options as tensors: `float32`, and `int32` for `top_k` and `seed`."""
        dtypes = Sampling(tf.float32, tf.int32, tf.float32, tf.float32, tf.int32)
        return Sampling(*(tf.cast(value, d) for value, d in zip(self, dtypes, strict=True)))


# New tokens by default.
NEW_TOKENS = 100

# The largest number of new tokens, since the text is allocated when decoding starts.
MAX_NEW_TOKENS = 1_000_000
_MAX_INT32 = 2**31 - 1

# The valid range of each option in words, and as a function of a number or a tensor.
RANGES: dict[str, tuple[tuple[str, Callable], ...]] = {
    "max_new_tokens": (
        ("0 or more", lambda x: x >= 0),
        (f"at most {MAX_NEW_TOKENS}", lambda x: x <= MAX_NEW_TOKENS),
    ),
    "temperature": (("0 or more", lambda x: (x >= 0) & (x < float("inf"))),),
    "top_k": (("0 (off) or more", lambda x: x >= 0),),
    "top_p": (("above 0 and at most 1", lambda x: (x > 0) & (x <= 1)),),
    "repetition_penalty": (("above 0 (1 is none)", lambda x: (x > 0) & (x < float("inf"))),),
    "no_repeat_ngram_size": (("0 (off) or more", lambda x: x >= 0),),
    "num_beams": (("1 or more", lambda x: x >= 1),),
}


def sampling_warnings(**options) -> list[tuple[Any, str, Any]]:
    """For each option in `RANGES` whether it is valid, the message if not, and its value."""
    return [
        (is_valid(value), f"{name} must be {expected}; it is", value)
        for name, value in options.items()
        for expected, is_valid in RANGES.get(name, ())
    ]


def check_sampling(
    *,
    max_new_tokens: int = NEW_TOKENS,
    no_repeat_ngram_size: int = 0,
    num_beams: int = 1,
    **sampling,
) -> dict[str, Any]:
    """All options of a call that generates text, with their defaults.

    Args:
        max_new_tokens: maximum number of new tokens.
        no_repeat_ngram_size: see `Sampler`.
        num_beams: see `BeamSearch`; 1 for no beam search.
        **sampling: see `Sampling`.

    Raises:
        ValueError: if an option is out of range.
    """
    options = {
        "max_new_tokens": max_new_tokens,
        **Sampling(**sampling)._asdict(),
        "no_repeat_ngram_size": no_repeat_ngram_size,
        "num_beams": num_beams,
    }
    for is_valid, message, value in sampling_warnings(**options):
        if not is_valid:
            raise ValueError(f"{message} {value}.")
    # They become int32 tensors.
    if options["top_k"] > _MAX_INT32:
        raise ValueError(f"top_k must be at most {_MAX_INT32}; it is {options['top_k']}.")
    if not 0 <= options["seed"] <= _MAX_INT32:
        raise ValueError(f"seed must be from 0 to {_MAX_INT32}; it is {options['seed']}.")
    return options


class Sampler:
    """Samples each row's next token, see `Sampling`.

    Args:
        no_repeat_ngram_size: exclude tokens that would complete an n-gram of this size that the
            text already contains (Paulus et al. 2018, section 2.5); 0 for none.
    """

    rows_per_prompt = 1

    def __init__(self, no_repeat_ngram_size: int = 0):
        self.no_repeat_ngram_size = no_repeat_ngram_size

    def start(self, text, length, vocabulary_size: int, max_new_tokens):
        """The strategy's state for rows of text (R, T) of these lengths (R,)."""
        is_real = tf.range(tf.shape(text)[1]) < length[:, None]
        rows = tf.repeat(tf.range(tf.shape(text)[0]), tf.shape(text)[1])
        flat = tf.stack([rows, tf.reshape(tf.where(is_real, text, 0), [-1])], axis=1)
        seen = tf.zeros([tf.shape(text)[0], vocabulary_size], tf.bool)
        seen = tf.tensor_scatter_nd_update(seen, flat, tf.ones_like(rows, tf.bool))
        state = {"seen": seen, "log_probability": tf.zeros(tf.shape(length))}
        if self.no_repeat_ngram_size:
            state["text"] = tf.pad(tf.where(is_real, text, 0), [[0, 0], [0, max_new_tokens]])
            state["length"] = length
        return state

    def choose(self, logits, state, finished, uniforms, sampling: Sampling, allowed):
        """Samples a token per row.

        Args:
            logits: (R, V).
            state: the value that `start` or the last step returned.
            finished: which rows are finished, (R,).
            uniforms: random numbers from [0, 1), (R,).
            sampling: options of sampling.
            allowed: which ids may be generated, (V,).

        Returns:
            (token ids (R,), 0 for finished rows; None, since no row is reordered; state).
        """
        wanted = penalize_seen(logits, state["seen"], sampling.repetition_penalty)
        wanted = tf.where(allowed, wanted, logits.dtype.min)
        if self.no_repeat_ngram_size:
            repeated = find_repeating(
                state["text"],
                state["length"],
                self.no_repeat_ngram_size,
                logits.shape[-1],
            )
            # Where every token would repeat, none is excluded.
            repeated &= ~tf.reduce_all(repeated | ~allowed, axis=-1, keepdims=True)
            wanted = tf.where(repeated, logits.dtype.min, wanted)
        tokens = tf.where(finished, 0, draw(wanted, uniforms, sampling))
        # One pass over the vocabulary, where a whole log-softmax would be three.
        token_nats = tf.gather(logits, tokens, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
        state = {
            **state,
            "seen": state["seen"] | tf.one_hot(tokens, logits.shape[-1], True, False, dtype=bool),
            "log_probability": state["log_probability"] + tf.where(finished, 0.0, token_nats),
        }
        if self.no_repeat_ngram_size:
            places = tf.stack([tf.range(tf.shape(tokens)[0]), state["length"]], axis=1)
            state["text"] = tf.tensor_scatter_nd_update(state["text"], places, tokens)
            state["length"] += tf.where(finished, 0, 1)
        return tokens, None, state

    def finish(self, state):
        """The row of each prompt, (R,), and its log-probability."""
        return tf.range(tf.shape(state["log_probability"])[0]), state["log_probability"]


def penalize_seen(logits, seen, penalty):
    """Logits (R, V) with the repetition penalty on tokens that were seen (R, V)."""
    return tf.where(seen, tf.where(logits > 0, logits / penalty, logits * penalty), logits)


def find_repeating(text, length, size: int, vocabulary_size: int):
    """Which tokens (R, V) would complete an n-gram that a row of text (R, T) already contains."""
    width = tf.shape(text)[1]
    starts = tf.range(tf.maximum(width - size + 1, 0))
    same = starts[None] + size <= length[:, None]
    for offset in range(size - 1):
        place = tf.maximum(length - (size - 1) + offset, 0)
        last = tf.gather(text, place, batch_dims=1)
        same &= tf.gather(text, starts + offset, axis=1) == last[:, None]
    # A text with fewer than size - 1 tokens repeats no n-gram.
    same &= (length >= size - 1)[:, None]
    completing = tf.gather(text, starts + size - 1, axis=1)
    rows = tf.repeat(tf.range(tf.shape(text)[0]), tf.shape(starts)[0])
    places = tf.stack([rows, tf.reshape(tf.where(same, completing, 0), [-1])], axis=1)
    found = tf.zeros([tf.shape(text)[0], vocabulary_size], tf.bool)
    found = tf.tensor_scatter_nd_update(found, places, tf.ones_like(rows, tf.bool))
    return found & (tf.range(vocabulary_size) > 0)


def draw(logits, uniforms, sampling: Sampling):
    """Samples tokens (R,) from logits (R, V) by numbers (R,) that are uniform over [0, 1)."""
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
    """Samples from the most likely tokens, sorting the whole vocabulary only if necessary."""
    vocabulary_size = logits.shape[-1]
    few = min(_CANDIDATES, vocabulary_size)
    values, ids = tf.math.top_k(logits, few)

    def among(candidates, whole):
        top_logits, top_ids = candidates
        shares = tf.exp(top_logits - whole)
        return tf.gather(top_ids, _nucleus(shares, uniforms, top_p), batch_dims=1)

    def among_k(candidates):
        top_logits, top_ids = candidates
        place = tf.range(tf.shape(top_logits)[-1])
        left = tf.where(place < top_k, top_logits, logits.dtype.min)
        return among((left, top_ids), tf.reduce_logsumexp(left, axis=-1, keepdims=True))

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
    """Samples an index (R,) of shares (R, K), largest first, until their sum reaches `top_p`."""
    before = tf.cumsum(shares, axis=-1, exclusive=True)
    is_first = tf.range(tf.shape(shares)[-1]) == 0
    return _by_share(tf.where((before < top_p) | is_first, shares, 0.0), uniforms)


def _by_share(shares, uniforms):
    """The index (R,) at which the cumulative sum of shares (R, K) exceeds uniforms (R,) of it."""
    running = tf.cumsum(shares, axis=-1)
    # Uniforms are below 1, so the index always has a share.
    passed = running <= uniforms[:, None] * running[:, -1:]
    return tf.reduce_sum(tf.cast(passed, tf.int32), axis=-1)
