"""What is wrong with data is refused or said before a fit, in one sentence."""

import numpy as np
import pytest

import zoo
from zoo.datasets import DatasetError, Split, TextDataset

GOOD, BAD = "a good film, number {}", "a bad film, number {}"


def split(*labels: int, text: str | None = None) -> Split:
    """A text of each label, all different, or all the text that is given."""
    texts = [text or (BAD, GOOD, GOOD)[label].format(i) for i, label in enumerate(labels)]
    return Split({"text": texts, "label": np.array(labels, "int32")})


def sentiment(names=("bad", "good"), *, options=None, **splits):
    held_out = {"validation": split(0, 1), "test": split(0, 1)}
    dataset = TextDataset("mine", label_names=names, **{"train": split(0, 1), **held_out, **splits})
    return zoo.tasks.sentiment(dataset, **{"min_frequency": 1, **(options or {})})


THREE = ("bad", "good", "fair")


@pytest.mark.parametrize(
    ("task", "fault"),
    [
        (lambda: sentiment(train=split(1, 1, 1)), "training texts are labelled 'good'"),
        (lambda: sentiment(train=split(0, 1, text="one")), "All 2 training texts are equal"),
        (lambda: sentiment(train=split()), "train split is empty: expected at least one text"),
        (lambda: sentiment(validation=split()), "validation split is empty"),
        (lambda: sentiment(test=split()), "test split is empty"),
        (
            lambda: sentiment(THREE, test=split(0, 2)),
            "test split has labels that are not in the training split: 'fair'",
        ),
        (lambda: sentiment(THREE, validation=split(2)), "validation split has labels .*: 'fair'"),
        (
            lambda: sentiment(train=Split({"text": ["<br />", "<p>"], "label": [0, 1]})),
            "vocabulary is empty: no text contains a token",
        ),
        (
            lambda: sentiment(
                train=Split({"text": ["one", "two"], "label": [0, 1]}),
                options={"min_frequency": 2},
            ),
            "vocabulary is empty: no token occurs 2 times in the 2 texts",
        ),
        (
            lambda: sentiment(
                train=Split({"text": ["eins", "zwei"], "label": [0, 1]}),
                options={"vocabulary_of": learned()},
            ),
            "training texts contain no token of the vocabulary",
        ),
        (
            lambda: zoo.tasks.text_generation(
                TextDataset("mine", train=split(0, 1), validation=split(0), test=split(1)),
                min_frequency=1,
            ),
            r"must fill one window of sequence_length = 128 tokens; they have \d+ tokens to "
            r"predict\.$",
        ),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(task, fault):
    with pytest.raises(ValueError, match=fault) as told:
        task().data.check()
    assert "\n" not in str(told.value) and str(told.value).endswith(".")


def learned():
    task = sentiment()
    task.examples("train")
    return task


def test_a_split_that_is_not_wanted_may_be_empty():
    assert sentiment(test=split()).data.check(("train", "validation"))
    with pytest.raises(DatasetError, match="test split is empty"):
        zoo.fit_and_evaluate(lambda: None, sentiment(test=split()), verbose=False)


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        ({"train": split(*[1] * 39, 0)}, "97.5% of the training texts are labelled 'good'"),
        ({"validation": split(1, 1)}, "The validation split has no text labelled 'bad'."),
        ({"test": split(0)}, "The test split has no text labelled 'good'."),
        ({"train": split(0, 1, 1, 0)}, "Duplicate texts in both train and test: 2."),
        ({"train": Split({"text": ["one"] * 2 + ["two"], "label": [0, 0, 1]})}, "within train: 1."),
        (
            {"train": Split({"text": ["one", "two", "<br />"], "label": [0, 1, 1]})},
            "Training texts with out-of-vocabulary tokens only: 1.",
        ),
    ],
)
def test_what_should_be_known_is_said(splits, sentence):
    assert sentence in " ".join(sentiment(**splits).data.check())


def test_of_good_data_there_is_nothing_to_say():
    splits = {
        name: Split(
            {
                "text": [f"{text} {name}" for text in split(0, 1, 0, 1)["text"]],
                "label": [0, 1, 0, 1],
            }
        )
        for name in ("train", "validation", "test")
    }
    assert sentiment(**splits).data.check() == []


def test_a_class_that_no_split_has_is_said_once_for_each():
    sentences = sentiment(THREE).data.check()
    assert sum("no text labelled 'fair'" in sentence for sentence in sentences) == 3


def test_it_is_said_before_the_first_step_and_in_the_report(capsys):
    task = sentiment(train=split(*[1] * 39, 0))
    said = []

    def model():
        said.append(capsys.readouterr().err)
        return zoo.BagOfWords(**task.model_arguments(), embedding_dim=2)

    report = zoo.fit_and_evaluate(model, task, epochs=1)
    (told,) = (line for line in said[0].splitlines() if "97.5%" in line)
    assert told == f"Note: {next(s for s in report.dataset['warnings'] if '97.5%' in s)}"
