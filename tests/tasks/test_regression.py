"""Regression, from a CSV with a column of numbers to a SavedModel that predicts them."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo.catalog.package import ship
from zoo.utils import pretrained

WORTH = {"good": 2.0, "fine": 1.0, "bad": -2.0, "dull": -1.0}
MEAN = 1000.0

# With neither Keras nor the zoo: the SavedModel alone must do.
PLAIN = """
import json, sys
sys.modules["zoo"] = sys.modules["keras"] = None
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serve"]
print(json.dumps(serve(text=tf.constant(sys.argv[2:]))["value"].numpy().tolist()))
"""


def write_ratings(path, size=400, seed=1):
    """A CSV whose numbers are the mean worth of the words of a text, with a little noise."""
    random = np.random.default_rng(seed)
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["review", "stars"])
        for _ in range(size):
            words = random.choice([*WORTH, "the", "film"], 10)
            stars = MEAN + sum(WORTH.get(word, 0) for word in words) + random.normal(0, 0.1)
            writer.writerow([" ".join(words), f"{stars:.3f}"])
    return path


def load(path, **options):
    columns = zoo.tasks.Regression.columns
    names = {"text_column": "review", "target_column": "stars"}
    return zoo.datasets.load(path, columns=columns, **names, **options)


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    return write_ratings(tmp_path_factory.mktemp("data") / "ratings.csv")


FIT = ("fit", "bag_of_words", "regression", "--text-column", "review", "--target-column", "stars")
FAST = ("--epochs", 30, "--embedding-dropout", 0.0, "--learning-rate", 0.03, "--seed", 1, "--quiet")


@pytest.fixture(scope="module")
def fitted(ratings, tmp_path_factory):
    """The folder of a run, as the command line writes it."""
    folder = tmp_path_factory.mktemp("runs") / "ratings"
    command = [sys.executable, "-m", "zoo", *FIT, "--data", ratings, *FAST, "--out", folder]
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    return folder


def test_scores_are_those_of_their_definitions(ratings):
    task = zoo.tasks.regression(load(ratings))
    random = np.random.default_rng(0)
    targets, predictions = random.normal(5, 2, 50), random.normal(5, 2, 50)
    scores = task.score(targets, predictions).scores
    errors = predictions - targets
    assert scores["mean_absolute_error"] == pytest.approx(np.mean(np.abs(errors)))
    assert scores["root_mean_squared_error"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    residual, total = np.sum(errors**2), np.sum((targets - targets.mean()) ** 2)
    assert scores["r2"] == pytest.approx(1 - residual / total)
    assert scores["loss"] == pytest.approx(np.mean((errors / task.scale) ** 2))
    assert {metric.name for metric in task.metrics} == set(scores)


def test_the_mean_of_the_targets_has_no_r2_and_equal_targets_have_none(ratings):
    task = zoo.tasks.regression(load(ratings))
    targets = np.array([1.0, 2.0, 6.0])
    assert task.score(targets, np.full(3, 3.0)).scores["r2"] == pytest.approx(0)
    assert task.score(np.ones(3), np.zeros(3)).scores["r2"] is None


def test_models_see_standardized_targets(ratings):
    dataset = load(ratings)
    task = zoo.tasks.regression(dataset)
    examples = task.examples("train")
    assert examples.targets.mean() == pytest.approx(0, abs=1e-5)
    assert examples.targets.std() == pytest.approx(1, abs=1e-5)
    restored = task.mean + task.scale * examples.targets
    np.testing.assert_allclose(restored, dataset.train["target"], atol=1e-3)


def test_the_numbers_are_learned(fitted):
    report = zoo.Report.load(fitted / "report.json")
    # 1 would be perfect; the noise has 0.1 of a deviation of about 4.
    assert report.test["r2"] > 0.9
    assert "mean absolute error" in str(report)


def test_a_saved_model_predicts_in_the_unit_of_the_dataset_without_the_zoo(fitted):
    texts = ["good good fine", "bad dull film", ""]
    command = [sys.executable, "-c", PLAIN, str(fitted / "saved_model" / "1"), *texts]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    values = json.loads(ran.stdout.splitlines()[-1])
    model, task = zoo.load(fitted)
    outputs = np.asarray(model(task.text_to_ids(texts)))[:, 0]
    np.testing.assert_allclose(values, task.mean + task.scale * outputs, rtol=1e-6)
    assert values[0] > MEAN > values[1]


def test_it_is_evaluated_from_raw_text(fitted):
    evaluation = zoo.evaluate(fitted)
    report = zoo.Report.load(fitted / "report.json")
    assert evaluation.scores == pytest.approx(report.test, rel=1e-4)


def test_a_pipeline_returns_a_value(fitted):
    predict = zoo.pipeline(fitted)
    assert isinstance(predict, zoo.TextRegressor)
    one, other = predict(["good good", "bad bad"])
    assert one["value"] > other["value"]


def test_predictions_on_the_command_line(fitted, ratings, tmp_path, call):
    status, out, _ = call("predict", "--model", fitted, "good fine good")
    assert status == 0
    value, text = out.rstrip("\n").split("\t")
    assert (float(value) > MEAN, text) == (True, "good fine good")
    table = tmp_path / "scored.csv"
    options = ("--input", ratings, "--text-column", "review", "--output", table)
    assert call("predict", "--model", fitted, *options)[0] == 0
    with open(table, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    stars, values = (np.array([float(row[name]) for row in rows]) for name in ("stars", "value"))
    assert np.corrcoef(stars, values)[0, 1] > 0.9


def test_a_dry_run_estimates_it_and_writes_nothing(ratings, tmp_path, call):
    out = tmp_path / "run"
    status, said, _ = call(*FIT, "--data", ratings, *FAST, "--dry-run", "--out", out)
    assert (status, out.exists()) == (0, False)
    assert "fitting" in said


def test_it_is_packaged_carded_and_ranked(fitted, tmp_path, monkeypatch):
    folder = tmp_path / "saved_models"
    ship(fitted, "bag_of_words_ratings", folder=folder)
    monkeypatch.setattr(pretrained, "folder", lambda: folder)
    report = zoo.Report.load(folder / "bag_of_words_ratings" / "report.json")
    text = (folder / "bag_of_words_ratings" / "README.md").read_text(encoding="utf-8")
    assert "zoo predict --model bag_of_words_ratings" in text
    assert "mean absolute error" in text
    assert str(tmp_path) not in text
    (row,) = zoo.leaderboard().rows
    assert row.name == "bag_of_words_ratings"
    shown = report.details["shipped"]["test"]["mean_absolute_error"]
    assert f"{shown:.4f}" in zoo.leaderboard().markdown()
    assert zoo.pipeline("text-regression")("good")["value"] > MEAN


def test_tensorboard_shows_its_scores(fitted):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logged = EventAccumulator(str(fitted / "logs" / "validation"))
    logged.Reload()
    tags = {*logged.Tags()["scalars"], *logged.Tags()["tensors"]}
    assert any("mean_absolute_error" in tag for tag in tags), tags


@pytest.mark.parametrize("value", ["many", "", "nan", "inf", "1,5"])
def test_what_is_no_number_is_refused_in_a_sentence(value, tmp_path):
    path = write_ratings(tmp_path / "ratings.csv", size=20)
    with open(path, "a", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerow(["a film", value])
    with pytest.raises(zoo.datasets.DatasetError, match=r"ratings\.csv") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert "22" in str(caught.value)


def test_targets_that_are_all_equal_are_refused(tmp_path):
    path = tmp_path / "ratings.csv"
    rows = "".join(f"text {i},3\n" for i in range(50))
    path.write_text(f"review,stars\n{rows}", encoding="utf-8")
    task = zoo.tasks.regression(load(path))
    with pytest.raises(zoo.datasets.DatasetError, match="All training texts have the target 3"):
        task.data.check()


def test_without_data_the_columns_are_named(tmp_path, call):
    status, _, said = call("fit", "lstm", "regression", "--out", tmp_path / "run")
    assert status == 2
    assert "regression has no default dataset" in said
    assert "target" in said


def test_an_architecture_without_the_head_is_refused_before_the_data_is_read(tmp_path, call):
    options = ("--data", tmp_path / "missing.csv", "--out", tmp_path / "run")
    status, _, said = call("fit", "bag_of_bigrams", "regression", *options)
    assert status == 2
    assert "bag_of_bigrams" in said
    assert "regressor" in said
