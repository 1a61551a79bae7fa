"""min-p, against its definition."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.generation import Sampling
from zoo.generation.noise import step_keys
from zoo.generation.sampling import draw

DRAWS = 5_000


def kept(logits, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """The distribution by its definition: temperature, the k most likely, the nucleus, min-p."""
    shares = np.exp((logits - logits.max()).astype("float64") / temperature)
    shares /= shares.sum()
    order = np.argsort(-shares, kind="stable")
    left = shares.copy()
    if top_k:
        left[order[top_k:]] = 0
    left /= left.sum()
    before = np.concatenate([[0], np.cumsum(left[order])[:-1]])
    left[order[before >= top_p]] = 0
    left[shares < min_p * shares.max()] = 0
    return left / left.sum()


# Of 200 tokens with flat logits more than the first candidates are kept.
@pytest.mark.parametrize("vocabulary_size", [10, 200])
@pytest.mark.parametrize(
    "options",
    [
        {"min_p": 0.05},
        {"min_p": 0.3},
        {"min_p": 0.3, "temperature": 3.0},
        {"min_p": 0.02, "temperature": 20.0},
        {"min_p": 0.1, "top_k": 4},
        {"min_p": 0.1, "top_p": 0.5},
        {"min_p": 0.02, "top_k": 6, "top_p": 0.9, "temperature": 2.0},
    ],
)
def test_min_p_keeps_tokens_by_their_share_of_the_most_likely_one(vocabulary_size, options):
    random = np.random.default_rng(vocabulary_size)
    logits = random.normal(size=vocabulary_size).astype("float32") * 2
    expected = kept(logits, **options) * DRAWS
    sampling = Sampling(**options).by_prompt(DRAWS)
    tokens = draw(np.tile(logits, (DRAWS, 1)), step_keys(sampling.seed, 0), sampling).numpy()
    counts = np.bincount(tokens, minlength=vocabulary_size)
    assert counts[expected == 0].sum() == 0
    left = expected > 0
    degrees = left.sum() - 1
    statistic = ((counts[left] - expected[left]) ** 2 / expected[left]).sum()
    assert statistic < degrees + 5 * np.sqrt(2 * degrees) + 25


def test_a_min_p_of_1_is_greedy_and_of_0_changes_nothing():
    logits = np.random.default_rng(0).normal(size=(500, 90)).astype("float32")

    def drawn(**options):
        sampling = Sampling(temperature=2.0, seed=5, **options).by_prompt(500)
        return draw(logits, step_keys(sampling.seed, 0), sampling).numpy()

    np.testing.assert_array_equal(drawn(min_p=1.0), logits.argmax(axis=1))
    np.testing.assert_array_equal(drawn(min_p=0.0), drawn())
    # A row with it does not change the others.
    mixed = drawn(min_p=np.where(np.arange(500) % 2, 1.0, 0.0).astype("float32"))
    np.testing.assert_array_equal(mixed[1::2], logits.argmax(axis=1)[1::2])
    np.testing.assert_array_equal(mixed[::2], drawn()[::2])
    assert tf.convert_to_tensor(mixed).dtype == tf.int32
