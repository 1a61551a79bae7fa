"""The loop, against what whole passes of the model say."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.generation import BeamSearch, Decoder, NoRepeatedNgrams, Sampling

END, NEVER = 3, (0, 1, 2)
VOCABULARY = 30
IDS = np.arange(VOCABULARY)
GREEDY = Sampling(temperature=0.0)


def made(name="gpt", vocabulary_size=VOCABULARY, sequence_length=32, **options):
    keras.utils.set_random_seed(0)
    sizes = {"gru": {"units": 12}, "gpt": {"embedding_dim": 16, "num_layers": 1}}.get(name, {})
    model = zoo.create_model(
        name,
        vocabulary_size=vocabulary_size,
        sequence_length=sequence_length,
        head="language_model",
        **{**sizes, **options},
    )
    for weight in model.trainable_variables:
        # Far from the start, so that texts differ and some of them end.
        weight.assign(weight + 0.4 * np.random.default_rng(1).normal(size=weight.shape))
    return model


def prompts(*lengths):
    random = np.random.default_rng(5)
    ids = np.zeros((len(lengths), max(lengths, default=1)), "int32")
    for row, length in enumerate(lengths):
        ids[row, :length] = [2, *random.integers(4, VOCABULARY, length - 1)]
    return tf.constant(ids)


def decoder(model, strategy=None, jit_compile=False, **options):
    return Decoder(
        model, strategy, end_id=END, suppressed_ids=NEVER, jit_compile=jit_compile, **options
    )


@functools.lru_cache(maxsize=4)
def graph(decoding):
    """All arguments are tensors, so that a decoder is traced once, as in a SavedModel."""
    return tf.function(
        lambda ids, new, sampling: decoding(ids, new, Sampling(*sampling)),
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec(None, tf.int32),
            tuple(tf.TensorSpec(None, x.dtype) for x in GREEDY.tensors()),
        ],
    )


def decode(decoding, ids, new, sampling=GREEDY):
    written = graph(decoding)(ids, tf.constant(new, tf.int32), tuple(sampling.tensors()))
    return written["token_ids"].numpy(), written["log_probability"].numpy()


def log_softmax(logits):
    logits = np.asarray(logits, "float64")
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def next_logits(model, prompt, written):
    """Logits of the next token, by a pass over all that there is."""
    if model.is_encoder_decoder:
        features = model.features(np.array([[2, *written]]), np.array([prompt]))
    else:
        features = model.features(np.array([[*prompt, *written]]))
    return np.asarray(model.head(features))[0, -1]


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru", "gpt", "transformer"])
def test_greedy_is_the_argmax_of_whole_passes_and_its_probability_theirs(name):
    model, new = made(name), 9
    ids = prompts(5, 2)
    tokens, nats = decode(decoder(model), ids, new)
    for row in range(2):
        prompt = [i for i in ids.numpy()[row].tolist() if i]
        written, total = [], 0.0
        while len(written) < new and END not in written:
            logits = next_logits(model, prompt, written)
            allowed = np.where(np.isin(IDS, NEVER), -np.inf, logits)
            written.append(int(allowed.argmax()))
            total += log_softmax(logits)[written[-1]]
        assert tokens[row].tolist() == written + [0] * (new - len(written))
        assert nats[row] == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("name", ["gru", "gpt", "transformer"])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(1.0, 5, 0.9, 1.3, seed=11)])
def test_a_text_does_not_depend_on_its_company(name, sampling):
    """A seed per prompt draws each as it is drawn alone; of one seed, prompt i has (seed, i)."""
    decoding = decoder(made(name))
    ids, lengths = prompts(6, 1, 3), (6, 1, 3)
    together, _ = decode(decoding, ids, 12, sampling)
    by_seed, _ = decode(decoding, ids, 12, sampling._replace(seed=[sampling.seed] * 3))
    for row, length in enumerate(lengths):
        prompt = ids[row : row + 1, :length]
        keyed = sampling._replace(seed=[[sampling.seed, row]])
        np.testing.assert_array_equal(together[row], decode(decoding, prompt, 12, keyed)[0][0])
        np.testing.assert_array_equal(by_seed[row], decode(decoding, prompt, 12, sampling)[0][0])


def test_each_prompt_has_its_own_options():
    decoding, ids = decoder(endless("gpt", sequence_length=8)), prompts(7, 2, 3)
    limits = np.array([3, 20, 0])
    options = Sampling([0.0, 1.0, 0.7], [0, 4, 0], [1.0, 1.0, 0.8], [1.0, 1.5, 1.0], [3, 4, 5])
    together, nats = decode(decoding, ids, limits, options)
    assert together.shape == (3, 20)
    for row, (length, limit) in enumerate(zip((7, 2, 3), limits, strict=True)):
        alone, nats_alone = decode(
            decoding, ids[row : row + 1, :length], limit, Sampling(*(o[row] for o in options[:5]))
        )
        assert together[row].tolist() == [*alone[0], *[0] * (20 - limit)]
        assert nats[row] == pytest.approx(nats_alone[0], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gru", "gpt"])
def test_compiled_by_xla_it_writes_the_same(name):
    model, sampling = made(name), Sampling(0.9, 8, 0.95, 1.1, seed=3)
    plain = decode(decoder(model), prompts(4, 2, 3), 20, sampling)
    compiled = decode(decoder(model, jit_compile=True), prompts(4, 2, 3), 20, sampling)
    np.testing.assert_array_equal(plain[0], compiled[0])
    np.testing.assert_allclose(plain[1], compiled[1], atol=1e-3)


def test_seeds_matter_and_nothing_else_is_random():
    decoding = decoder(made("gru"))
    ids = prompts(3, 3)
    first, again, other = (decode(decoding, ids, 20, Sampling(seed=seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1]), "rows are drawn apart"


def test_it_stops_at_the_end_token_and_pads_behind_it():
    model = made("gru")
    tokens, _ = decode(decoder(model), prompts(*[3] * 20), 60, Sampling(seed=1))
    ended = [row.tolist().index(END) for row in tokens if END in row]
    assert ended, "some text ends"
    for row in tokens:
        text = row.tolist()
        if END in text:
            assert set(text[text.index(END) + 1 :]) <= {0}
        assert not set(text[: text.index(END) if END in text else None]) & set(NEVER)


def test_nothing_to_write_and_nobody_to_write_for():
    decoding = decoder(made())
    tokens, nats = decode(decoding, prompts(4, 2), 0)
    assert tokens.shape == (2, 0) and nats.tolist() == [0.0, 0.0]
    tokens, nats = decode(decoding, tf.zeros([0, 1], tf.int32), 5)
    assert tokens.shape == (0, 5) and nats.shape == (0,)


def endless(name, **options):
    """A model none of whose texts ends."""
    model = made(name, **options)
    (bias,) = (w for w in model.trainable_variables if "logits/bias" in w.path)
    bias.assign(np.where(IDS == END, -1e4, 0.0))
    return model


@pytest.mark.parametrize("name", ["gpt", "transformer"])
def test_beyond_its_context_a_text_goes_on_from_the_last_half_of_it(name):
    model, context, new = endless(name, sequence_length=8), 8, 20
    decoding = decoder(model)
    for length in (20, 2):
        # Hot, so that the text is no token again and again.
        tokens, nats = decode(decoding, prompts(length), new, Sampling(3.0, seed=length))
        assert (tokens > 0).all() and len(set(tokens[0].tolist())) > 5
        # What the model has before it when it begins, and what it writes from there.
        before, since = prompts(length).numpy()[0].tolist()[-context // 2 :], []
        text, total = [*before], 0.0
        for token in tokens[0].tolist():
            # An encoder-decoder's start token has a place of its own.
            if (1 if model.is_encoder_decoder else len(before)) + len(since) == context:
                before, since = text[-context // 2 :], []
            logits = next_logits(model, before, since)
            total += log_softmax(logits)[token]
            since.append(token)
            text.append(token)
        assert nats[0] == pytest.approx(total, abs=1e-2)


@pytest.mark.parametrize("name", ["gpt", "transformer"])
@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_beyond_the_context_a_text_does_not_depend_on_its_company(name, jit_compile):
    lengths, new = (7, 1, 3, 5), 30
    decoding = decoder(endless(name, sequence_length=8), jit_compile=jit_compile)
    together, nats = decode(decoding, prompts(*lengths), new)
    for row, length in enumerate(lengths):
        alone, nats_alone = decode(decoding, prompts(*lengths)[row : row + 1, :length], new)
        np.testing.assert_array_equal(together[row], alone[0])
        assert nats[row] == pytest.approx(nats_alone[0], abs=1e-3)


@pytest.mark.parametrize("name", ["gpt", "transformer"])
def test_a_row_whose_context_is_full_may_stop(name):
    """The source is read whole, and other rows do not notice."""
    model, context = endless(name, sequence_length=8), 8
    decoding = decoder(model, when_full="stop")
    tokens, nats = decode(decoding, prompts(6, 2), 20)
    for row, length in enumerate((6, 2)):
        prompt = prompts(6, 2).numpy()[row, :length].tolist()
        # An encoder-decoder's start token has a position of the decoder.
        room = context - (1 if model.is_encoder_decoder else length)
        written, total = [], 0.0
        while len(written) < room:
            logits = next_logits(model, prompt, written)
            written.append(int(np.where(np.isin(IDS, NEVER), -np.inf, logits).argmax()))
            total += log_softmax(logits)[written[-1]]
        assert tokens[row].tolist() == written + [0] * (20 - room)
        assert nats[row] == pytest.approx(total, abs=1e-3)
    # More tokens than the context: an encoder reads them all, others the last that fit.
    long = prompts(12)
    kept = long.numpy()[0] if model.is_encoder_decoder else long.numpy()[0, -(context - 1) :]
    tokens, _ = decode(decoding, long, 20)
    logits = next_logits(model, kept.tolist(), [])
    assert tokens[0, 0] == np.where(np.isin(IDS, NEVER), -np.inf, logits).argmax()
    with pytest.raises(ValueError, match=r"when_full must be one of reread, stop; it is 'wait'"):
        decoder(model, when_full="wait")


@pytest.mark.parametrize(("name", "context"), [("gpt", 64), ("transformer", None)])
def test_a_state_that_grows_writes_what_a_large_one_writes(name, context, monkeypatch):
    model = endless(name, sequence_length=context)
    large = decode(decoder(model), prompts(3, 5), 45)
    monkeypatch.setattr("zoo.generation.decoder._CAPACITY", 8)
    grown = decode(decoder(model), prompts(3, 5), 45)
    np.testing.assert_array_equal(grown[0], large[0])
    np.testing.assert_allclose(grown[1], large[1], atol=1e-3)


@pytest.mark.parametrize("name", ["gru", "transformer"])
def test_a_model_without_a_context_length_writes_any_number_of_tokens(name, monkeypatch):
    """More than twice as many as are read of a prompt, where it did not come to an end."""
    model = endless(name, sequence_length=None)
    large = decode(decoder(model), prompts(3, 2), 45)
    monkeypatch.setattr("zoo.generation.decoder._CAPACITY", 8)
    monkeypatch.setattr("zoo.generation.decoder.MAX_PROMPT_TOKENS", 4)
    grown = decode(decoder(model), prompts(3, 2), 45)
    np.testing.assert_array_equal(grown[0], large[0])
    np.testing.assert_allclose(grown[1], large[1], atol=1e-3)


def test_a_row_that_has_ended_needs_no_room():
    decoding = decoder(endless("gpt"))
    writing = decoding.start(prompts(12, 2), 20, GREEDY)
    state = {**writing.state, "position": tf.constant([31, 2])}
    writing = writing._replace(state=state, finished=tf.constant([True, False]))
    assert decoding.extend(writing, 20).step.numpy() == 20


def test_token_by_token_gives_the_same_text():
    decoding, sampling = decoder(made()), Sampling(seed=4)
    whole, nats = decode(decoding, prompts(3, 5), 70, sampling)
    writing = decoding.start(prompts(3, 5), 70, sampling)
    extend = tf.function(lambda writing: decoding.extend(writing, 1), reduce_retracing=True)
    while decoding.is_running(writing):
        writing = extend(writing)
    written = decoding.result(writing, 2)
    np.testing.assert_array_equal(written["token_ids"], whole)
    np.testing.assert_allclose(written["log_probability"], nats, atol=1e-4)


def test_a_state_in_bfloat16_is_half_as_large_and_writes():
    model = made()
    decoding = decoder(model, state_dtype="bfloat16")
    writing = decoding.start(prompts(4), 5, GREEDY)
    assert writing.state["blocks"][0]["keys"].dtype == tf.bfloat16
    tokens, _ = decode(decoding, prompts(4), 5)
    exact, _ = decode(decoder(model), prompts(4), 5)
    assert tokens[0, 0] == exact[0, 0]


def test_no_ngram_comes_twice():
    model = made("gru")
    for size in (1, 3):
        tokens, _ = decode(decoder(model, constraints=[NoRepeatedNgrams(size)]), prompts(4), 20)
        text = [i for i in [*prompts(4).numpy()[0], *tokens[0]] if i]
        grams = [tuple(text[i : i + size]) for i in range(len(text) - size + 1)]
        assert len(grams) == len(set(grams))


def test_a_beam_of_one_is_greedy():
    model = made("gru")
    greedy = decode(decoder(model), prompts(4, 2), 12)
    beam = decode(decoder(model, BeamSearch(1)), prompts(4, 2), 12)
    np.testing.assert_array_equal(beam[0], greedy[0])
    np.testing.assert_allclose(beam[1], greedy[1], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "length_penalty"), [("gru", 0.0), ("gpt", 0.0), ("transformer", 0.0), ("gru", 1.5)]
)
def test_beam_search_finds_the_best_text_of_all(name, length_penalty):
    """Against enumeration: with as many beams as there are beginnings nothing can be missed."""
    model, prompt, new = made(name, vocabulary_size=7), [2, 5], 3
    texts = [t for t in itertools.product([4, 5, 6], repeat=new)]
    texts += [(*t, END) for n in range(new) for t in itertools.product([4, 5, 6], repeat=n)]
    logits = functools.cache(lambda before: log_softmax(next_logits(model, prompt, before)))
    nats = {t: sum(logits(t[:i])[token] for i, token in enumerate(t)) for t in texts}
    best = max(texts, key=lambda t: nats[t] / len(t) ** length_penalty)
    sampling = Sampling(length_penalty=length_penalty)
    decoding = decoder(model, BeamSearch(64))
    tokens, found = decode(decoding, tf.constant([prompt, prompt]), new, sampling)
    assert tokens.tolist() == [[*best, *[0] * (new - len(best))]] * 2
    np.testing.assert_allclose(found, nats[best], atol=1e-4)


def test_no_beams_are_refused():
    with pytest.raises(ValueError, match="num_beams must be 1 or more; it is 0"):
        BeamSearch(0)
