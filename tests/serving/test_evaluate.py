"""Evaluation of a model on files: all their texts are scored, with the classes of the model."""

import json
import shutil

import numpy as np
import pytest

import zoo
from zoo.datasets import DatasetError


@pytest.fixture(scope="module")
def rows(reviews):
    """Texts with the names of their labels."""
    names = reviews.label_names
    labels = [names[index] for index in reviews.test["label"]]
    return list(zip(reviews.test["text"], labels, strict=True))


def write(path, rows, header="text,label"):
    lines = [header, *(f'"{text}",{label}' for text, label in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("count", [1, 7])
def test_all_rows_of_a_small_file_are_scored(run, rows, tmp_path, count):
    file = write(tmp_path / "few.csv", rows[:count])
    evaluation = zoo.evaluate(run, file)
    assert np.sum(evaluation.details["confusion_matrix"]) == count
    predicted = [answer["label"] for answer in zoo.pipeline(run)(text for text, _ in rows[:count])]
    right = [label == truth for label, (_, truth) in zip(predicted, rows[:count], strict=True)]
    assert evaluation.scores["accuracy"] == pytest.approx(np.mean(right))
    assert evaluation.details["label_names"] == ["negative", "positive"]


def test_a_file_may_lack_classes(run, rows, tmp_path):
    only = [row for row in rows if row[1] == "positive"][:9]
    evaluation = zoo.evaluate(run, write(tmp_path / "positive.csv", only))
    matrix = np.array(evaluation.details["confusion_matrix"])
    assert matrix.sum(axis=1).tolist() == [0, 9]
    assert evaluation.scores["auc"] is None


def test_an_unknown_label_is_one_sentence(run, rows, tmp_path):
    file = write(tmp_path / "other.csv", [*rows[:3], ("A film.", "awful"), ("Dull.", "good")])
    with pytest.raises(DatasetError) as caught:
        zoo.evaluate(run, file)
    assert str(caught.value) == (
        f"{file} has labels that the model does not know: 'awful', 'good'; expected 'negative', "
        "'positive'."
    )


def test_a_dataset_that_was_split_is_scored_whole(run, rows, tmp_path):
    dataset = zoo.datasets.load(str(write(tmp_path / "sixty.csv", rows[:60])))
    assert len(dataset.test) < 10
    evaluation = zoo.evaluate(run, dataset)
    assert np.sum(evaluation.details["confusion_matrix"]) == 60
    separate = zoo.datasets.load(
        str(tmp_path / "sixty.csv"), test_data=write(tmp_path / "test.csv", rows[60:75])
    )
    assert np.sum(zoo.evaluate(run, separate).details["confusion_matrix"]) == 15


def test_the_dataset_of_the_fit_keeps_its_test_split(run, reviews):
    evaluation = zoo.evaluate(run, reviews)
    assert evaluation.scores == zoo.evaluate(run).scores
    assert np.sum(evaluation.details["confusion_matrix"]) == len(reviews.test)


def test_classes_in_another_order_are_those_of_the_model(run, reviews):
    mirrored = {"text": reviews.test["text"], "label": 1 - reviews.test["label"]}
    split = zoo.datasets.Split(mirrored)
    flipped = zoo.datasets.TextDataset(
        "flipped", train=split, validation=split, test=split, label_names=("positive", "negative")
    )
    assert zoo.evaluate(run, flipped).scores == zoo.evaluate(run, reviews).scores


def test_an_unknown_or_empty_split_is_refused(run, rows, tmp_path):
    with pytest.raises(ValueError, match="split must be one of train, validation, test; it is 'x'"):
        zoo.evaluate(run, split="x")
    for split in ("train", "validation", "test"):
        (tmp_path / split / "positive").mkdir(parents=True)
        (tmp_path / split / "positive" / "a.txt").write_text("A fine film.")
    shutil.rmtree(tmp_path / "validation")
    (tmp_path / "test" / "positive" / "b.txt").write_text("A film.")
    evaluation = zoo.evaluate(run, tmp_path)
    assert np.sum(evaluation.details["confusion_matrix"]) == 2
    with pytest.raises(DatasetError, match="has no folder for the validation split"):
        zoo.evaluate(run, tmp_path, split="validation")


def test_a_running_text_is_scored_whole(plain_writer, tmp_path):
    score = zoo.pipeline(plain_writer).score
    lines = ["The story was dull.", "The music was fine, and the end was not."] * 5
    (tmp_path / "mine.csv").write_text("\n".join(["text", *(f'"{line}"' for line in lines)]))
    evaluation = zoo.evaluate(plain_writer, tmp_path / "mine.csv")
    nats, num_tokens = score(lines)
    assert evaluation.details["tokens"] == num_tokens.sum()
    assert evaluation.scores["loss"] == pytest.approx(-nats.sum() / num_tokens.sum(), rel=1e-6)
    (tmp_path / "mine.txt").write_text("\n".join(lines))
    whole = zoo.evaluate(plain_writer, tmp_path / "mine.txt")
    assert whole.details["tokens"] == score("\n".join(lines))[1].sum()


def test_the_command_prints_how_many_texts_it_scored(call, run, rows, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("manifest.json"))
    report = json.loads((copy / "report.json").read_text())
    report["dataset"]["arguments"] = {"text_column": "body", "label_column": "stars"}
    (copy / "report.json").write_text(json.dumps(report))
    file = write(tmp_path / "held_out.csv", [*rows[:11], ("", "positive")], "body,stars")
    status, printed, error = call("evaluate", "--model", copy, "--data", file)
    assert (status, printed.splitlines()[0].split()) == (0, ["texts", "11"])
    assert error == "Note: Texts left out because they are empty: 1.\n"
    status, printed, _ = call("evaluate", "--model", copy, "--data", file, "--json")
    answer = json.loads(printed)
    assert answer["texts"] == np.sum(answer["confusion_matrix"]) == 11
    status, _, error = call("evaluate", "--model", run, "--data", file)
    assert status == 2 and "has no column 'text'" in error
    status, _, error = call("evaluate", "--model", run, "--data", file, "--test-share", "0.5")
    assert (status, error) == (2, f"Error: {file} is scored whole: leave out --test-share.\n")
