"""Beam search for the most likely continuation."""

import tensorflow as tf


class BeamSearch:
    """Keeps the K most likely partial continuations of each prompt (Graves 2012, section 3).

    Shape letters: B prompts, K beams, R = B K rows, V vocabulary.

    Args:
        num_beams: K. One beam is greedy decoding.
        length_penalty: texts are compared by log-probability / length ** length_penalty (as in Wu
            et al. 2016, section 7, without its constants); 0 for the log-probability.

    Raises:
        ValueError: if `num_beams` is below 1.
    """

    def __init__(self, num_beams: int, length_penalty: float = 0.0):
        if num_beams < 1:
            raise ValueError(f"num_beams must be 1 or more; it is {num_beams}.")
        self.rows_per_prompt = num_beams
        self.length_penalty = length_penalty

    def start(self, text, length, vocabulary_size, max_new_tokens):
        """The strategy's state: each beam's log-probability, and its number of new tokens."""
        del length, vocabulary_size, max_new_tokens
        # All beams start equal, so only the first may be extended before they differ.
        prompts = tf.shape(text)[0] // self.rows_per_prompt
        first = tf.one_hot(0, self.rows_per_prompt, 0.0, -1e9)
        return {
            "log_probability": tf.tile(first, [prompts]),
            "num_tokens": tf.zeros([tf.shape(text)[0]]),
        }

    def choose(self, logits, state, finished, uniforms, sampling, allowed):
        """Selects the K best one-token extensions of each prompt's beams; see `Sampler.choose`.

        Returns:
            (token ids (R,), the rows (R,) that they extend, state).
        """
        del uniforms, sampling
        beams, vocabulary_size = self.rows_per_prompt, logits.shape[-1]
        gain = tf.where(allowed, tf.nn.log_softmax(logits), logits.dtype.min)
        # A finished text has one extension, the pad, which costs nothing.
        unchanged = tf.one_hot(0, vocabulary_size, 0.0, logits.dtype.min)
        gain = tf.where(finished[:, None], unchanged, gain)
        total = tf.maximum(state["log_probability"][:, None] + gain, logits.dtype.min)
        length = state["num_tokens"] + tf.where(finished, 0.0, 1.0)
        value = total / tf.maximum(length, 1.0)[:, None] ** self.length_penalty
        _, best = tf.math.top_k(tf.reshape(value, [-1, beams * vocabulary_size]), beams)
        prompts = tf.shape(best)[0]
        parents = tf.range(prompts)[:, None] * beams + best // vocabulary_size
        parents, tokens = tf.reshape(parents, [-1]), tf.reshape(best % vocabulary_size, [-1])
        state = {
            "log_probability": tf.gather_nd(total, tf.stack([parents, tokens], axis=1)),
            "num_tokens": tf.gather(length, parents),
        }
        return tokens, parents, state

    def finish(self, state):
        """The row of each prompt's best beam, (B,), and its log-probability (B,)."""
        value = (
            state["log_probability"] / tf.maximum(state["num_tokens"], 1.0) ** self.length_penalty
        )
        by_prompt = tf.reshape(value, [-1, self.rows_per_prompt])
        best = tf.argmax(by_prompt, axis=1, output_type=tf.int32)
        rows = tf.range(tf.shape(by_prompt)[0]) * self.rows_per_prompt + best
        return rows, tf.gather(state["log_probability"], rows)
