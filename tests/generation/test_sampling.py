"""What is drawn, against the distribution that it claims to be drawn from."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zoo.generation import Sampling, check_sampling
from zoo.generation.constraints import find_repeating
from zoo.generation.noise import fold, step_keys
from zoo.generation.sampling import draw, penalize_seen, seed_keys

DRAWS = 20_000


def drawn(logits, seed=0, number=0, **options):
    """A token per row of logits; row i has the key (seed, i)."""
    sampling = Sampling(seed=seed, **options).by_prompt(len(logits))
    return draw(logits, step_keys(sampling.seed, number), sampling).numpy()


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def claimed(logits, temperature, top_k, top_p):
    """The distribution by its definition: temperature, then the k likeliest, then the nucleus."""
    shares = softmax(logits.astype("float64") / temperature)
    order = np.argsort(-shares, kind="stable")
    if top_k:
        shares[order[top_k:]] = 0
        shares /= shares.sum()
    reached = 0.0
    for place, token in enumerate(order):
        if reached >= top_p:
            shares[order[place:]] = 0
            break
        reached += shares[token]
    return shares / shares.sum()


# Of 200 tokens, top_k=100 looks past the candidates, and so does top_p=0.97 with flat logits.
@pytest.mark.parametrize("vocabulary_size", [10, 200])
@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        (1.0, 0, 1.0),
        (0.5, 0, 1.0),
        (1.0, 4, 1.0),
        (1.0, 0, 0.7),
        (1.5, 6, 0.8),
        (3.0, 100, 0.99),
        (9.0, 0, 0.97),
    ],
)
def test_draws_have_the_distribution_they_claim(vocabulary_size, temperature, top_k, top_p):
    """Chi-square (Pearson 1900): a value above the bound has a chance below one in a million."""
    random = np.random.default_rng(vocabulary_size)
    logits = random.normal(size=vocabulary_size).astype("float32") * 2
    expected = claimed(logits, temperature, top_k, top_p) * DRAWS
    tokens = drawn(np.tile(logits, (DRAWS, 1)), temperature=temperature, top_k=top_k, top_p=top_p)
    counts = np.bincount(tokens, minlength=vocabulary_size)
    assert counts[expected == 0].sum() == 0
    left = expected > 0
    degrees = left.sum() - 1
    statistic = ((counts[left] - expected[left]) ** 2 / expected[left]).sum()
    assert statistic < degrees + 5 * np.sqrt(2 * degrees) + 25


def mixed(key, numbers):
    """SplitMix64 in NumPy."""
    # Arrays, since NumPy warns of an overflow of a scalar.
    z = key + (np.atleast_1d(numbers).astype("uint64") + 1) * 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return z ^ (z >> 31)


def exactly_drawn(logits, seed, number, temperature, top_k, top_p):
    """What `drawn` draws, in float64."""
    tokens = []
    for row, of_row in enumerate(logits.astype("float64")):
        key = np.zeros(1, "uint64")
        for part in (seed, row, number):
            key = mixed(key, part)
        uniform = ((mixed(key, np.arange(len(of_row))) >> 33) + 0.5) / 2**31
        noise = -np.log(-np.log1p(-np.minimum(uniform, 1 - 2.0**-24)))
        excluded = claimed(of_row, temperature, top_k, top_p) == 0
        tokens.append(np.where(excluded, -np.inf, of_row / temperature + noise).argmax())
    return np.array(tokens)


def test_the_numbers_are_those_of_splitmix64():
    """The first output for the seed 1234567 of the reference implementation."""
    assert int(fold(np.uint64([1234567]), [0])[0]) == 6457827717110365317


@pytest.mark.parametrize("vocabulary_size", [20_000, 50_000])
def test_draws_from_a_large_vocabulary_are_exact(vocabulary_size):
    logits = np.random.default_rng(0).normal(0, 3, (25, vocabulary_size)).astype("float32")
    for number, options in enumerate([(1.0, 0, 1.0), (0.7, 0, 1.0), (1.0, 40, 1.0), (1.2, 0, 0.6)]):
        temperature, top_k, top_p = options
        tokens = drawn(logits, 9, number, temperature=temperature, top_k=top_k, top_p=top_p)
        np.testing.assert_array_equal(tokens, exactly_drawn(logits, 9, number, *options))


@pytest.mark.parametrize("vocabulary_size", [20_000, 50_000])
def test_xla_draws_the_same(vocabulary_size):
    logits = np.random.default_rng(0).normal(0, 3, (200, vocabulary_size)).astype("float32")
    arguments = (logits, step_keys(seed_keys(4, 200), 7), Sampling().by_prompt(200))
    # As arguments, or XLA computes everything while it compiles.
    tensors = tf.nest.map_structure(tf.constant, arguments)
    compiled = tf.function(draw, jit_compile=True)(*tensors)
    np.testing.assert_array_equal(compiled, draw(*arguments))


def test_each_row_is_drawn_by_its_own_options():
    logits = np.random.default_rng(1).normal(0, 1, (6, 200)).astype("float32")
    options = Sampling(
        temperature=[0.0, 1.0, 0.5, 2.0, 1.0, 3e38],
        top_k=[0, 0, 5, 150, 0, 3],
        top_p=[1.0, 1.0, 1.0, 0.9, 0.3, 1.0],
        seed=[1, 2, 3, 4, 5, 6],
    )
    by_prompt = options.by_prompt(6)
    together = draw(logits, step_keys(by_prompt.seed, 3), by_prompt).numpy()
    for row in range(6):
        alone = Sampling(*(np.asarray(option)[row : row + 1] for option in options[:3]), 1.0)
        alone = alone._replace(seed=options.seed[row]).by_prompt(1)
        token = draw(logits[row : row + 1], step_keys(alone.seed, 3), alone).numpy()
        assert together[row] == token[0]
    assert together[0] == logits[0].argmax()
    assert together[5] in np.argsort(-logits[5])[:3]


def test_keys_are_pairs_of_a_seed_and_an_index():
    assert seed_keys(7, 3).tolist() == [[7, 0], [7, 1], [7, 2]]
    assert seed_keys([7, 9], 2).tolist() == [[7, 0], [9, 0]]
    for seed, expected in ((7, seed_keys(7, 2)), ([7, 9], seed_keys([7, 9], 2))):
        assert Sampling(seed=seed).by_prompt(2).seed.numpy().tolist() == expected.tolist()
        given = Sampling(seed=expected).by_prompt(2)
        assert given.seed.numpy().tolist() == expected.tolist()
    assert len({int(key) for key in step_keys(seed_keys(7, 5000), 0)}) == 5000
    with pytest.raises(ValueError, match=r"one entry per prompt \(2\); it has 3"):
        seed_keys([1, 2, 3], 2)


@pytest.mark.parametrize("seed", [-1, 2**31, 1.5, "1", None, [1, -1], [[1]]])
def test_a_seed_is_an_integer_or_several(seed):
    with pytest.raises(ValueError, match="seed must be from 0 to 2147483647; it is "):
        check_sampling(seed=seed)
    assert check_sampling(seed=np.arange(2))["seed"] == [0, 1]
    assert check_sampling(seed=np.int64(2))["seed"] == 2


def possible(logits, **options):
    """All tokens that are drawn in 4,000 draws."""
    return set(drawn(np.tile(logits, (4000, 1)), **options).tolist())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=7, unique=True),
    st.sampled_from([0.05, 0.3, 0.51, 0.8, 0.97]),
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(weights, top_p):
    shares = np.array(weights) / sum(weights)
    order = np.argsort(-shares)
    # Where a set reaches p exactly, rounding decides.
    assume(np.abs(np.cumsum(shares[order]) - top_p).min() > 1e-5)
    sizes = [n for n in range(1, len(shares) + 1) if shares[order[:n]].sum() >= top_p]
    kept = possible(np.log(shares).astype("float32"), top_p=top_p)
    assert kept == set(order[: min(sizes)].tolist())


def test_temperature_0_takes_the_likeliest():
    logits = np.random.default_rng(0).normal(size=(50, 9)).astype("float32")
    np.testing.assert_array_equal(drawn(logits, temperature=0.0), logits.argmax(axis=1))


def test_top_k_of_1_is_greedy_and_one_of_all_changes_nothing():
    logits = np.random.default_rng(0).normal(size=9).astype("float32")
    assert possible(logits, top_k=1) == {int(logits.argmax())}
    assert possible(logits, top_k=9) == possible(logits) == set(range(9))
    assert possible(logits, top_k=10**6) == set(range(9))


def test_the_repetition_penalty_is_that_of_the_paper():
    logits = np.array([[2.0, -2.0, 3.0, -3.0]], "float32")
    seen = np.array([[True, True, False, False]])
    np.testing.assert_allclose(penalize_seen(logits, seen, 1.25), [[1.6, -2.5, 3.0, -3.0]])
    np.testing.assert_array_equal(penalize_seen(logits, seen, 1.0), logits)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 3))
def test_what_would_repeat_an_ngram(tokens, size, padding):
    text = np.array([tokens + [0] * padding], "int32")
    found = find_repeating(text, np.array([len(tokens)], "int32"), size, 5).numpy()[0]
    grams = [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]
    beginning = tuple(tokens[len(tokens) - size + 1 :]) if size > 1 else ()
    possible_beginning = len(tokens) >= size - 1
    expected = [possible_beginning and (*beginning, token) in grams for token in range(5)]
    assert found.tolist() == expected
