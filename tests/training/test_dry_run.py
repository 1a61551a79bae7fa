"""A dry run says what a fit would do and take, and writes nothing."""

import dataclasses
import json
import os
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.helpers import bag_recipe
from tests.models.cases import SMALL
from zoo.catalog.recipe import Recipe
from zoo.training.dry_run import ShortageError
from zoo.training.memory import check_weights
from zoo.utils import resources

DATA = bag_recipe().data_options


def tiny(model: str, task: str, **options) -> Recipe:
    return dataclasses.replace(
        bag_recipe(), model=model, task=task, model_options=SMALL[model], **options
    )


@pytest.fixture(scope="module")
def dry(tmp_path_factory):
    return bag_recipe(batch_size=20, epochs=3).dry_run(tmp_path_factory.mktemp("runs") / "bag")


def test_it_says_what_a_fit_would_read(dry):
    dataset = zoo.datasets.load("synthetic_reviews", **DATA)
    task = zoo.tasks.sentiment(dataset)
    lengths = task.examples("train").lengths
    assert dry.sizes == {"train": 200, "validation": 50, "test": 50}
    assert dry.classes["positive"] == pytest.approx(np.mean(dataset.train["label"]))
    assert (dry.median_length, dry.cut_share) == (np.median(lengths), 0)
    assert dry.long_length == int(np.quantile(lengths, 0.95))
    assert dry.vocabulary_size == len(task.text_to_ids.vocabulary)
    assert dry.unknown_share == np.mean(task.examples("validation").sequences.ids == 1)
    assert (dry.steps, dry.epochs, dry.num_seeds) == (30, 3, 1)


def test_texts_that_are_too_long_are_measured_as_they_are():
    recipe = dataclasses.replace(bag_recipe(), task_options={"sequence_length": 10})
    cut = recipe.dry_run("nowhere")
    reviews = zoo.datasets.load(recipe.data, **recipe.data_options)
    lengths = zoo.tasks.sentiment(reviews).examples("train").lengths
    assert cut.median_length == int(np.median(lengths))
    assert cut.cut_share == np.mean(lengths > 10)


def test_it_goes_before_a_fit_of_a_classifier(tmp_path):
    dry = tiny("bag_of_bigrams", "sentiment").dry_run(tmp_path / "a" / "run")
    assert dry.model == "bag_of_bigrams" and dry.parameters > 0
    assert all(seconds >= 0 for seconds in dry.seconds.values())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", ["gru", "transformer"])
def test_it_goes_before_a_fit_of_a_writer(model, tmp_path, eager):
    dry = tiny(model, "text_generation").dry_run(tmp_path / "run")
    assert dry.classes == {} and dry.steps > 0
    assert dry.seconds["testing"] > 0
    assert not list(tmp_path.iterdir())


def test_seeds_are_counted_and_a_test_that_is_not_wanted_is_not(dry, tmp_path):
    several = bag_recipe(seeds=[1, 2], test=False).training
    several.pop("seed")
    twice = dataclasses.replace(bag_recipe(), training=several).dry_run(tmp_path)
    assert twice.num_seeds == 2 and "for each of 2 seeds" in str(twice)
    assert twice.seconds["testing"] == 0 < dry.seconds["testing"]
    assert twice.disk > dry.disk


def test_the_files_of_a_run_take_no_more_than_was_said(dry, tmp_path):
    bag_recipe().fit(tmp_path, command="a test", verbose=False)
    written = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert written < dry.disk
    weights = 4 * dry.parameters
    assert dry.disk > 3 * weights


def test_what_has_to_be_fitted_first_is_counted(tmp_path):
    source = tiny("bag_of_words", "text_generation")
    source.save(tmp_path / "writer.toml")
    recipe = tiny("bag_of_words", "sentiment", initial_weights=str(tmp_path / "writer.toml"))
    dry = recipe.dry_run(tmp_path / "run", from_scratch=True)
    assert dry.first.task == "text_generation"
    assert dry.vocabulary_size == dry.first.vocabulary_size
    assert dry.total_seconds == sum(dry.seconds.values()) + sum(dry.first.seconds.values())
    assert "in all" in str(dry)
    assert os.listdir(tmp_path) == ["writer.toml"]


def test_too_little_room_is_refused(dry):
    assert dry.check() is None
    with pytest.raises(ShortageError, match=r"Not enough disk space: .* 1 MB are free"):
        dataclasses.replace(dry, free_disk=1_000_000).check()
    with pytest.raises(ShortageError, match=r"Not enough memory: .* 5 MB more, and 1 MB are"):
        dataclasses.replace(dry, more_memory=5_000_000, available_memory=1_000_000).check()


def _gigantic(**model_options):
    """A recipe of a model that no machine can hold."""
    return dataclasses.replace(tiny("lstm", "sentiment"), model_options=model_options)


def test_a_model_that_is_too_large_is_refused_before_it_is_made(call, tmp_path, monkeypatch):
    _gigantic(units=1_000_000, embedding_dim=8).save(tmp_path / "big.toml")
    steps = []
    monkeypatch.setattr("zoo.training.prepare.Prepared.train_step", lambda *_: steps.append(1))
    words = ("fit", "--recipe", tmp_path / "big.toml", "--out", tmp_path / "run", "--dry-run")
    status, printed, error = call(*words)
    assert (status, printed, steps) == (2, "", [])
    # Four gates of 1,000,000 by 1,000,000 recurrent weights of four bytes.
    assert error.startswith("Error: The model is too large: its weights take 16,000,")
    assert error.count("\n") == 1
    status, printed, fitted = call(*words[:-1])
    assert (status, printed, fitted[:60]) == (2, "", error[:60])
    assert os.listdir(tmp_path / "run") == []


@pytest.mark.parametrize("name", zoo.list_models())
def test_weights_are_counted_before_they_are_made(name, monkeypatch):
    def model():
        sizes = {"vocabulary_size": 30, "num_classes": 2, "sequence_length": 8}
        return zoo.create_model(name, **sizes, **SMALL[name])

    monkeypatch.setattr(resources, "available_memory", lambda: 0)
    with pytest.raises(ShortageError) as caught:
        check_weights(model)
    monkeypatch.setattr(resources, "available_memory", lambda: 12 * model().count_params() + 999)
    check_weights(model)
    assert "The model is too large: its weights take " in str(caught.value)


def test_a_batch_that_is_too_large_is_refused_before_a_step(monkeypatch):
    recipe = dataclasses.replace(tiny("gru", "sentiment"), training={"epochs": 1, "seed": 1})
    monkeypatch.setattr("zoo.training.prepare.Prepared.train_step", lambda *_: 1 / 0)
    sizes = iter([10**12, 100_000])
    monkeypatch.setattr(resources, "available_memory", lambda: next(sizes))
    with pytest.raises(ShortageError, match=r"A batch is too large: 64 texts of up to \d+ tokens"):
        recipe.dry_run("nowhere")


@pytest.mark.parametrize(
    "raised",
    [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")],
)
def test_memory_that_is_exhausted_in_a_step_is_too_large(raised, monkeypatch):
    def train_step(*_):
        raise raised

    monkeypatch.setattr("zoo.training.prepare.Prepared.train_step", train_step)
    with pytest.raises(ShortageError, match="The fit is too large: .* use a smaller model"):
        bag_recipe().dry_run("nowhere")


def test_free_disk_is_that_of_the_nearest_folder(tmp_path):
    there = resources.free_disk(tmp_path)
    assert resources.free_disk(tmp_path / "not" / "yet") == pytest.approx(there, rel=0.01)


def test_a_control_group_bounds_the_memory(tmp_path, monkeypatch):
    """The least of the groups above, less what is used, with what can be given back."""
    files = {
        "memory.max": "max",
        "group/memory.max": "1000",
        "group/memory.current": "700",
        "group/memory.stat": "anon 600\ninactive_file 100\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "cgroup").write_text("0::/group/inner\n")
    _, *names = resources._GROUPS[""]
    monkeypatch.setattr(resources, "_GROUPS", {"": (str(tmp_path), *names)})
    read = pathlib.Path.read_text

    def redirected(path):
        return read(tmp_path / "cgroup" if str(path) == "/proc/self/cgroup" else path)

    monkeypatch.setattr(pathlib.Path, "read_text", redirected)
    assert resources.available_memory() == 400


# On the command line


def test_the_command_prints_it_and_writes_nothing(call, dry, tmp_path):
    bag_recipe(batch_size=20, epochs=3).save(tmp_path / "bag.toml")
    words = ("fit", "--recipe", tmp_path / "bag.toml", "--out", tmp_path / "run", "--dry-run")
    status, printed, error = call(*words, "--json")
    facts = json.loads(printed)
    assert (status, error) == (0, "")
    assert facts["total_seconds"] == pytest.approx(sum(facts["seconds"].values()))
    same = ("sizes", "classes", "warnings", "parameters", "steps", "disk")
    assert [facts[name] for name in same] == [getattr(dry, name) for name in same]
    assert os.listdir(tmp_path) == ["bag.toml"]


def test_the_table_is_aligned(dry):
    all_lines = str(dry).splitlines()
    lines = [line for line in all_lines if not line.startswith(" ")]
    names = [line.split()[0] for line in lines]
    assert names[:6] == ["model", "task", "data", "classes", "length", "vocabulary"]
    assert names[-4:] == ["steps", "seconds", "disk", "memory"]
    assert {re.match(r"\w* +", line).end() for line in all_lines} == {12}
    assert max(map(len, all_lines)) <= 80
    assert "30, epochs 3" in lines[-4] and lines[0].endswith("parameters")


def test_what_a_fit_would_refuse_is_refused(call, tmp_path, monkeypatch):
    bag_recipe(epochs=2).save(tmp_path / "run" / "recipe.toml")
    bag_recipe().save(tmp_path / "bag.toml")
    words = ("fit", "--recipe", tmp_path / "bag.toml", "--dry-run", "--out")
    status, printed, error = call(*words, tmp_path / "run")
    assert (status, printed) == (2, "") and "holds a run of another recipe" in error
    status, _, error = call(*words, tmp_path / "other", "--seeds", "1,1")
    assert status == 2 and "seeds must be different numbers" in error
    monkeypatch.setattr(resources, "free_disk", lambda path: 1000)
    status, printed, error = call(*words, tmp_path / "other")
    assert status == 2 and "disk" in printed
    assert error.startswith("Error: Not enough disk space") and error.count("\n") == 1


def test_a_loss_that_is_no_number_is_one_sentence(call, tmp_path):
    bag_recipe().save(tmp_path / "bag.toml")
    words = ("fit", "--recipe", tmp_path / "bag.toml", "--learning-rate", 1e30, "--quiet")
    assert "Loss is nan within the first steps" in call(*words, "--out", "nowhere", "--dry-run")[2]
    status, printed, error = call(*words, "--out", tmp_path / "run")
    assert (status, printed) == (2, "")
    assert error.startswith("Error: ") and error.count("\n") == 1
    assert "Loss is nan at step" in error and "with --overwrite" in error
