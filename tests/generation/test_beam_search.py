"""Beam search, against a search in plain Python and against all texts that there are."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from zoo.generation import BeamSearch, Decoder, Sampling

END, NEVER, VOCABULARY = 3, (0, 1, 2), 8
TOKENS = [END, 4, 5, 6, 7]


class Chain:
    """A language model whose next token depends on the last one only: a table (V, V)."""

    context_length = None
    is_encoder_decoder = False

    def __init__(self):
        self.table = tf.Variable(tf.zeros([VOCABULARY, VOCABULARY]))

    def prefill(self, ids, capacity):
        del capacity
        length = tf.reduce_sum(tf.cast(ids > 0, tf.int32), axis=1)
        last = tf.gather(ids, length - 1, batch_dims=1)
        return tf.gather(self.table, last), {"position": length, "last": last}

    def advance(self, ids, state):
        last = tf.where(ids[:, 0] > 0, ids[:, 0], state["last"])
        position = state["position"] + tf.cast(ids[:, 0] > 0, tf.int32)
        return tf.gather(self.table, last)[:, None], {"position": position, "last": last}

    def head(self, features):
        return features

    def grow_cache(self, state, length):
        del length
        return state


def searcher(num_beams, length_penalty=0.0, num_results=1):
    """(the table of a model, a function of prompts (B, P) and new tokens that searches)."""
    model = Chain()
    beams = BeamSearch(num_beams, num_results)
    decoder = Decoder(model, beams, end_id=END, suppressed_ids=NEVER, jit_compile=False)
    specs = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec(None, tf.int32)]
    sampling = Sampling(length_penalty=length_penalty)
    search = tf.function(
        lambda ids, new: decoder(ids, new, sampling), input_signature=specs, autograph=False
    )
    return model.table, search


def texts_of(written):
    """The new tokens of each prompt, as tuples."""
    return [tuple(t for t in row if t) for row in written["token_ids"].numpy().tolist()]


def log_p(table):
    table = np.asarray(table, "float64")
    return table - np.log(np.exp(table).sum(axis=1, keepdims=True))


def nats_of(text, table, last):
    return sum(log_p(table)[a, b] for a, b in itertools.pairwise([last, *text]))


def beam_search(table, last, new, num_beams, length_penalty):
    """Texts by the definition, best first: ended ones are kept, and compared with whole ones."""
    steps, beams, ended = log_p(table), [((), 0.0)], []
    for _ in range(new):
        longer = [
            ((*text, token), nats + steps[(text or (last,))[-1], token])
            for text, nats in beams
            for token in TOKENS
        ]
        longer.sort(key=lambda each: -each[1])
        ended += [each for each in longer[:num_beams] if each[0][-1] == END]
        beams = [each for each in longer if each[0][-1] != END][:num_beams]
    return sorted(ended + beams, key=lambda each: -each[1] / len(each[0]) ** length_penalty)


def as_table(chances):
    """The table of a chain, by chances of the tokens that follow each token."""
    table = np.full((VOCABULARY, VOCABULARY), -40.0)
    for token, following in chances.items():
        for other, chance in following.items():
            table[token, other] = np.log(chance)
    return table


def test_the_best_finished_text_is_not_dropped():
    """Two longer texts are more likely for a while, and then split into unlikely ones."""
    rest = dict.fromkeys((4, 5, 6, 7), 0.25)
    table, search = searcher(2)
    table.assign(as_table({4: {5: 0.71, END: 0.29}, 5: {6: 0.5, 7: 0.5}, 6: rest, 7: rest}))
    written = search(tf.constant([[4], [5]]), tf.constant(4))
    assert texts_of(written)[0] == (END,)
    np.testing.assert_allclose(written["log_probability"][0], np.log(0.29), atol=1e-5)


def test_a_finished_text_waits_for_longer_ones_that_the_length_penalty_favors():
    chances = {4: {5: 0.4, END: 0.6}, 5: {6: 1.0}, 6: {7: 1.0}, 7: {END: 1.0}}
    for length_penalty, expected in ((0.0, (END,)), (1.0, (5, 6, 7, END))):
        table, search = searcher(2, length_penalty)
        table.assign(as_table(chances))
        assert texts_of(search(tf.constant([[4]]), tf.constant(9))) == [expected]


@pytest.mark.parametrize(
    ("num_beams", "length_penalty"), [(1, 0.0), (2, 0.0), (3, 1.0), (2, -0.5), (700, 0.7)]
)
def test_beams_are_those_of_the_definition(num_beams, length_penalty):
    table, search = searcher(num_beams, length_penalty)
    random = np.random.default_rng(num_beams)
    for _ in range(20 if num_beams < 100 else 3):
        table.assign(random.normal(0, 1.5, table.shape))
        limits = [5, 3, 1] if num_beams < 100 else [4, 4, 2]
        written = search(tf.constant([[4], [6], [7]]), tf.constant(limits))
        for row, (last, new) in enumerate(zip((4, 6, 7), limits, strict=True)):
            best, nats = beam_search(table.numpy(), last, new, num_beams, length_penalty)[0]
            assert texts_of(written)[row] == best
            np.testing.assert_allclose(written["log_probability"][row], nats, rtol=1e-4)
            if num_beams > 100:
                every = [t for t in itertools.product(TOKENS[1:], repeat=new)]
                every += [
                    (*t, END) for n in range(new) for t in itertools.product(TOKENS[1:], repeat=n)
                ]
                values = [nats_of(t, table.numpy(), last) / len(t) ** length_penalty for t in every]
                assert best == every[int(np.argmax(values))]


@pytest.mark.parametrize(("num_beams", "num_results", "length_penalty"), [(3, 2, 0.0), (4, 4, 1.0)])
def test_several_texts_are_the_best_of_the_definition(num_beams, num_results, length_penalty):
    table, search = searcher(num_beams, length_penalty, num_results)
    random = np.random.default_rng(num_results)
    for _ in range(10):
        table.assign(random.normal(0, 1.5, table.shape))
        written = search(tf.constant([[4], [6]]), tf.constant([5, 3]))
        expected = []
        for last, new in ((4, 5), (6, 3)):
            found = beam_search(table.numpy(), last, new, num_beams, length_penalty)
            expected += found[:num_results]
        assert texts_of(written) == [text for text, _ in expected]
        nats = [each for _, each in expected]
        np.testing.assert_allclose(written["log_probability"], nats, rtol=1e-4)
        # Token by token.
        for row, (text, _) in enumerate(expected):
            last = (4, 6)[row // num_results]
            steps = [nats_of([b], table.numpy(), a) for a, b in itertools.pairwise([last, *text])]
            steps += [0.0] * (5 - len(text))
            np.testing.assert_allclose(written["token_log_probability"][row], steps, atol=1e-4)


def test_texts_that_do_not_exist_have_no_probability():
    """One token, of which there are five."""
    table, search = searcher(7, num_results=7)
    table.assign(np.random.default_rng(0).normal(size=table.shape))
    written = search(tf.constant([[4]]), tf.constant(1))
    assert sorted(texts_of(written)[:5]) == [(token,) for token in TOKENS]
    assert np.isfinite(written["log_probability"][:5]).all()
    assert np.isneginf(written["log_probability"][5:]).all()


def test_a_number_of_results_is_one_of_the_beams():
    with pytest.raises(ValueError, match="num_results must be from 1 to 3; it is 4"):
        BeamSearch(3, 4)
