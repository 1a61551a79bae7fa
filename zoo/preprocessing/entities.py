"""Characters that are written as entities of HTML, decoded in TensorFlow's core ops.

Shape letters: B texts, E entities.
"""

import functools
import html.entities

import numpy as np
import tensorflow as tf

from zoo.preprocessing.markup import ENTITY

# No text that is decoded has it.
_BOUNDARY = "\x1f"
_REPLACEMENT = 0xFFFD
_HIGHEST = 0x10FFFF


@functools.cache
def _names() -> tuple[np.ndarray, list[str], list[str]]:
    """(hashes, ascending; the named entities of HTML 5; their characters)."""
    named = {f"&{n}": c for n, c in html.entities.html5.items() if n.endswith(";")}
    with tf.init_scope():
        hashes = tf.strings.to_hash_bucket_fast(list(named), 2**62).numpy()
    order = np.argsort(hashes)
    names = list(named)
    return hashes[order], [names[i] for i in order], [named[names[i]] for i in order]


@functools.cache
def _numbers() -> np.ndarray:
    """The code points of the numbers from 128 to 159, which browsers read as Windows does."""
    return np.array(
        [ord(bytes([n]).decode("cp1252", "ignore") or chr(n)) for n in range(128, 160)], "int32"
    )


# Traced once in a process, for all tokenizers.
@functools.partial(tf.function, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
def decode_entities(texts: tf.Tensor) -> tf.Tensor:
    """Replaces the entities of HTML in strings (B,) by their characters, once."""
    apart = tf.strings.regex_replace(texts, ENTITY, rf"{_BOUNDARY}\0{_BOUNDARY}")
    pieces = tf.strings.split(apart, _BOUNDARY)
    flat = pieces.flat_values
    is_entity = tf.strings.regex_full_match(flat, ENTITY)
    places = tf.where(is_entity)
    decoded = _decode(tf.boolean_mask(flat, is_entity))
    flat = tf.tensor_scatter_nd_update(flat, places, decoded)
    return tf.strings.reduce_join(pieces.with_flat_values(flat), axis=-1)


def _decode(entities: tf.Tensor) -> tf.Tensor:
    """The characters of entities (E,); one without a meaning stays as it is."""
    hashes, names, characters = _names()
    wanted = tf.strings.to_hash_bucket_fast(entities, 2**62)
    place = tf.minimum(tf.searchsorted(hashes, wanted), len(names) - 1)
    is_named = tf.gather(names, place) == entities
    decoded = tf.where(is_named, tf.gather(characters, place), entities)
    is_number = tf.strings.regex_full_match(entities, "&#.*")
    numbers = _code_points(tf.boolean_mask(entities, is_number))
    return tf.tensor_scatter_nd_update(decoded, tf.where(is_number), numbers)


def _code_points(entities: tf.Tensor) -> tf.Tensor:
    """The characters of numeric entities (E,)."""
    digits = tf.strings.unicode_decode(
        tf.strings.lower(tf.strings.regex_replace(entities, "[&#;]", "")), "UTF-8"
    )
    is_hex = tf.strings.regex_full_match(entities, "&#[xX].*")
    base = tf.where(is_hex, tf.constant(16, tf.int64), tf.constant(10, tf.int64))
    codes = digits.to_tensor(-1)
    values = tf.where(codes >= ord("a"), codes - ord("a") + 10, codes - ord("0"))
    values = tf.where((codes < 0) | (codes == ord("x")), -1, values)
    # From the last digit on, whose weight is 1.
    is_digit = values >= 0
    rank = tf.cumsum(tf.cast(is_digit, tf.int64), axis=1, exclusive=True, reverse=True)
    number = tf.reduce_sum(
        tf.where(is_digit, tf.cast(values, tf.int64) * base[:, None] ** rank, 0), axis=1
    )
    is_valid = (number > 0) & (number <= _HIGHEST) & ~((number >= 0xD800) & (number < 0xE000))
    number = tf.cast(tf.where(is_valid, number, _REPLACEMENT), tf.int32)
    is_windows = (number >= 128) & (number < 160)
    number = tf.where(
        is_windows, tf.gather(_numbers(), tf.where(is_windows, number - 128, 0)), number
    )
    return tf.strings.unicode_encode(number[:, None], "UTF-8")
