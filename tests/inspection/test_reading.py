"""Tokens of a text, and where they stand in it."""

import concurrent.futures

import numpy as np
import pytest

import zoo
from tests.helpers import small_model
from zoo.inspection.marked_text import pieces
from zoo.inspection.reading import read


@pytest.fixture(scope="module")
def task(reviews):
    task = zoo.tasks.sentiment(reviews)
    task.examples("train")
    return task


def bounded(task, **options):
    config = task.text_to_ids.get_config()
    return zoo.tasks.Sentiment(
        zoo.preprocessing.TextToIds(**{**config, **options}), task.label_names
    )


def located(reading):
    return [reading.text[start:end] for start, end in filter(None, reading.spans)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The story WAS dull.", ["The", "story", "WAS", "dull"]),
        # The word of a tag is not the word behind it.
        ("<i>i</i> saw <br />br", ["i", "saw", "br"]),
        ("It isn't 'good', is it?!", ["It", "isn't", "good", "is", "it", "?", "!"]),
        ("\u0130stanbul \u0130s a town", ["\u0130stanbul", "\u0130s", "a", "town"]),
        ("a\ta  a\n\na", ["a"] * 4),
        ("\u65e5\u672c dull", ["\u65e5", "\u672c", "dull"]),
        ("", []),
        ("<br /> ...", []),
    ],
)
def test_each_word_is_found_where_it_stands(task, text, words):
    reading = read(task, text)
    assert located(reading) == words
    assert len(reading.ids) == len(reading.tokens) == len(reading.spans) == max(len(words), 1)
    starts = [span[0] for span in reading.spans if span]
    assert starts == sorted(starts)


def test_tokens_are_those_of_the_vocabulary(task):
    reading = read(task, "The story was Kubrickian.")
    assert reading.tokens == ("the", "story", "was", "[UNK]")
    assert reading.shown == ("The", "story", "was", "Kubrickian")
    vocabulary = task.text_to_ids.vocabulary
    assert [vocabulary[i] for i in reading.ids] == list(reading.tokens)


@pytest.mark.parametrize(
    ("truncation", "words"),
    [
        ("start", ["The", "story", "was", "dull", "dull"]),
        ("end", ["dull", "the", "story", "was", "dull"]),
        ("both", ["The", "story", "story", "was", "dull"]),
    ],
)
def test_what_a_bounded_length_leaves_is_found(task, truncation, words):
    task = bounded(task, sequence_length=5, truncation=truncation)
    text = "The story was dull, dull, dull: the story was dull"
    reading = read(task, text)
    assert located(reading) == words
    assert list(reading.tokens) == [word.lower() for word in words]
    assert reading.spans[-1][1] == (len(text) if truncation != "start" else text.index(", dull:"))


def test_a_beginning_of_a_text_has_a_start_and_no_end(reviews):
    words = zoo.tasks.text_generation(reviews)
    words.examples("train")
    reading = read(words, "The story was")
    assert reading.tokens == ("[START]", "The", "story", "was")
    assert reading.spans == (None, (0, 3), (4, 9), (10, 13))
    characters = zoo.tasks.text_generation(reviews, level="character")
    characters.examples("train")
    assert read(characters, "A b").spans == (None, (0, 1), (1, 2), (2, 3))


def test_what_is_no_text_is_refused(task):
    with pytest.raises(TypeError, match="A text must be a string; it is of type bytes."):
        read(task, b"The story")


def test_half_a_surrogate_pair_moves_nothing(task):
    reading = read(task, "dull \ud800 story")
    assert reading.spans[0] == (0, 4) and reading.spans[-1] == (7, 12)


def test_pieces_make_up_the_text_again(task):
    text = "  <br />The story, it was <b>dull</b> ..."
    reading = read(task, text)
    assert "".join(piece for piece, _ in pieces(text, reading.spans)) == text
    indices = [index for _, index in pieces(text, reading.spans) if index is not None]
    assert indices == list(range(len(reading.tokens)))


def test_a_long_stretch_that_was_not_read_is_told_of(task):
    task = bounded(task, sequence_length=2, truncation="both")
    text = "dull " + "story " * 200 + "dull"
    shown = [piece for piece, _ in pieces(text, read(task, text).spans)]
    assert shown == ["dull", " [... 1,201 characters that were not read ...] ", "dull"]


def test_ids_are_what_the_model_is_given(task):
    text = "The music was never lovely, but the story was not weak!"
    np.testing.assert_array_equal(read(task, text).ids, np.asarray(task.text_to_ids([text]))[0])


def test_many_threads_explain_each_its_own_text(task):
    """Each sees tokens and places of its own text, although the words are new to the vocabulary."""
    model = small_model("bag_of_words", task)
    texts = [" ".join(f"story{i}x{j}, dull" for j in range(1 + i % 7)) for i in range(64)]
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda text: zoo.explain(text, (model, task)), texts, timeout=300))
    for text, explanation in zip(texts, found, strict=True):
        assert located(explanation) == text.replace(",", "").split()
