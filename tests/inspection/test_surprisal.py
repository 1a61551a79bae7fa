"""Probabilities of tokens against a softmax over the logits of a whole pass."""

import json
import sys

import numpy as np
import pytest

import zoo
from tests.helpers import small_model
from zoo.inspection import token_probabilities as told_by_the_package
from zoo.inspection.surprisal import token_probabilities
from zoo.utils.sequences import half_overlapping_windows

PROMPT, TEXT = "The music was", "not dull, but the story was Kubrickian."


@pytest.fixture(scope="module")
def task(reviews):
    return zoo.tasks.text_generation(reviews)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def ids_of(task, text):
    """Without start and end."""
    return np.asarray(task.text_to_ids([text]))[0, 1:-1]


def expected(model, task, prompt, text):
    """(T, V): the distribution of each token of a text that fits into the context."""
    before, asked = ids_of(task, prompt), ids_of(task, text)
    before = np.concatenate([[2], before])
    if model.is_encoder_decoder:
        inputs = {"token_ids": np.concatenate([[2], asked[:-1]])[None], "source_ids": before[None]}
        return softmax(np.asarray(model(inputs), "float64")[0]), asked
    ids = np.concatenate([before, asked])
    return softmax(np.asarray(model(ids[None, :-1]), "float64")[0, len(before) - 1 :]), asked


@pytest.mark.parametrize("prompt", [PROMPT, ""])
@pytest.mark.parametrize("name", ["bag_of_words", "lstm", "gpt", "transformer"])
def test_they_are_those_of_the_softmax(name, prompt, task):
    model = small_model(name, task)
    found = token_probabilities(model, task, TEXT, prompt=prompt, k=3)
    shares, asked = expected(model, task, prompt, TEXT)
    rows = np.arange(len(asked))
    np.testing.assert_allclose(found.probabilities, shares[rows, asked], rtol=1e-3, atol=1e-7)
    ranks = 1 + (shares > shares[rows, asked][:, None]).sum(axis=1)
    np.testing.assert_array_equal(found.ranks, ranks)
    np.testing.assert_allclose(found.entropies, -(shares * np.log2(shares)).sum(1), rtol=1e-3)
    np.testing.assert_allclose(found.bits, -np.log2(found.probabilities))
    vocabulary = task.text_to_ids.vocabulary
    for place, others in enumerate(found.runners_up):
        best = [i for i in np.argsort(-shares[place]) if i != asked[place]][:3]
        assert [token for token, _ in others] == [vocabulary[i] for i in best]
        np.testing.assert_allclose([share for _, share in others], shares[place, best], rtol=1e-3)
    assert found.tokens[:3] == ("not", "dull", ",") and found.tokens[-2:] == ("[UNK]", ".")
    assert TEXT[slice(*found.spans[-2])] == "Kubrickian"


def test_logits_in_pieces_are_the_same(task, monkeypatch):
    model = small_model("gru", task)
    whole = token_probabilities(model, task, TEXT)
    # The package gives the function where the module of that name would be.
    module = sys.modules[token_probabilities.__module__]
    monkeypatch.setattr(module, "_MAX_LOGITS", 1)
    pieces = token_probabilities(model, task, TEXT)
    np.testing.assert_allclose(pieces.probabilities, whole.probabilities, rtol=1e-4)
    assert [[t for t, _ in others] for others in pieces.runners_up] == [
        [t for t, _ in others] for others in whole.runners_up
    ]


@pytest.mark.parametrize("context", [2, 3, 7, 64])
@pytest.mark.parametrize(("first", "length"), [(1, 2), (1, 30), (5, 30), (29, 30), (1, 65)])
def test_windows_ask_once_with_half_a_context(first, length, context):
    asked = []
    windows = half_overlapping_windows(np.array([length]), context, first)
    for begin, start, end in zip(windows.begin, windows.asked, windows.end, strict=True):
        asked += range(start, end)
        assert 0 <= begin < start < end <= length
        assert end - 1 - begin <= context
        assert start - begin >= min(start, (context + 1) // 2)
    assert asked == list(range(first, length))
    whole = half_overlapping_windows(np.array([length]), length, first)
    assert [part.tolist() for part in whole] == [[0], [0], [first], [length]]


@pytest.mark.parametrize("name", ["gpt", "transformer"])
def test_a_text_may_be_longer_than_the_context(name, reviews):
    task = zoo.tasks.text_generation(reviews, sequence_length=8)
    model = small_model(name, task)
    text = "The music was dull, but the story was lovely and the acting was weak."
    found = token_probabilities(model, task, text)
    asked = ids_of(task, text)
    assert len(found.probabilities) == len(asked) > 8
    # The last window: what is asked for at the end stands behind half a context at least.
    ids = np.concatenate([[2], asked])
    _, begin, first, end = (part[-1] for part in half_overlapping_windows(np.array([len(ids)]), 8))
    vocabulary = task.text_to_ids.vocabulary
    if name == "gpt":
        shares = softmax(np.asarray(model(ids[None, begin : end - 1]), "float64"))[0, -1]
    else:
        decoded = np.concatenate([[2], ids[first : end - 1]])
        inputs = {"token_ids": decoded[None], "source_ids": ids[None, begin:first]}
        shares = softmax(np.asarray(model(inputs), "float64"))[0, -1]
    assert vocabulary[ids[-1]] == "."
    assert found.probabilities[-1] == pytest.approx(shares[ids[-1]], rel=1e-3)


def test_characters_are_tokens_too(reviews):
    task = zoo.tasks.text_generation(reviews, level="character")
    model = small_model("gru", task)
    found = token_probabilities(model, task, "a b", prompt="The")
    shares, asked = expected(model, task, "The", "a b")
    np.testing.assert_allclose(found.probabilities, shares[range(3), asked], rtol=1e-3)
    assert found.tokens == ("a", " ", "b") and "' '" in str(found)


def test_it_goes_through_json_and_is_shown(task):
    found = token_probabilities(small_model("gru", task), task, "dull <b>", prompt=PROMPT, k=2)
    entries = json.loads(json.dumps(found.to_dict()))
    assert (entries["prompt"], entries["text"]) == (PROMPT, "dull <b>")
    first = entries["tokens"][0]
    assert first["token"] == "dull" and first["span"] == [0, 4]
    assert first["probability"] == found.probabilities[0] and first["rank"] == found.ranks[0]
    assert [token for token, _ in first["runners_up"]] == [t for t, _ in found.runners_up[0]]
    assert f"{found.probabilities[0]:.2%}" in str(found) and "\x1b" not in str(found)
    page = found._repr_html_()
    assert "&lt;b&gt;" in page and "<b>" not in page.split("</b>", 1)[1]
    assert f"rank {found.ranks[0]:,}" in page


def test_faults_are_one_sentence(task, reviews):
    classify = zoo.tasks.sentiment(reviews)
    with pytest.raises(ValueError, match="Only a language model has.*for sentiment: see explain"):
        token_probabilities(small_model("gru", classify), classify, TEXT)
    model = small_model("gru", task)
    with pytest.raises(ValueError, match="text must have at least one token"):
        token_probabilities(model, task, " ")
    with pytest.raises(ValueError, match="k must be 0 or more; it is -1"):
        token_probabilities(model, task, TEXT, k=-1)
    assert token_probabilities(model, task, "dull", k=0).runners_up == ((),)


def test_the_package_gives_the_function():
    assert told_by_the_package is token_probabilities
