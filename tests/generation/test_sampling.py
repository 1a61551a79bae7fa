"""What is drawn, against the distribution that it claims to be drawn from."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zoo.generation import Sampling
from zoo.generation.sampling import draw, find_repeating, penalize_seen

DRAWS = 20_000


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
    tokens = draw(
        np.tile(logits, (DRAWS, 1)),
        random.random(DRAWS).astype("float32"),
        Sampling(temperature, top_k, top_p).tensors(),
    ).numpy()
    counts = np.bincount(tokens, minlength=vocabulary_size)
    assert counts[expected == 0].sum() == 0
    left = expected > 0
    degrees = left.sum() - 1
    statistic = ((counts[left] - expected[left]) ** 2 / expected[left]).sum()
    assert statistic < degrees + 5 * np.sqrt(2 * degrees) + 25


def possible(logits, **options):
    """All tokens that numbers from 0 to 1 can draw."""
    uniforms = np.linspace(0, 1, 4001, endpoint=False).astype("float32")
    tokens = draw(
        np.tile(logits, (len(uniforms), 1)), uniforms, Sampling(**options).tensors()
    ).numpy()
    return set(tokens.tolist())


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
    tokens = draw(logits, np.full(50, 0.99, "float32"), Sampling(temperature=0.0).tensors())
    np.testing.assert_array_equal(tokens, logits.argmax(axis=1))


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
