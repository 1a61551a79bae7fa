"""A third tokenizer, which only this test registers, goes the whole way of the other two."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.helpers import FIT, small_model
from tests.preprocessing.letter_pairs import LetterPairs
from tests.serving.test_generate_endpoint import in_plain_tensorflow
from zoo.catalog import options
from zoo.inspection.surprisal import token_probabilities
from zoo.preprocessing.tokenizer import _TOKENIZERS, register_tokenizer

TEXTS = ["The story was dull.", "A doctor waits near the river!", "", "\u6211 caf\u00e9"]
PROMPTS = ["The sto", "", "\u6211"]


@pytest.fixture(scope="module", autouse=True)
def registered():
    register_tokenizer(LetterPairs)
    yield
    del _TOKENIZERS._makers[LetterPairs.name]


@pytest.fixture(scope="module")
def few_reviews():
    return zoo.datasets.load(
        "synthetic_reviews", train_size=40, validation_size=10, test_size=10, seed=1
    )


@pytest.fixture(scope="module")
def run(few_reviews, registered, tmp_path_factory):
    """A language model of letter pairs, fitted for a step or two and exported."""
    folder = tmp_path_factory.mktemp("runs") / "pairs"
    task = zoo.tasks.text_generation(few_reviews, level="letter_pairs", sequence_length=256)
    zoo.fit_and_evaluate(
        lambda: zoo.GRU(**task.model_arguments(), embedding_dim=4, units=4),
        task,
        epochs=1,
        batch_size=256,
        log_dir=folder,
        **FIT,
    )
    zoo.export_saved_model(*zoo.load(folder), folder / "saved_model" / "1", jit_compile=False)
    return folder


def test_a_task_learns_its_pairs_and_comes_back_with_them(run, few_reviews):
    _, task = zoo.load(run)
    tokenizer = task.text_to_ids.tokenizer
    assert isinstance(tokenizer, LetterPairs) and len(tokenizer.pairs) == 20
    assert set(tokenizer.pairs) <= set(task.text_to_ids.vocabulary)
    report = zoo.Report.load(run / "report.json")
    assert report.details["level"] == "letter_pairs" and report.details["unknown_share"] == 0
    # Longer than words, shorter than characters; what it costs to write a character is comparable.
    assert report.details["characters"] > report.details["tokens"]
    assert report.best_possible is None


def test_its_ids_are_the_text(run):
    _, task = zoo.load(run)
    known = [text for text in few_texts(task)]
    back = zoo.preprocessing.IdsToText.from_text_to_ids(task.text_to_ids)
    texts = [text.decode() for text in back(task.text_to_ids(known)).numpy()]
    assert texts == known


def few_texts(task):
    """Texts of characters that the vocabulary has."""
    letters = {token for token in task.text_to_ids.vocabulary if len(token) == 1}
    return ["".join(itertools.compress(text, [c in letters for c in text])) for text in TEXTS]


def test_a_saved_model_scores_and_generates_without_the_zoo(run, tmp_path):
    generate = zoo.pipeline("text-generation", run)
    answers = generate(PROMPTS, max_new_tokens=9, seed=2)
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        assert answer["text"] == prompt + answer["continuation"]
    streamed = "".join(generate.stream(PROMPTS[0], max_new_tokens=9, seed=2))
    assert streamed == answers[0]["continuation"]
    scored, lengths = generate.score(TEXTS)
    _, task = zoo.load(run)
    assert lengths.tolist() == [len(task.text_to_ids.tokenizer.tokens(text)) + 1 for text in TEXTS]

    place = run / "saved_model" / "1"
    prompts, texts = ([text.encode() for text in given] for given in (PROMPTS, TEXTS))
    generated, serve = in_plain_tensorflow(
        [
            (place, "generate", {"prompt": prompts, "max_new_tokens": 9, "seed": 2}),
            (place, "serve", {"text": texts}),
        ],
        tmp_path,
    )
    assert generated["text"] == [answer["text"] for answer in answers]
    np.testing.assert_allclose(serve["log_probability"], scored, rtol=1e-5)


def test_its_tokens_are_explained(run, few_reviews):
    found = token_probabilities(*zoo.load(run), "the story")
    assert "".join(text for text in found.tokens) == "the story"
    assert found.spans[0] == (0, 2)
    task = zoo.tasks.sentiment(few_reviews, level=LetterPairs(num_pairs=5), sequence_length=20)
    model = small_model("bag_of_words", task)
    explanation = zoo.explain("This story the th", (model, task))
    assert [explanation.text[begin:end] for begin, end in explanation.spans] == (
        task.text_to_ids.tokenizer.tokens(explanation.text)
    )


def test_options_are_those_of_the_tokenizer(few_reviews):
    task = zoo.tasks.create_task("sentiment", few_reviews, level="letter_pairs", num_pairs=2)
    task.examples("train")
    assert len(task.text_to_ids.tokenizer.pairs) == 2
    assert options.task_options("sentiment")["num_pairs"].default == 20
    with pytest.raises(ValueError, match="Unknown argument of sentiment 'num_pair'"):
        zoo.tasks.create_task("sentiment", few_reviews, num_pair=2)
    with pytest.raises(ValueError, match="The word tokenizer takes no option 'num_pairs'"):
        zoo.tasks.create_task("sentiment", few_reviews, num_pairs=2)
    with pytest.raises(ValueError, match="letter_pairs tokenizer takes no option 'lowercase'"):
        zoo.tasks.text_generation(few_reviews, level="letter_pairs", lowercase=True)
    with pytest.raises(ValueError, match="made already takes no option 'punctuation'"):
        zoo.tasks.sentiment(few_reviews, level=LetterPairs(), punctuation="drop")


def test_another_task_takes_its_pairs_along(run, few_reviews):
    _, writing = zoo.load(run)
    task = zoo.tasks.sentiment(few_reviews, vocabulary_of=writing)
    assert task.text_to_ids.vocabulary == writing.text_to_ids.vocabulary
    assert task.text_to_ids.tokenizer.pairs == writing.text_to_ids.tokenizer.pairs
    texts = tf.constant(TEXTS)
    expected = writing.text_to_ids.variant(add_start=False, add_end=False)(texts)
    np.testing.assert_array_equal(task.text_to_ids(texts), expected)
