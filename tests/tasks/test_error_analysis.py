"""Where a classifier fails, counted out by hand on texts that were made up."""

import json

import numpy as np
import pytest

import zoo
from zoo.tasks import error_analysis
from zoo.tasks.error_analysis import mistakes, num_negations, num_words, reliability, slices


@pytest.mark.parametrize(
    ("text", "words", "negations"),
    [
        ("", 0, 0),
        ("A fine film.", 3, 0),
        ("It isn't bad.<br /><br />Not at all!", 6, 2),
        ("I can\u2019t, cannot and WON'T.", 5, 3),
        ("No, never; nothing, nobody, nor without none.", 7, 7),
        ("A notable knot, a novel, an innocent note: now no.", 10, 1),
        ("5 < 6, and 7 > 6", 7, 0),
    ],
)
def test_words_and_negations(text, words, negations):
    assert (num_words(text), num_negations(text)) == (words, negations)


def words(count: int, negations: int = 0) -> str:
    return " ".join(["not"] * negations + ["film"] * (count - negations))


def test_slices_by_length_and_negation():
    texts = [words(100, 2), words(100, 3), words(101), words(200, 4), words(201, 1), words(900)]
    is_right = np.array([True, False, True, False, True, False])
    found = slices(texts, is_right)
    assert found["length"] == [
        {"slice": "up to 100 words", "texts": 2, "accuracy": 0.5},
        {"slice": "101 to 200 words", "texts": 2, "accuracy": 0.5},
        {"slice": "201 to 400 words", "texts": 1, "accuracy": 1.0},
        {"slice": "more than 400 words", "texts": 1, "accuracy": 0.0},
    ]
    assert found["negation"] == [
        {"slice": "no negation", "texts": 2, "accuracy": 0.5},
        {"slice": "up to 2 negations in 100 words", "texts": 3, "accuracy": 2 / 3},
        {"slice": "more than 2 negations in 100 words", "texts": 1, "accuracy": 0.0},
    ]


def test_kinds_that_do_not_come_up_are_left_out():
    found = slices(["Ein guter Film.", "Kein guter Film."], np.array([True, False]))
    assert found == {"length": [{"slice": "up to 100 words", "texts": 2, "accuracy": 0.5}]}


def test_reliability_by_bin():
    # Two classes: bins of 0.05 from 0.5 on.
    positive = np.array([0.5, 0.46, 0.53, 0.55, 0.99, 0.0, 1.0])
    probabilities = np.stack([1 - positive, positive], axis=1)
    labels = np.array([0, 1, 1, 1, 0, 0, 1])
    rows = reliability(labels, probabilities)
    assert [row["texts"] for row in rows] == [3, 1, 3]
    assert [row["accuracy"] for row in rows] == pytest.approx([2 / 3, 1, 2 / 3])
    assert [row["confidence"] for row in rows] == pytest.approx(
        [(0.5 + 0.54 + 0.53) / 3, 0.55, (0.99 + 1 + 1) / 3]
    )
    edges = [edge for row in rows for edge in (row["from"], row["to"])]
    assert edges == pytest.approx([0.5, 0.55, 0.55, 0.6, 0.95, 1.0])


def test_bins_begin_where_the_likeliest_of_several_classes_can():
    third = np.full((1, 3), 1 / 3, "float32")
    (row,) = reliability(np.array([0]), third)
    assert (row["from"], row["to"]) == pytest.approx((1 / 3, 0.4))


def test_the_surest_mistakes_come_first_and_are_described():
    texts = [
        "right",
        "A GREAT film, but I did not like it, although it is no bore. 7/10",
        "Never again.",
        "Fine.",
    ]
    probabilities = np.array([[0.01, 0.99], [0.1, 0.9], [0.05, 0.95], [0.6, 0.4]])
    labels = np.array([1, 0, 0, 1])
    found = mistakes(texts, labels, probabilities, ("bad", "good"))
    assert [mistake.place for mistake in found] == [2, 1, 3]
    described = found[1]._asdict()
    assert described.pop("upper_case_share") == pytest.approx(1 / 12)  # GREAT; "A" and "I" are not.
    assert described == {
        "place": 1,
        "true": "bad",
        "predicted": "good",
        "probability": 0.9,
        "words": 15,
        "negations": 2,
        "contrast_words": 2,
        "has_rating": True,
    }
    assert (found[2].true, found[2].predicted, found[2].has_rating) == ("good", "bad", False)


@pytest.mark.parametrize(
    ("text", "has_rating"),
    [
        ("I give it 8 / 10.", True),
        ("3.5 out of 5", True),
        ("4 stars", True),
        ("100/100!", True),
        ("on 9/11, 24/7", False),
        ("2 out of 50", False),
        ("the stars shine", False),
    ],
)
def test_ratings(text, has_rating):
    (found,) = mistakes([text], np.array([1]), np.array([[1.0, 0.0]]), ("bad", "good"))
    assert found.has_rating is has_rating


def test_ten_mistakes_at_most():
    surely = np.linspace(0.6, 0.9, 30)
    probabilities = np.stack([surely, 1 - surely], axis=1)
    found = mistakes(["text"] * 30, np.ones(30, int), probabilities, ("bad", "good"))
    assert [mistake.place for mistake in found] == list(range(29, 19, -1))


def test_a_report_tells_and_does_not_quote(run, reviews):
    report = zoo.Report.load(run / "report.json")
    details = report.details
    errors = round((1 - report.test["accuracy"]) * len(reviews.test))
    assert len(details["mistakes"]) == min(errors, error_analysis.NUM_MISTAKES) > 0
    for kind in ("length", "negation"):
        assert sum(row["texts"] for row in details["slices"][kind]) == len(reviews.test)
        mean = sum(row["texts"] * row["accuracy"] for row in details["slices"][kind]) / 100
        assert mean == pytest.approx(report.test["accuracy"])
    assert sum(row["texts"] for row in details["reliability"]) == len(reviews.test)
    for mistake in details["mistakes"]:
        place = mistake["place"]
        true = reviews.label_names[reviews.test["label"][place]]
        assert mistake["true"] == true != mistake["predicted"]
        assert mistake["words"] == len(reviews.test["text"][place].split())
    written = json.dumps(report.to_dict())
    for text in reviews.test["text"]:
        assert not any(sentence in written for sentence in text.split(". "))


def test_without_texts_there_are_scores_and_reliability_alone(reviews):
    task = zoo.tasks.sentiment(reviews)
    probabilities = np.array([[0.2, 0.8], [0.7, 0.3]])
    evaluation = task.score(np.array([1, 1]), probabilities)
    assert evaluation.scores["accuracy"] == 0.5
    assert set(evaluation.details) == {"confusion_matrix", "label_names", "reliability"}
