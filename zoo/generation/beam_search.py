"""Searching for the likeliest text, several at a time."""

import tensorflow as tf


class BeamSearch:
    """Keeps the K likeliest beginnings of each prompt's continuation (Graves 2012, section 3).

    Shape letters: B prompts, K beams, R = B K rows, V vocabulary.

    Args:
        num_beams: K. With one beam it is greedy.
        length_penalty: finished texts are compared by log-probability / length ** length_penalty
            (as in Wu et al. 2016, section 7, without its constants); 0 for the log-probability.
    """

    def __init__(self, num_beams: int, length_penalty: float = 0.0):
        if num_beams < 1:
            raise ValueError(f"num_beams must be 1 or more; it is {num_beams}.")
        self.rows_per_prompt = num_beams
        self.length_penalty = length_penalty

    def start(self, text, length, vocabulary_size, room):
        """What is remembered: the log-probability of each beam, and how much it has written."""
        del length, vocabulary_size, room
        # All beams start equal: but for the first, none may win before they differ.
        prompts = tf.shape(text)[0] // self.rows_per_prompt
        first = tf.one_hot(0, self.rows_per_prompt, 0.0, -1e9)
        return {
            "log_probability": tf.tile(first, [prompts]),
            "written": tf.zeros([tf.shape(text)[0]]),
        }

    def choose(self, logits, memory, finished, uniforms, sampling, allowed):
        """The best K of all ways to go on from each prompt's beams; see `Sampler.choose`.

        Returns:
            (token ids (R,), the rows (R,) that they continue, memory).
        """
        del uniforms, sampling
        beams, vocabulary_size = self.rows_per_prompt, logits.shape[-1]
        gain = tf.where(allowed, tf.nn.log_softmax(logits), logits.dtype.min)
        # A finished text goes on in one way only, which costs nothing.
        as_it_is = tf.one_hot(0, vocabulary_size, 0.0, logits.dtype.min)
        gain = tf.where(finished[:, None], as_it_is, gain)
        total = tf.maximum(memory["log_probability"][:, None] + gain, logits.dtype.min)
        length = memory["written"] + tf.where(finished, 0.0, 1.0)
        value = total / tf.maximum(length, 1.0)[:, None] ** self.length_penalty
        _, best = tf.math.top_k(tf.reshape(value, [-1, beams * vocabulary_size]), beams)
        prompts = tf.shape(best)[0]
        parents = tf.range(prompts)[:, None] * beams + best // vocabulary_size
        parents, tokens = tf.reshape(parents, [-1]), tf.reshape(best % vocabulary_size, [-1])
        memory = {
            "log_probability": tf.gather_nd(total, tf.stack([parents, tokens], axis=1)),
            "written": tf.gather(length, parents),
        }
        return tokens, parents, memory

    def finish(self, memory):
        """The best beam of each prompt, (B,), and its log-probability (B,)."""
        value = (
            memory["log_probability"] / tf.maximum(memory["written"], 1.0) ** self.length_penalty
        )
        by_prompt = tf.reshape(value, [-1, self.rows_per_prompt])
        best = tf.argmax(by_prompt, axis=1, output_type=tf.int32)
        rows = tf.range(tf.shape(by_prompt)[0]) * self.rows_per_prompt + best
        return rows, tf.gather(memory["log_probability"], rows)
