"""The options of generation from the pipeline, against texts without them."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.generation.stop_strings import cut_at
from zoo.utils.special_tokens import END_ID

PROMPTS = ["The story was", "", "A doctor"]
LONG = {"max_new_tokens": 24, "min_new_tokens": 20, "seed": 3}
TOKENS = {"token_log_probabilities": True}


@pytest.fixture(scope="module")
def write(plain_writer):
    return zoo.pipeline("text-generation", plain_writer)


@pytest.fixture(scope="module")
def free(write):
    """Answers without further options."""
    return write(PROMPTS, **LONG, **TOKENS)


def nats_of(answer):
    return [token["log_probability"] for token in answer["tokens"]]


def words_of(answer):
    return [token["token"] for token in answer["tokens"]]


def without_tokens(answers):
    return [{k: v for k, v in answer.items() if k != "tokens"} for answer in answers]


def test_tokens_add_up_to_the_continuation(write, free):
    for answer in free:
        assert sum(nats_of(answer)) == pytest.approx(answer["log_probability"], abs=1e-3)
        words = [word for word in words_of(answer) if word != "[END]"]
        assert "".join(words) == answer["continuation"].replace(" ", "")
    assert write(PROMPTS, **LONG) == without_tokens(free)


def test_tokens_of_a_text_have_the_probability_that_they_were_generated_with(write):
    answers = write([""] * 6, max_new_tokens=60, seed=1, token_log_probabilities=True)
    ended = [answer for answer in answers if words_of(answer)[-1] == "[END]"]
    assert ended
    scored = write.score_tokens([answer["text"] for answer in ended])
    for answer, tokens in zip(ended, scored, strict=True):
        assert [token["token"] for token in tokens] == words_of(answer)
        nats = [token["log_probability"] for token in tokens]
        np.testing.assert_allclose(nats, nats_of(answer), atol=1e-3)


def test_scored_tokens_add_up_to_the_score(write):
    texts = ["The story was dull.", "", "unheard-of words", "The music was dull. " * 200]
    nats, num_tokens = write.score(texts)
    scored = write.score_tokens(texts)
    assert [len(tokens) for tokens in scored] == num_tokens.tolist()
    sums = [sum(token["log_probability"] for token in tokens) for tokens in scored]
    np.testing.assert_allclose(sums, nats, rtol=1e-4)
    assert write.score_tokens(texts[0])[0] == scored[0] and write.score_tokens([]) == []


def test_a_min_p_of_1_is_greedy(write):
    greedy = write(PROMPTS, max_new_tokens=24, temperature=0.0)
    assert write(PROMPTS, max_new_tokens=24, min_p=1.0, temperature=1.5) == greedy
    assert (
        "".join(write.stream(PROMPTS[0], max_new_tokens=24, min_p=1.0))
        == (greedy[0]["text"][len(PROMPTS[0]) :])
    )


def test_a_text_has_at_least_min_new_tokens(write):
    options = {"max_new_tokens": 70, "seed": 2, "token_log_probabilities": True}
    short, long = (write([""] * 8, min_new_tokens=n, **options) for n in (0, 50))
    assert min(len(words_of(answer)) for answer in short) < 50
    assert all("[END]" not in words_of(answer)[:50] for answer in long)
    assert all(len(words_of(answer)) > 50 for answer in long)


def test_several_continuations_are_those_of_repeated_prompts(write):
    options = {"max_new_tokens": 8, "seed": 5}
    several = write(PROMPTS[:2], num_return_sequences=3, **options)
    repeated = write([PROMPTS[0]] * 3 + [PROMPTS[1]] * 3, **options)
    assert several == [repeated[:3], repeated[3:]]
    assert write(PROMPTS[0], num_return_sequences=3, **options) == repeated[:3]
    # With a seed per prompt each is as that prompt alone.
    options = {"max_new_tokens": 8, "num_return_sequences": 2}
    by_seed = write(PROMPTS[:2], seed=[5, 9], **options)
    assert by_seed == [write(p, seed=s, **options) for p, s in zip(PROMPTS, (5, 9), strict=False)]
    assert write([], num_return_sequences=2) == []


def test_beam_search_returns_its_best_texts(write):
    options = {"num_beams": 3, "max_new_tokens": 8}
    best, several = write(PROMPTS, **options), write(PROMPTS, num_return_sequences=3, **options)
    for one, three in zip(best, several, strict=True):
        assert three[0]["text"] == one["text"]
        assert len({answer["text"] for answer in three}) == 3
        nats = [answer["log_probability"] for answer in three]
        assert nats == sorted(nats, reverse=True)
    longer = write(PROMPTS, length_penalty=3.0, **options, token_log_probabilities=True)
    for one, other in zip(best, longer, strict=True):
        assert other["log_probability"] <= one["log_probability"] + 1e-4
        assert sum(nats_of(other)) == pytest.approx(other["log_probability"], abs=1e-3)


def test_a_text_ends_before_a_stop_string(write, free):
    # A part of two words of one text, and a part of a word of another.
    words = free[0]["continuation"].split(" ")
    stop = [f"{words[3]} {words[4][:1]}", words_of(free[2])[9][1:]]
    stopped = write(PROMPTS, stop=stop, **LONG, **TOKENS)
    for prompt, before, after in zip(PROMPTS, free, stopped, strict=True):
        cut = cut_at(before["continuation"], stop)
        assert after["continuation"] == (before["continuation"] if cut is None else cut)
        assert after["text"].startswith(prompt) and before["text"].startswith(after["text"])
        # The tokens of the stop string are counted.
        number = len(after["tokens"])
        assert words_of(after) == words_of(before)[:number]
        assert number < len(before["tokens"]) or cut is None
        assert sum(nats_of(after)) == pytest.approx(after["log_probability"], abs=1e-3)
    assert len(stopped[0]["tokens"]) < 10 and len(stopped[2]["tokens"]) < 15
    # A text that is streamed has the key (seed, 0).
    pieces = list(write.stream(PROMPTS[0], stop=stop, **LONG))
    assert PROMPTS[0] + "".join(pieces) == stopped[0]["text"] and all(pieces)
    assert write(PROMPTS[0], stop=stop[0], **LONG, **TOKENS) == stopped[0]
    assert write(PROMPTS, stop="not generated", **LONG) == without_tokens(free)


def test_banned_words_are_not_generated(write, free):
    words = words_of(free[0])
    banned = [words[0], " ".join(words[5:7])]
    answers = write(PROMPTS, banned_words=banned, **LONG, **TOKENS)
    for answer in answers:
        found = words_of(answer)
        assert words[0] not in found
        assert words[5:7] not in [list(pair) for pair in itertools.pairwise(found)]
    # Nothing else changes.
    assert write(PROMPTS, banned_words="unheard-of", **LONG) == without_tokens(free)
    pieces = write.stream(PROMPTS[0], banned_words=banned, **LONG)
    assert PROMPTS[0] + "".join(pieces) == answers[0]["text"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_p": 1.5}, "min_p must be from 0 (off) to 1; it is 1.5."),
        ({"min_p": float("nan")}, "min_p must be from 0 (off) to 1; it is nan."),
        ({"min_new_tokens": -1}, "min_new_tokens must be 0 (off) or more; it is -1."),
        (
            {"min_new_tokens": 9, "max_new_tokens": 8},
            "min_new_tokens must be at most max_new_tokens (8); it is 9.",
        ),
        ({"num_return_sequences": 0}, "num_return_sequences must be 1 or more; it is 0."),
        (
            {"num_return_sequences": 3, "num_beams": 2},
            "num_return_sequences must be at most num_beams (2); it is 3.",
        ),
        (
            {"num_return_sequences": 3, "temperature": 0},
            "num_return_sequences must be 1 with a temperature of 0, which always generates the "
            "same text; it is 3.",
        ),
        (
            {"length_penalty": float("inf"), "num_beams": 2},
            "length_penalty must be a number; it is inf.",
        ),
        (
            {"length_penalty": 1.0},
            "length_penalty is for beam search: num_beams must be 2 or more with it; it is 1.",
        ),
        ({"stop": ["a", ""]}, "stop must hold strings that are not empty; one is empty."),
        ({"banned_words": ""}, "banned_words must hold strings that are not empty; one is empty."),
        (
            {"stop": "a", "num_beams": 2},
            "stop must be left out with num_beams above 1, because beams of different lengths are "
            "compared by their tokens.",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(write, options, message):
    with pytest.raises(ValueError) as caught:
        write("The", **options)
    assert str(caught.value) == message


def test_a_stop_that_is_no_string_is_refused(write):
    with pytest.raises(TypeError, match="stop must hold strings; one is of type int"):
        write("The", stop=[3])


@pytest.mark.parametrize("option", [{"num_return_sequences": 2}, {"token_log_probabilities": True}])
def test_what_cannot_be_streamed_is_refused(write, option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} must be .* for streaming"):
        write.stream("The", **option)


# Token ids


def test_a_writer_takes_token_ids(write, plain_writer):
    task = zoo.load(plain_writer)[1]
    loaded = tf.saved_model.load(str(plain_writer))
    options = {"max_new_tokens": tf.constant(9), "seed": tf.constant(4), "min_p": tf.constant(0.1)}
    by_text = loaded.generate(prompt=tf.constant(PROMPTS), **options)
    ids = task.prompt_to_ids()(PROMPTS)
    by_ids = loaded.generate_ids(token_ids=ids, **options)
    assert set(by_ids) == set(by_text) - {"text"}
    for name, value in by_ids.items():
        np.testing.assert_array_equal(value, by_text[name])
    assert by_ids["token_ids"].shape == by_ids["token_log_probability"].shape == (3, 9)
    with pytest.raises(tf.errors.InvalidArgumentError, match="token_ids must be from 0 to"):
        loaded.generate_ids(token_ids=tf.constant([[2, 10**6]]))


def test_a_writer_scores_token_ids(write, plain_writer):
    task = zoo.load(plain_writer)[1]
    ids = task.text_to_ids(PROMPTS)
    scored = write._saved_model.endpoints["serve_ids"](token_ids=ids)
    nats, num_tokens = write.score(PROMPTS)
    np.testing.assert_allclose(scored["log_probability"], nats, atol=1e-4)
    np.testing.assert_array_equal(scored["num_tokens"], num_tokens)
    each = scored["token_log_probability"].numpy()
    assert (
        each.shape == ids.shape and (each[:, 0] == 0).all() and (each[ids.numpy() == 0] == 0).all()
    )
    assert (ids.numpy() == END_ID).any()
