"""Sampling of the next token, from a distribution that may be truncated and reshaped first.

Shape letters: R rows, V vocabulary, K candidates.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zoo.generation.noise import gumbel, step_keys

# Candidates that are sorted first; sorting a whole vocabulary takes far longer.
_CANDIDATES = 64


class Sampling(NamedTuple):
    """Options of sampling; each is a scalar, or has an entry per prompt, (B,).

    Attributes:
        temperature: divides the logits; 0 selects the most likely token ("greedy").
        top_k: number of most likely tokens to sample from (Fan et al. 2018, section 5.2); 0 for
            all.
        top_p: sample from the smallest set of most likely tokens whose probability reaches it
            (Holtzman et al. 2020, section 3.1), after `top_k`; 1 for all.
        repetition_penalty: divides positive logits of tokens that the text already contains, and
            multiplies negative ones (Keskar et al. 2019, section 4.1); 1 for none.
        seed: random seed. New token t of a prompt is a function of the prompt's key (seed, index)
            and of t. In a batch prompt i has the key (seed, i), where `seed` is a scalar; an array
            (B,) is of seeds with index 0, as for a prompt alone; an array (B, 2) is of keys.
        min_p: sample from the tokens whose probability is at least this share of the most likely
            one's (Nguyen et al. 2024, section 3.1), after the others; 0 for all.
        min_new_tokens: number of new tokens before which a text does not end.
        length_penalty: for beam search, which compares texts by log-probability / length **
            length_penalty (as in Wu et al. 2016, section 7, without its constants); 0 for the
            log-probability.
    """

    temperature: Any = 1.0
    top_k: Any = 0
    top_p: Any = 1.0
    repetition_penalty: Any = 1.0
    seed: Any = 0
    min_p: Any = 0.0
    min_new_tokens: Any = 0
    length_penalty: Any = 0.0

    def tensors(self) -> "Sampling":
        """The options as tensors, `float32`, or `int32` where the default is an integer."""
        defaults = Sampling._field_defaults
        dtypes = (tf.int32 if isinstance(defaults[n], int) else tf.float32 for n in self._fields)
        return Sampling(*(tf.cast(value, d) for value, d in zip(self, dtypes, strict=True)))

    def by_prompt(self, prompts) -> "Sampling":
        """The options as tensors with an entry per prompt, (B,); keys as seeds, (B, 2)."""
        options = self.tensors()._asdict()
        seed = _keys(options.pop("seed"), prompts)
        each = {name: tf.broadcast_to(value, [prompts]) for name, value in options.items()}
        return Sampling(**each, seed=seed)


def _keys(seed, prompts):
    """The key (seed, index) of each prompt, (B, 2): of seeds (), (B,) or (B, 2)."""
    place = tf.range(prompts)
    alone = tf.zeros_like(place)
    if seed.shape.rank is not None:
        index = place if seed.shape.rank == 0 else alone
        return seed if seed.shape.rank == 2 else _paired(seed, index)
    keys = tf.switch_case(
        tf.minimum(tf.rank(seed), 2),
        {
            0: lambda: _paired(seed, place),
            1: lambda: _paired(seed, alone),
            2: lambda: tf.reshape(seed, [prompts, 2]),
        },
    )
    return tf.ensure_shape(keys, [None, 2])


def _paired(seed, index):
    return tf.stack([tf.broadcast_to(seed, tf.shape(index)), index], axis=1)


def seed_keys(seed: int | Sequence[int], prompts: int) -> np.ndarray:
    """The key (seed, index) of each of B prompts, `int32` (B, 2); see `Sampling`.

    Args:
        seed: a seed, or one per prompt.
        prompts: B.

    Raises:
        ValueError: if the number of seeds is not that of prompts.
    """
    if not isinstance(seed, int) and len(seed) != prompts:
        raise ValueError(
            f"seed must be a number or have one entry per prompt ({prompts}); it has {len(seed)}."
        )
    index = np.arange(prompts) if isinstance(seed, int) else np.zeros(prompts)
    return np.stack([np.broadcast_to(seed, prompts), index], axis=1).astype("int32")


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
    "min_p": (("from 0 (off) to 1", lambda x: (x >= 0) & (x <= 1)),),
    "min_new_tokens": (("0 (off) or more", lambda x: x >= 0),),
    "length_penalty": (("a number", lambda x: (x > -float("inf")) & (x < float("inf"))),),
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
    return {**options, "seed": _checked_seed(options["seed"])}


def _checked_seed(seed) -> int | list[int]:
    """A seed as a Python number, several as a list.

    Raises:
        ValueError: if one is not an integer from 0 to 2,147,483,647.
    """
    is_several = isinstance(seed, Iterable) and not isinstance(seed, (str, bytes))
    seeds = list(seed) if is_several else [seed]
    for each in seeds:
        if not isinstance(each, (int, np.integer)) or not 0 <= each <= _MAX_INT32:
            raise ValueError(f"seed must be from 0 to {_MAX_INT32}; it is {each!r}.")
    return [int(each) for each in seeds] if is_several else int(seed)


class Step(NamedTuple):
    """What a strategy chooses the next token of each row by, beyond its own state.

    Attributes:
        number: how many tokens have been generated per row, a scalar.
        finished: which rows have ended, (R,).
        max_new_tokens: of each row, (R,).
        sampling: options of each row, (R,); keys as seeds, (R, 2).
        allowed: which ids may be generated, (1, V) or (R, V).
        end_id: the token that ends a text.
    """

    number: Any
    finished: Any
    max_new_tokens: Any
    sampling: Sampling
    allowed: Any
    end_id: int


class Choice(NamedTuple):
    """The next token of each row.

    Attributes:
        tokens: ids (R,), 0 for finished rows.
        nats: the log-probability of each token under the model (R,), 0 for finished rows.
        parents: the rows (R,) that the tokens extend; None if each extends its own.
        finished: which rows have ended now, (R,).
        state: the strategy's state.
    """

    tokens: Any
    nats: Any
    parents: Any
    finished: Any
    state: Any


class Sampler:
    """Samples each row's next token, see `Sampling`."""

    rows_per_prompt = 1
    results_per_prompt = 1

    def start(self, text, length, vocabulary_size: int, max_new_tokens):
        """The strategy's state for rows of text (R, T) of these lengths (R,), to grow by (R,)."""
        del max_new_tokens
        is_real = tf.range(tf.shape(text)[1]) < length[:, None]
        rows = tf.repeat(tf.range(tf.shape(text)[0]), tf.shape(text)[1])
        flat = tf.stack([rows, tf.reshape(tf.where(is_real, text, 0), [-1])], axis=1)
        seen = tf.zeros([tf.shape(text)[0], vocabulary_size], tf.bool)
        return {"seen": tf.tensor_scatter_nd_update(seen, flat, tf.ones_like(rows, tf.bool))}

    def choose(self, logits, state, step: Step) -> Choice:
        """Samples a token per row.

        Args:
            logits: (R, V).
            state: the value that `start` or the last step returned.
            step: see `Step`.
        """
        options, finished = step.sampling, step.finished
        wanted = penalize_seen(logits, state["seen"], options.repetition_penalty[:, None])
        wanted = tf.where(step.allowed, wanted, -np.inf)
        keys = step_keys(options.seed, step.number)
        tokens = tf.where(finished, 0, draw(wanted, keys, options))
        # One pass over the vocabulary, where a whole log-softmax would be three.
        nats = tf.gather(logits, tokens, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
        is_new = tf.one_hot(tokens, logits.shape[-1], True, False, dtype=bool)
        return Choice(
            tokens=tokens,
            nats=tf.where(finished, 0.0, nats),
            parents=None,
            finished=finished | (tokens == step.end_id),
            state={"seen": state["seen"] | is_new},
        )

    def result(self, state, tokens, nats, sampling: Sampling):
        """The texts of B prompts, `results_per_prompt` of each.

        Args:
            state: the last state.
            tokens: the new tokens of each row, (R, N).
            nats: their log-probabilities, (R, N).
            sampling: options of each row.

        Returns:
            (tokens, log-probability of each, log-probability of each text).
        """
        del state, sampling
        return tokens, nats, tf.reduce_sum(nats, axis=1)


def penalize_seen(logits, seen, penalty):
    """Logits (R, V) with the repetition penalty on tokens that were seen (R, V)."""
    return tf.where(seen, tf.where(logits > 0, logits / penalty, logits * penalty), logits)


def draw(logits, keys, sampling: Sampling):
    """Samples tokens (R,) from logits (R, V).

    The token is the largest of logit / temperature + Gumbel noise (Gumbel 1954; Maddison et al.
    2014, section 2), so a rounding error of a logit changes no more draws than it changes
    probabilities, however large the vocabulary is.

    Args:
        logits: (R, V), `-inf` for tokens that are excluded.
        keys: of the noise, `uint64` (R,); see `step_keys`.
        sampling: options of each row, (R,).
    """
    logits = tf.cast(logits, tf.float32)
    ids = tf.range(logits.shape[-1])
    is_greedy = sampling.temperature <= 0
    is_whole = ~is_greedy & (sampling.top_p >= 1) & (sampling.min_p <= 0)
    is_whole &= (sampling.top_k == 0) | (sampling.top_k >= logits.shape[-1])
    # Both factors are at most 1, so that nothing overflows, and the noise of 0 is none.
    divisor = tf.maximum(sampling.temperature, 1.0)[:, None]
    factor = tf.minimum(sampling.temperature, 1.0)[:, None]

    def largest(values, ids):
        noisy = values / divisor + factor * gumbel(keys, ids)
        return tf.argmax(noisy, axis=-1, output_type=tf.int32)

    def among_all():
        return largest(logits, ids[None])

    def mixed():
        few = _among_most_likely(logits, sampling, is_greedy | is_whole, largest)
        return tf.cond(
            tf.reduce_any(is_whole), lambda: tf.where(is_whole, among_all(), few), lambda: few
        )

    return tf.cond(
        tf.reduce_all(is_greedy | is_whole),
        lambda: tf.cond(
            tf.reduce_all(is_greedy),
            lambda: tf.argmax(logits, axis=-1, output_type=tf.int32),
            among_all,
        ),
        mixed,
    )


def _logsumexp(logits):
    return tf.reduce_logsumexp(logits, axis=-1, keepdims=True)


def _among_most_likely(logits, sampling: Sampling, is_unused, largest):
    """Samples tokens (R,) after `top_k`, `top_p`, `min_p`; any token for rows in `is_unused`.

    The whole vocabulary is sorted only if a row needs it.
    """
    vocabulary_size = logits.shape[-1]
    few = min(_CANDIDATES, vocabulary_size)
    scaled = logits / tf.maximum(sampling.temperature, 1e-6)[:, None]
    top_p = tf.cast(sampling.top_p, tf.float64)[:, None]
    has_k = (sampling.top_k > 0)[:, None]
    top_k = tf.where(has_k, sampling.top_k[:, None], vocabulary_size)
    least = tf.reduce_max(scaled, axis=-1, keepdims=True) + tf.math.log(sampling.min_p)[:, None]

    def shares(ids):
        """Probabilities of the most likely tokens (R, K), largest first, after `top_k`."""
        top = tf.gather(scaled, ids, batch_dims=1)
        top = tf.where(tf.range(ids.shape[-1]) < top_k, top, -np.inf)
        total = tf.where(has_k, _logsumexp(top), _logsumexp(scaled))
        return tf.exp(tf.cast(top - total, tf.float64))

    def among(candidates):
        values, ids = candidates
        before = tf.cumsum(shares(ids), axis=-1, exclusive=True)
        place = tf.range(ids.shape[-1])
        is_in = (place < top_k) & ((before < top_p) | (top_p >= 1))
        is_in &= tf.gather(scaled, ids, batch_dims=1) >= least
        is_in |= place == 0
        best = largest(tf.where(is_in, values, -np.inf), ids)
        return tf.gather(ids, best, batch_dims=1)

    candidates = tf.math.top_k(logits, few)
    if few == vocabulary_size:
        return among(candidates)
    reached = tf.reduce_sum(shares(candidates[1]), axis=-1, keepdims=True)
    is_enough = tf.where(has_k, top_k <= few, reached >= top_p)
    # The others are no more likely than the last candidate.
    last = tf.gather(scaled, candidates[1][:, -1:], batch_dims=1)
    is_enough = (is_enough | (last < least))[:, 0]
    return tf.cond(
        tf.reduce_all(is_enough | is_unused),
        lambda: among(candidates),
        lambda: among(tf.math.top_k(logits, vocabulary_size)),
    )
