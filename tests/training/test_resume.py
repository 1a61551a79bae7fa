"""A fit that is broken off anywhere goes on, and ends where one that never was would have."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import keras
import pytest
import tensorflow as tf

import zoo
from tests.helpers import report_without_measurements
from zoo.catalog.recipe import Recipe
from zoo.training import checkpoint as checkpoints
from zoo.training import report
from zoo.training.loop import Loop
from zoo.training.run import Run
from zoo.utils import files

SYNTHETIC = {"train_size": 200, "validation_size": 60, "test_size": 60, "seed": 1}
FEW = {"train_size": 40, "validation_size": 20, "test_size": 20, "seed": 1}
# One of each kind of what has a state: dropout, a schedule, early stopping, moments, windows drawn
# anew, sampled tokens, moved embeddings, the point between source and target.
LSTM = Recipe(
    model="lstm",
    task="sentiment",
    data="synthetic_reviews",
    data_options=SYNTHETIC,
    task_options={"temperature_scaling": True},
    model_options={"units": 8, "embedding_dim": 8, "dropout": 0.3},
    training={
        **{"epochs": 3, "batch_size": 32, "early_stopping": 2, "seed": 3},
        "dashboards": "none",
    },
)
RECIPES = {
    "lstm": LSTM,
    "bag_of_words": dataclasses.replace(
        LSTM, model="bag_of_words", model_options={"embedding_dim": 8}
    ),
    "adversarial_gru": Recipe(
        model="gru",
        task="sentiment",
        data="synthetic_reviews",
        data_options=FEW,
        task_options={"adversarial": 1.0},
        model_options={"units": 8, "embedding_dim": 8, "dropout": 0.3},
        training={"epochs": 2, "batch_size": 16, "optimizer": "adamw", "seed": 3},
    ),
    "transformer": Recipe(
        model="transformer",
        task="text_generation",
        data="synthetic_reviews",
        data_options=FEW,
        task_options={"sequence_length": 32, "sampled_tokens": 16},
        model_options={"embedding_dim": 16, "hidden_units": 16, "num_layers": 1, "dropout": 0.2},
        training={
            **{"epochs": 2, "batch_size": 32, "seed": 3, "schedule": "cosine"},
            "dashboards": "none",
        },
    ),
}
SENTIMENT = zoo.tasks.task_class("sentiment")


def facts(out):
    """The report without what is measured, and the weights, of model and SavedModel alike."""
    model, _ = zoo.load(out)
    served, _ = zoo.load(out / "saved_model" / "1")
    return report_without_measurements(out), [model.get_weights(), served.get_weights()]


def assert_same(ours, expected):
    assert ours[0] == expected[0]
    for one, other in zip(ours[1], expected[1], strict=True):
        for ours_of, expected_of in zip(one, other, strict=True):
            assert ours_of.tobytes() == expected_of.tobytes()


class Died(Exception):
    """A process that dies, as far as one can die in a test."""


def dies(recipe, out, owner, name, calls):
    """Fits until some function has been called so often."""
    left = [calls]
    function = getattr(owner, name)

    def counted(*args, **kwargs):
        result = function(*args, **kwargs)
        left[0] -= 1
        if left[0] == 0:
            raise Died
        return result

    with pytest.MonkeyPatch.context() as patch:
        # Every step writes a checkpoint.
        patch.setattr(checkpoints.Checkpoint, "is_due", True)
        patch.setattr(owner, name, counted)
        with pytest.raises(Died):
            recipe.fit(out, verbose=False)


# Tracing each width of a batch anew in each fit takes most of the time of a test.
EAGER = {"adversarial_gru", "transformer"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What runs come to that nothing breaks off."""
    out = tmp_path_factory.mktemp("whole")

    def of(name):
        if not (out / name).exists():
            RECIPES[name].fit(out / name, verbose=False)
        return facts(out / name)

    return of


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in EAGER else []) for name in RECIPES],
)
def test_what_dies_between_two_steps_comes_to_the_same_end(name, whole, tmp_path, request):
    if name in EAGER:
        request.getfixturevalue("eager")
    for calls in (1, 5):
        dies(RECIPES[name], tmp_path / "run", checkpoints.Checkpoint, "save", calls)
        assert (tmp_path / "run" / "checkpoint.npz").is_file()
    RECIPES[name].fit(tmp_path / "run", verbose=False)
    assert not (tmp_path / "run" / "checkpoint.npz").exists()
    assert_same(facts(tmp_path / "run"), whole(name))


@pytest.mark.parametrize(
    ("owner", "name", "calls"),
    [
        (SENTIMENT, "evaluate", 1),
        (SENTIMENT, "evaluate", 4),
        (SENTIMENT, "calibrate", 1),
        (Run, "save_model", 1),
        (report.Report, "save", 1),
        (Run, "load", 1),
        (tf.saved_model, "save", 1),
    ],
)
def test_what_dies_elsewhere_comes_to_the_same_end(owner, name, calls, whole, tmp_path):
    dies(RECIPES["bag_of_words"], tmp_path / "run", owner, name, calls)
    RECIPES["bag_of_words"].fit(tmp_path / "run", verbose=False)
    assert_same(facts(tmp_path / "run"), whole("bag_of_words"))


def test_several_seeds_go_on(whole, tmp_path):
    recipe = dataclasses.replace(
        RECIPES["bag_of_words"],
        training={"epochs": 1, "batch_size": 32, "seeds": [3, 4], "dashboards": "none"},
    )
    recipe.fit(tmp_path / "whole", verbose=False)
    dies(recipe, tmp_path / "run", checkpoints.Checkpoint, "save", 10)
    assert (tmp_path / "run" / "seed_3" / "report.json").is_file()
    recipe.fit(tmp_path / "run", verbose=False)
    assert_same(facts(tmp_path / "run"), facts(tmp_path / "whole"))


_FIT = """
import sys
from zoo.training.checkpoint import Checkpoint
from zoo.cli import main
Checkpoint.is_due = True
main()
"""


def zoo_fit(recipe, out, *more):
    recipe.save(out.parent / "recipe.toml")
    words = ["fit", "--recipe", out.parent / "recipe.toml", "--out", out, "--quiet", *more]
    return subprocess.Popen([sys.executable, "-c", _FIT, *words], stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_process_and_one_that_was_asked_to_stop_go_on(tmp_path, grappler):
    out = tmp_path / "run"
    recipe = dataclasses.replace(
        RECIPES["lstm"], training={**RECIPES["lstm"].training, "epochs": 40, "early_stopping": 40}
    )
    for number, status in ((signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)):
        before = files_and_times(out)
        process = zoo_fit(recipe, out)
        while process.poll() is None and files_and_times(out) == before:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        _, told = process.communicate()
        assert process.returncode == status, told
        if status > 0:
            assert "Stopped in epoch " in told
            assert f"To resume: zoo fit --recipe {tmp_path / 'recipe.toml'} --out {out}" in told
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints.Checkpoint, "is_due", False)
        recipe.fit(out, verbose=False)
        recipe.fit(tmp_path / "whole", verbose=False)
    assert_same(facts(out), facts(tmp_path / "whole"))


def files_and_times(out):
    return [path.stat().st_mtime_ns for path in out.glob("checkpoint.npz")]


def test_two_processes_do_not_write_one_run(tmp_path):
    with files.lock_folder(tmp_path / "run"):
        process = zoo_fit(RECIPES["lstm"], tmp_path / "run")
        _, told = process.communicate()
    assert process.returncode == 2
    assert "run is in use: another process" in told
    assert os.listdir(tmp_path / "run") == []


def test_another_recipe_is_refused_with_the_difference(tmp_path):
    RECIPES["bag_of_words"].fit(tmp_path / "run", verbose=False)
    before = facts(tmp_path / "run")
    other = dataclasses.replace(
        RECIPES["bag_of_words"], training={"epochs": 1, "seed": 3, "dashboards": "none"}
    )
    with pytest.raises(files.FileError, match=r"there epochs = 3; .*now epochs = 1.*--overwrite"):
        other.fit(tmp_path / "run", verbose=False)
    assert_same(facts(tmp_path / "run"), before)
    other.fit(tmp_path / "run", overwrite=True, verbose=False)
    assert facts(tmp_path / "run")[0]["training"]["epochs"] == 1


def test_a_run_that_has_ended_is_not_made_again(tmp_path, monkeypatch):
    RECIPES["bag_of_words"].fit(tmp_path / "run", verbose=False)
    monkeypatch.setattr(Loop, "fit", None)
    RECIPES["bag_of_words"].fit(tmp_path / "run", verbose=False)


def test_a_model_gets_the_weights_of_a_run_that_has_ended(reviews, tmp_path):
    task = zoo.tasks.sentiment(reviews)
    weights = []
    for seed_of_start in (1, 2):
        keras.utils.set_random_seed(seed_of_start)
        model = zoo.LSTM(**task.model_arguments(), units=4, embedding_dim=4)
        zoo.fit_and_evaluate(
            model,
            task,
            epochs=1,
            log_dir=tmp_path / "run",
            resume=True,
            dashboards="none",
            verbose=False,
        )
        weights.append(model.get_weights())
    for fitted, read_back in zip(*weights, strict=True):
        assert fitted.tobytes() == read_back.tobytes()


def test_other_arguments_are_refused_in_python_too(reviews, tmp_path):
    task = zoo.tasks.sentiment(reviews)
    arguments = {"log_dir": tmp_path / "run", "resume": True, "verbose": False}
    arguments["dashboards"] = "none"

    def fit(**changes):
        zoo.fit_and_evaluate(
            lambda: zoo.LSTM(**task.model_arguments(), units=4, embedding_dim=4),
            task,
            **{"epochs": 1, **arguments, **changes},
        )

    fit()
    with pytest.raises(ValueError, match="training.learning_rate: 0.01 there, 0.5 now"):
        fit(learning_rate=0.5)
    with pytest.raises(ValueError, match="seed: 0 there, 1 now"):
        fit(seed=1)
    with pytest.raises(ValueError, match="resume requires log_dir"):
        fit(log_dir=None)
    fit(resume=False, seed=1)


@pytest.mark.parametrize(
    ("task_options", "model_options", "difference"),
    [
        ({"adversarial": 0.5}, {}, r"task\.adversarial: 0\.0 there, 0\.5 now"),
        ({"truncation": "end"}, {}, r"task\.text_to_ids\.truncation: 'both' there, 'end' now"),
        ({}, {"dropout": 0.25}, r"model\.feature_dropout: 0\.0 there, 0\.25 now"),
    ],
)
def test_other_options_of_task_or_model_are_refused(
    task_options, model_options, difference, reviews, tmp_path, eager
):
    """Both where a fit has ended and where it was broken off."""

    def fit(task_options=None, model_options=None, **options):
        task = zoo.tasks.sentiment(reviews, vocabulary_size=50, **(task_options or {}))
        zoo.fit_and_evaluate(
            lambda: zoo.LSTM(
                **task.model_arguments(),
                **{"units": 2, "embedding_dim": 2, "dropout": 0.0, **(model_options or {})},
            ),
            task,
            **{"epochs": 1, "batch_size": 300, "test": False, "resume": True, "verbose": False},
            **{"dashboards": "none", "log_dir": tmp_path / "run", **options},
        )

    fit()
    with pytest.raises(ValueError, match=difference):
        fit(task_options, model_options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints.Checkpoint, "is_due", True)
        patch.setattr(report.Report, "save", None)
        with pytest.raises(TypeError):
            fit(log_dir=tmp_path / "broken off")
    with pytest.raises(ValueError, match=difference):
        fit(task_options, model_options, log_dir=tmp_path / "broken off")


def test_a_damaged_checkpoint_is_told(tmp_path):
    dies(RECIPES["bag_of_words"], tmp_path / "run", checkpoints.Checkpoint, "save", 2)
    checkpoint = tmp_path / "run" / "checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(files.FileError, match=r"checkpoint\.npz is damaged"):
        RECIPES["bag_of_words"].fit(tmp_path / "run", verbose=False)
    checkpoint.unlink()
    RECIPES["bag_of_words"].fit(tmp_path / "run", verbose=False)


def test_what_a_killed_process_left_is_cleared(tmp_path):
    (tmp_path / "run" / ".model.keras.a1b2c3d4").mkdir(parents=True)
    (tmp_path / "run" / "seed_1" / ".report.json.abcdefgh").mkdir(parents=True)
    (tmp_path / "run" / ".git").mkdir()
    files.clear_leftovers(tmp_path / "run")
    assert sorted(os.listdir(tmp_path / "run")) == [".git", "seed_1"]
    assert os.listdir(tmp_path / "run" / "seed_1") == []
