"""Beam search for the most likely continuation."""

import numpy as np
import tensorflow as tf

from zoo.generation.sampling import Choice, Step


class BeamSearch:
    """Keeps the K most likely partial continuations of each prompt (Graves 2012, section 3).

    Finished texts are kept apart, the best K of each prompt, until no unfinished one can become
    better than those that are returned. Texts are compared by their log-probability / length **
    `length_penalty`, see `Sampling`.

    Shape letters: B prompts, K beams, R = B K rows, N new tokens, V vocabulary.

    Args:
        num_beams: K. One beam is greedy decoding.
        num_results: how many texts of each prompt are returned, the best ones, at most K.

    Raises:
        ValueError: if `num_beams` is below 1, or `num_results` is not from 1 to `num_beams`.
    """

    def __init__(self, num_beams: int, num_results: int = 1):
        if num_beams < 1:
            raise ValueError(f"num_beams must be 1 or more; it is {num_beams}.")
        if not 1 <= num_results <= num_beams:
            raise ValueError(f"num_results must be from 1 to {num_beams}; it is {num_results}.")
        self.rows_per_prompt = num_beams
        self.results_per_prompt = num_results

    def start(self, text, length, vocabulary_size, max_new_tokens):
        """The strategy's state.

        Of each beam its new tokens `text` (R, N), their log-probabilities `nats` (R, N), the sum
        `log_probability` (R,) and `num_tokens` (R,); `is_beaten` (R,), whether finished texts of
        its prompt are better than all that it can become. Of the finished texts the same, and the
        `value` by which they are compared.
        """
        del length, vocabulary_size
        rows = tf.shape(text)[0]
        tokens = tf.zeros([rows, tf.reduce_max(max_new_tokens)], tf.int32)
        # All beams start equal, so only the first may be extended before they differ.
        first = tf.one_hot(0, self.rows_per_prompt, 0.0, -np.inf)
        nothing = tf.fill([rows], -np.inf)
        texts = {"text": tokens, "nats": tf.cast(tokens, tf.float32)}
        return {
            **texts,
            "log_probability": tf.tile(first, [rows // self.rows_per_prompt]),
            "num_tokens": tf.zeros([rows]),
            "is_beaten": tf.zeros([rows], tf.bool),
            "finished": {**texts, "log_probability": nothing, "value": nothing},
        }

    def choose(self, logits, state, step: Step) -> Choice:
        """Selects the K best one-token extensions of each prompt's beams; see `Sampler.choose`."""
        is_possible = step.allowed & ~step.finished[:, None]
        nats = tf.nn.log_softmax(logits)
        total = state["log_probability"][:, None] + nats
        total = tf.where(is_possible, total, -np.inf)
        num_tokens = state["num_tokens"] + 1
        # A text ends where its end is among the K best of all extensions.
        kept = self._by_prompt(self._best_extensions(total)[0])
        end = self._by_prompt(total[:, step.end_id])
        end = _joined(tf.where(end >= kept[:, -1:], end, -np.inf))
        ended = self._with_ended(state, end, nats[:, step.end_id], num_tokens, step)
        is_end = tf.range(logits.shape[-1]) == step.end_id
        best_total, parents, tokens = self._best_extensions(tf.where(is_end, -np.inf, total))
        text, before = (tf.gather(state[name], parents) for name in ("text", "nats"))
        token_nats = tf.gather_nd(nats, tf.stack([parents, tokens], axis=1))
        # The most that a text of this length can be worth, however long it becomes.
        penalty = step.sampling.length_penalty
        longest = tf.cast(step.max_new_tokens, tf.float32)
        divisor = tf.maximum((num_tokens + 1) ** penalty, longest**penalty)
        bound = tf.reduce_max(self._by_prompt(best_total / divisor), axis=1)
        is_beaten = self._by_prompt(ended["value"])[:, self.results_per_prompt - 1] >= bound
        is_beaten = tf.repeat(is_beaten, self.rows_per_prompt)
        new = {
            "text": _with_token(text, tokens, step.number),
            "nats": _with_token(before, token_nats, step.number),
            "log_probability": best_total,
            "num_tokens": num_tokens,
            "is_beaten": is_beaten,
            "finished": ended,
        }
        rows = tf.range(tf.shape(tokens)[0])
        state = tf.nest.map_structure(
            lambda now, before: tf.ensure_shape(
                tf.where(_column(step.finished, now), before, now), before.shape
            ),
            new,
            state,
        )
        return Choice(
            tokens=tf.where(step.finished, 0, tokens),
            nats=tf.where(step.finished, 0.0, token_nats),
            parents=tf.where(step.finished, rows, parents),
            finished=step.finished | is_beaten,
            state=state,
        )

    def result(self, state, tokens, nats, sampling):
        """The best texts of each prompt; see `Sampler.result`.

        The log-probability is `-inf` where there are fewer texts than asked for.
        """
        del tokens, nats
        length = tf.maximum(state["num_tokens"], 1.0)
        value = state["log_probability"] / length**sampling.length_penalty
        unfinished = {
            **{name: state[name] for name in ("text", "nats", "log_probability")},
            "value": tf.where(state["is_beaten"], -np.inf, value),
        }
        best = self._best_of(state["finished"], unfinished, self.results_per_prompt)
        log_probability = tf.where(best["value"] > -np.inf, best["log_probability"], -np.inf)
        return best["text"], best["nats"], log_probability

    def _with_ended(self, state, total, end_nats, num_tokens, step: Step):
        """The best finished texts, with those that the end token of log-probability (R,) makes."""
        ends = {
            "text": _with_token(state["text"], step.end_id, step.number),
            "nats": _with_token(state["nats"], end_nats, step.number),
            "log_probability": total,
            "value": total / num_tokens**step.sampling.length_penalty,
        }
        return self._best_of(state["finished"], ends, self.rows_per_prompt)

    def _best_of(self, first, second, number: int):
        """The best `number` of two sets of K texts per prompt, by their `value`, best first."""
        both = tf.nest.map_structure(
            lambda a, b: tf.concat([self._by_prompt(a), self._by_prompt(b)], axis=1), first, second
        )
        _, places = tf.math.top_k(both["value"], number)
        return tf.nest.map_structure(
            lambda x: _joined(tf.gather(x, places, batch_dims=1)),
            both,
        )

    def _best_extensions(self, total):
        """Of the extensions (R, V) the best K per prompt: log-probability, rows, tokens (R,)."""
        beams, vocabulary_size = self.rows_per_prompt, total.shape[-1]
        best_total, best = tf.math.top_k(tf.reshape(total, [-1, beams * vocabulary_size]), beams)
        first_row = tf.range(tf.shape(best)[0])[:, None] * beams
        parents = first_row + best // vocabulary_size
        return tuple(tf.reshape(x, [-1]) for x in (best_total, parents, best % vocabulary_size))

    def _by_prompt(self, x):
        """Rows (R, ...) as (B, K, ...)."""
        return tf.reshape(x, tf.concat([[-1, self.rows_per_prompt], tf.shape(x)[1:]], axis=0))


def _joined(x):
    """(B, K, ...) as rows (B K, ...)."""
    return tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], axis=0))


def _with_token(text, tokens, place):
    """Text (R, N) with tokens (R,), or one token, at a place."""
    is_there = tf.range(tf.shape(text)[1]) == place
    return tf.where(is_there, tf.reshape(tokens, [-1, 1]), text)


def _column(x, like):
    """(R,) as a shape that broadcasts to (R, ...)."""
    return tf.reshape(x, [-1] + [1] * (len(like.shape) - 1))
