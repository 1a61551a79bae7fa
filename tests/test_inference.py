"""Loading and using what a run has written, and damage done to it on purpose."""

import csv
import json
import shutil

import numpy as np
import pytest

import zoo
from zoo.files import FileError

TEXTS = ["The story was wonderful.", "", "dull " * 900]


@pytest.fixture(scope="module")
def classify(run):
    return zoo.pipeline("sentiment-analysis", run)


@pytest.fixture
def copy(run, tmp_path):
    """A run to damage."""
    return shutil.copytree(run, tmp_path / "copy")


def test_a_run_comes_back_as_model_and_task(run, reviews, classify):
    model, task = zoo.load(run)
    logits = np.asarray(model(task.text_to_ids(TEXTS)))
    np.testing.assert_allclose(
        np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
        classify.probabilities(TEXTS),
        atol=1e-5,
    )
    assert task.label_names == reviews.label_names
    with pytest.raises(ValueError, match="loaded without a dataset"):
        task.examples("train")


def test_a_loaded_run_goes_on_training(run, reviews):
    model, task = zoo.load(run, dataset=reviews)
    before = model.get_weights()
    zoo.fit_and_evaluate(model, task, epochs=1, verbose=False)
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_a_string_gives_an_answer_and_a_list_gives_a_list(classify):
    one = classify(TEXTS[0])
    assert one == classify([TEXTS[0]])[0] and classify([]) == []
    assert one["score"] == max(one["probabilities"].values())
    assert one["probabilities"][one["label"]] == one["score"]
    assert classify(TEXTS[0].encode()) == one
    with pytest.raises(TypeError, match="must be a string; one is of type int"):
        classify(["a", 3])


def test_an_answer_does_not_depend_on_its_company(classify):
    many = classify.probabilities(TEXTS * 300)
    alone = np.concatenate([classify.probabilities([text]) for text in TEXTS])
    np.testing.assert_allclose(many, np.tile(alone, (300, 1)), atol=1e-5)


def test_lone_surrogates_are_no_error(classify):
    assert classify("\ud800 film")["label"] in classify.label_names


def test_the_test_score_is_made_again_from_raw_text(run):
    again = zoo.evaluate(run)
    written = zoo.Report.load(run / "report.json")
    assert again.details == written.details
    for name, value in written.test.items():
        assert again.scores[name] == pytest.approx(value, abs=1e-6), name
    validation = zoo.evaluate(run, split="validation")
    assert validation.scores["accuracy"] == pytest.approx(written.validation["accuracy"])


def test_a_report_on_other_data_is_not_made_again(copy):
    report = json.loads((copy / "report.json").read_text())
    report["dataset"]["fingerprint"] = "0" * 32
    (copy / "report.json").write_text(json.dumps(report))
    with pytest.raises(ValueError, match="is not what the report was made on"):
        zoo.evaluate(copy)


def test_a_table_gets_a_label_and_a_score(classify, tmp_path):
    rows = [["id", "text"], ["1", 'said "no",\nand left'], ["2", ""], ["3", TEXTS[0]]]
    with open(tmp_path / "in.csv", "w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    classify.label_file(tmp_path / "in.csv", tmp_path / "out.tsv")
    with open(tmp_path / "out.tsv", newline="") as stream:
        written = list(csv.reader(stream, delimiter="\t"))
    assert written[0] == ["id", "text", "label", "score"]
    assert [row[:2] for row in written] == rows
    answers = classify([row[1] for row in rows[1:]])
    assert [row[2] for row in written[1:]] == [answer["label"] for answer in answers]
    classify.label_file(tmp_path / "out.tsv", tmp_path / "twice.csv")
    with open(tmp_path / "twice.csv", newline="") as stream:
        assert next(csv.reader(stream))[-2:] == ["predicted_label", "predicted_score"]
    with pytest.raises(ValueError, match=r"expected a name that ends in \.csv or \.tsv"):
        classify.label_file(tmp_path / "in.csv", tmp_path / "out.xls")


def test_what_is_missing_is_named(run, tmp_path):
    with pytest.raises(FileError, match=r"no model at nowhere: expected the folder of a run"):
        zoo.load("nowhere")
    with pytest.raises(FileError, match=r"holds no SavedModel.*`zoo export"):
        zoo.pipeline("sentiment-analysis", tmp_path)
    with pytest.raises(FileError, match=r"task\.json is missing: expected the task of a run"):
        zoo.load(tmp_path)
    with pytest.raises(ValueError, match="Unknown pipeline 'sentiment': .*sentiment-analysis"):
        zoo.pipeline("sentiment", run)


@pytest.mark.parametrize(
    "name",
    ["model.keras", "saved_model/1/saved_model.pb", "saved_model/1/variables/variables.index"],
)
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbage"])
def test_damage_is_one_sentence_that_names_the_file(copy, name, damage):
    file = copy / name
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "cut": content[:-40], "garbage": b"\x13" * 500}[damage])
    with pytest.raises(FileError) as caught:
        if name == "model.keras":
            zoo.load(copy)
        else:
            zoo.pipeline("sentiment-analysis", copy)
    message = str(caught.value)
    assert str(copy) in message and "\n" not in message


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"name": "sentiment"}', '{"name": "chess"}', "null"]
)
def test_a_damaged_task_is_told(copy, content):
    (copy / "task.json").write_text(content)
    with pytest.raises((FileError, ValueError), match=r"task"):
        zoo.load(copy)
