"""Random numbers that are a function of a key: equal with every compiler, device and batch.

Keys and random bits are 64-bit integers, mixed as in SplitMix64 (Steele, Lea and Flood 2014,
section 4): integer arithmetic has no rounding that could differ.

Shape letters: R rows, K tokens.
"""

import tensorflow as tf

_GAMMA = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_BITS = 31


def step_keys(seed, number):
    """The key of one token of each row.

    Args:
        seed: seed and index of each row, (R, 2).
        number: which new token of the row, a scalar.

    Returns:
        `uint64` (R,).
    """
    key = fold(tf.zeros_like(seed[:, 0], tf.uint64), seed[:, 0])
    return fold(fold(key, seed[:, 1]), number)


def fold(keys, numbers):
    """The keys (...) of parts of a stream, by the number (...) of the part; shapes broadcast."""
    z = keys + (tf.cast(numbers, tf.uint64) + 1) * tf.constant(_GAMMA, tf.uint64)
    for shift, factor in _MIX:
        z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, tf.constant(shift, tf.uint64)))
        z *= tf.constant(factor, tf.uint64)
    return tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, tf.constant(31, tf.uint64)))


def gumbel(keys, ids):
    """Gumbel noise of tokens: keys (R,) of a step, ids (R, K) or (1, K) -> `float32` (R, K).

    The noise of a token is a function of the key and its id, whatever the other ids are.
    """
    bits = tf.bitwise.right_shift(fold(keys[:, None], ids), tf.constant(64 - _BITS, tf.uint64))
    # Of an exponential variable, the small values decide: floats near 0 are precise.
    uniform = (tf.cast(tf.cast(bits, tf.int32), tf.float32) + 0.5) * 2.0**-_BITS
    uniform = tf.minimum(uniform, 1 - 2.0**-24)
    return -tf.math.log(-tf.math.log1p(-uniform))
