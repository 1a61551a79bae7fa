"""What may not come next, against a recomputation in NumPy on tiny vocabularies."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generation.test_beam_search import END, NEVER, TOKENS, VOCABULARY, Chain, log_p
from zoo.generation import BannedSequences, BeamSearch, Decoder, NoRepeatedNgrams, Sampling
from zoo.generation.constraints import find_completing, narrow, pad_left

NONE = tf.zeros([0, 1], tf.int32)


def writer(*constraints, strategy=None, jit_compile=False):
    """(the table of a chain, a function of prompts (B, P), new tokens, `Sampling` and bans)."""
    model = Chain()
    model.table.assign(np.random.default_rng(2).normal(size=model.table.shape))
    decoder = Decoder(
        model,
        strategy,
        end_id=END,
        suppressed_ids=NEVER,
        constraints=constraints,
        jit_compile=jit_compile,
    )
    decode = tf.function(decoder.__call__, reduce_retracing=True, autograph=False)

    def write(prompts, new, sampling, banned=()):
        options = sampling.by_prompt(len(prompts))
        return decode(
            tf.constant(prompts), tf.constant(new), options, tf.constant(pad_left(banned))
        )

    return model.table, write


def without_end(table):
    return tf.where(tf.range(VOCABULARY) == END, -50.0, table)


def contains(text, sequence) -> bool:
    text, sequence = list(text), list(sequence)
    return any(text[i : i + len(sequence)] == sequence for i in range(len(text)))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 3), max_size=6),
    st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), max_size=4),
    st.integers(1, 2),
)
def test_what_would_complete_a_banned_sequence(tokens, sequences, padding):
    text = np.array([tokens + [0] * padding], "int32")
    ids = tf.constant(pad_left(sequences))
    found = find_completing(text, np.array([len(tokens)], "int32"), ids, 5).numpy()[0]
    expected = [
        any([*tokens, token][-len(s) :] == s for s in sequences if len(s) <= len(tokens) + 1)
        for token in range(5)
    ]
    assert found.tolist() == expected


def test_where_nothing_else_may_come_the_text_ends():
    allowed = tf.constant([[False, False, False, False, True, True]])
    text, length = tf.constant([[4, 4], [5, 0]]), tf.constant([2, 1])
    banned = tf.constant(pad_left([[4, 4], [4, 5]]))
    left = narrow([BannedSequences()], allowed, text, length, banned, END).numpy()
    assert left.tolist() == [[i == END for i in range(6)], [i in (4, 5) for i in range(6)]]
    # A ban of n-grams yields, where every token would repeat one.
    text, length = tf.constant([[4, 5]]), tf.constant([2])
    left = narrow([NoRepeatedNgrams(1)], allowed, text, length, banned, END)
    assert left.numpy().tolist() == allowed.numpy().tolist()


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_banned_sequence_is_generated_and_without_bans_nothing_changes(jit_compile):
    table, write = writer(BannedSequences(), jit_compile=jit_compile)
    table.assign(without_end(table))
    prompts, sampling = [[4, 5], [6, 7]], Sampling(temperature=2.0, seed=1)
    free = write(prompts, 100, sampling)["token_ids"].numpy()
    banned = [[6], free[1, 3:5].tolist(), [4, *free[0, :2].tolist()]]
    assert all(any(contains(row, s) for row in free) for s in banned[:2])
    tokens = write(prompts, 100, sampling, banned)["token_ids"].numpy()
    assert (tokens > 0).all()
    for prompt, row in zip(prompts, tokens, strict=True):
        assert not any(contains([*prompt[1:], *row], sequence) for sequence in banned)
    table, plain = writer(jit_compile=jit_compile)
    table.assign(without_end(table))
    np.testing.assert_array_equal(plain(prompts, 100, sampling)["token_ids"], free)


def test_greedy_with_a_ban_is_the_argmax_of_what_is_left():
    table, write = writer(BannedSequences())
    banned = [[5], [6, 4], [7, 7, 7], [4, 7, 6]]
    written = write([[4], [7]], 20, Sampling(temperature=0.0), banned)
    for row, prompt in enumerate((4, 7)):
        text, nats = [prompt], []
        while len(nats) < 20 and text[-1] != END:
            before = [0, 0, 0, *text]
            ends = [s[-1] for s in banned if [*before, s[-1]][-len(s) :] == s]
            left = [token for token in TOKENS if token not in ends]
            text.append(max(left, key=lambda token: table[text[-1], token].numpy()))
            nats.append(log_p(table)[text[-2], text[-1]])
        padding = [0] * (20 - len(nats))
        assert written["token_ids"][row].numpy().tolist() == [*text[1:], *padding]
        np.testing.assert_allclose(
            written["token_log_probability"][row], [*nats, *padding], atol=1e-4
        )
        np.testing.assert_allclose(written["log_probability"][row], sum(nats), atol=1e-4)


def test_beams_keep_to_constraints():
    table, write = writer(BannedSequences(), NoRepeatedNgrams(2), strategy=BeamSearch(3))
    table.assign(without_end(table))
    free = write([[4]], 8, Sampling())["token_ids"].numpy()[0]
    banned = [free[2:4].tolist(), free[5:7].tolist()]
    kept = write([[4]], 8, Sampling(), banned)["token_ids"].numpy()[0]
    for row in (free, kept):
        pairs = list(itertools.pairwise([4, *row.tolist()]))
        assert len(set(pairs)) == len(pairs) == 8
    assert not any(contains(kept, sequence) for sequence in banned)


@pytest.mark.parametrize("strategy", [None, BeamSearch(2)])
def test_a_text_has_its_least_number_of_tokens(strategy):
    """Whatever the model says: here that every text ends at once."""
    table, write = writer(strategy=strategy)
    table.assign(tf.where(tf.range(VOCABULARY) == END, 20.0, table))
    least = [0, 3, 70, 100]
    sampling = Sampling(temperature=0.0, min_new_tokens=least)
    written = write([[4], [5], [6], [7]], 80, sampling)["token_ids"].numpy()
    assert (written > 0).sum(axis=1).tolist() == [1, 4, 71, 80]
    assert [END in row for row in written] == [True, True, True, False]


def test_a_least_number_of_tokens_changes_no_other_draw():
    """Where the end was not drawn, texts are as without; streamed, too."""
    model = Chain()
    model.table.assign(np.random.default_rng(2).normal(size=model.table.shape))
    decoder = Decoder(model, end_id=END, suppressed_ids=NEVER, jit_compile=False)
    sampling, prompts = Sampling(seed=3), tf.constant([[4]] * 12)
    free = decoder(prompts, 30, sampling)["token_ids"].numpy()
    sampling = sampling._replace(min_new_tokens=20)
    held = decoder(prompts, 30, sampling)["token_ids"].numpy()
    assert END in free[:, :20] and END not in held[:, :20] and END in held
    for before, after in zip(free, held, strict=True):
        length = before.tolist().index(END) if END in before else 30
        np.testing.assert_array_equal(before[:length], after[:length])
    writing = decoder.start(prompts, 30, sampling)
    while decoder.is_running(writing):
        writing = decoder.extend(writing, 7)
    np.testing.assert_array_equal(decoder.result(writing, 12)["token_ids"], held)
