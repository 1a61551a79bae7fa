"""Models that ship: found by name, ranked by score, and refused when a byte is wrong."""

import json
import shutil

import pytest

import zoo
from tests.helpers import bag_recipe
from zoo.catalog.package import export_again, ship
from zoo.catalog.recipe import Recipe
from zoo.utils import checksums, files, pretrained


@pytest.fixture(scope="module")
def models(reviews, run, tmp_path_factory):
    """A folder of models that ship, one in it."""
    folder = tmp_path_factory.mktemp("zoo") / "saved_models"
    recipe = Recipe(
        "gru",
        "sentiment",
        "synthetic_reviews",
        quantization="float16",
        data_options=reviews.arguments,
        model_options={"embedding_dim": 8, "units": 8},
        training={"epochs": 2, "seed": 3},
    )
    source = tmp_path_factory.mktemp("runs") / "gru"
    shutil.copytree(run, source)
    recipe.save(source / "recipe.toml")
    ship(source, "gru_synthetic", folder=folder)
    return folder


@pytest.fixture
def zoo_with(models, monkeypatch):
    monkeypatch.setattr(pretrained, "folder", lambda: models)
    return models


def test_a_shipped_model_is_all_there_and_nothing_else(models):
    model = models / "gru_synthetic"
    assert {path.name for path in model.iterdir()} == {
        "1",
        "README.md",
        "manifest.json",
        "recipe.toml",
        "report.json",
    }
    assert not [path for path in model.rglob("*") if path.suffix == ".keras"]


def test_its_scores_are_those_of_what_is_stored(reviews, zoo_with, run):
    facts = zoo.Report.load(zoo_with / "gru_synthetic" / "report.json").details["shipped"]
    for split in ("validation", "test"):
        assert facts[split] == zoo.evaluate("gru_synthetic", reviews, split).scores
    assert facts["quantization"] == "float16"
    assert facts["seed"] == 3
    # Half precision is near the fitted model, and not it.
    fitted = zoo.Report.load(run / "report.json").test
    assert facts["test"]["loss"] == pytest.approx(fitted["loss"], abs=1e-3)
    assert facts["test"]["loss"] != fitted["loss"]


def test_it_is_loaded_by_its_name_and_goes_on_learning(reviews, zoo_with):
    model, task = zoo.load("gru_synthetic", reviews)
    texts = ["The story was never weak.", "The music was dull."]
    probabilities = zoo.pipeline("sentiment-analysis", "gru_synthetic").probabilities(texts)
    import keras

    logits = model(task.text_to_ids(texts))
    assert probabilities == pytest.approx(keras.ops.softmax(logits).numpy(), abs=1e-6)
    # A step of no length: it begins where the shipped one stands.
    report = zoo.fit_and_evaluate(
        model, task, epochs=1, learning_rate=1e-30, verbose=False, test=False
    )
    written = zoo.Report.load(zoo_with / "gru_synthetic" / "report.json").details["shipped"]
    assert report.validation["loss"] == pytest.approx(written["validation"]["loss"], abs=1e-6)


def test_the_best_that_ships_is_taken_where_nobody_names_one(zoo_with, tmp_path, monkeypatch):
    answer = zoo.pipeline("sentiment-analysis")("The story was never weak.")
    assert answer == zoo.pipeline("sentiment-analysis", "gru_synthetic")(
        "The story was never weak."
    )
    for name, accuracy in (("a", 0.7), ("b", 0.9), ("c", 0.8)):
        report = {
            "task": "sentiment",
            "metrics": [{"name": "accuracy", "higher_is_better": True, "main": True}],
            "details": {"shipped": {"test": {"accuracy": accuracy}}},
        }
        files.write_json(tmp_path / name / "report.json", report)
    monkeypatch.setattr(pretrained, "folder", lambda: tmp_path)
    assert pretrained.best("sentiment") == "b"
    # A score on validation is not one on test.
    report["details"] = {"shipped": {"test": {}, "validation": {"accuracy": 0.99}}}
    files.write_json(tmp_path / "d" / "report.json", report)
    assert pretrained.best("sentiment") == "b"
    with pytest.raises(files.FileError, match=r"There is no pretrained model for text_generation"):
        pretrained.best("text_generation")


def damaged(models, tmp_path, monkeypatch):
    copy = tmp_path / "saved_models"
    shutil.copytree(models, copy)
    monkeypatch.setattr(pretrained, "folder", lambda: copy)
    return copy / "gru_synthetic"


PARTS = [
    "1/saved_model.pb",
    "1/variables/variables.data-00000-of-00001",
    "1/assets.extra/task.json",
    "report.json",
    "recipe.toml",
]


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_bit_is_seen(part, models, tmp_path, monkeypatch):
    file = damaged(models, tmp_path, monkeypatch) / part
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    for use in (zoo.load, zoo.TextClassifier, zoo.evaluate):
        with pytest.raises(files.FileError, match=rf"{part} is damaged: its SHA-256 is not that"):
            use("gru_synthetic")


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_or_a_short_file_is_seen(part, models, tmp_path, monkeypatch):
    file = damaged(models, tmp_path, monkeypatch) / part
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(files.FileError, match=f"expected {size:,} bytes, found {size - 1:,}"):
        zoo.load("gru_synthetic")
    file.unlink()
    with pytest.raises(files.FileError, match=f"{part} is missing: .*manifest.json lists it"):
        zoo.load("gru_synthetic")


def test_a_manifest_that_is_none_is_refused(models, tmp_path, monkeypatch):
    folder = damaged(models, tmp_path, monkeypatch)
    for content in ("[]", '{"report.json": 3}', '{"report.json": {}}', "{"):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(files.FileError, match=r"manifest\.json is damaged"):
            zoo.load("gru_synthetic")


def test_a_wrong_name_is_told_the_right_ones(zoo_with):
    with pytest.raises(files.FileError, match=r"no model at lstm_imbd: .*: gru_synthetic\.$"):
        zoo.load("lstm_imbd")


def test_what_ships_with_this_zoo_is_whole_and_small():
    """All of the real ones."""
    names = pretrained.names()
    if not names:
        pytest.skip("no model ships yet")
    total = 0
    for name in names:
        folder = pretrained.folder() / name
        checksums.check_manifest(folder)
        on_disk = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        listed = set(json.loads((folder / "manifest.json").read_text()))
        assert on_disk == listed | {"manifest.json", "README.md"}
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert size < 12e6, f"{name} has {size:,} bytes."
        total += size
        Recipe.find(name).check()
    assert total < 60e6


def test_what_a_run_left_out_is_scored_once_when_it_ships(tmp_path):
    recipe = bag_recipe(test=False)
    recipe.fit_from_scratch(tmp_path / "run", command="a test", verbose=False)
    without = ship(tmp_path / "run", "without", folder=tmp_path)
    assert zoo.Report.load(without / "report.json").test == {}
    scored = ship(tmp_path / "run", "scored", folder=tmp_path, test=True)
    report = zoo.Report.load(scored / "report.json")
    assert report.test == report.details["shipped"]["test"] != {}
    training = {"epochs": 1, "seed": 1, "dashboards": "none"}
    assert dict(Recipe.find(scored).training) == training
    # That recipe scores test by itself, and comes to the same.
    again = Recipe.find(scored).fit_from_scratch(tmp_path / "again", command="", verbose=False)
    assert again.test == pytest.approx(report.test, abs=1e-6)


@pytest.mark.parametrize("name", pretrained.names())
def test_what_ships_with_this_zoo_answers_and_can_be_learned_on(name):
    """The SavedModel and the Keras model that is read back from it say the same."""
    import keras
    import numpy as np

    texts = ["A wonderful film, with a story that moved me.", "Dull, and I want my money back."]
    model, task = zoo.load(name)
    if task.head == "classifier":
        classify = zoo.pipeline("sentiment-analysis", name)
        assert [answer["label"] for answer in classify(texts)] == ["positive", "negative"]
        expected = keras.ops.softmax(model(task.text_to_ids(texts)))
        np.testing.assert_allclose(classify.probabilities(texts), expected, atol=1e-5)
    else:
        write = zoo.pipeline("text-generation", name)
        answer = write("The", max_new_tokens=8, seed=1)
        assert answer == write("The", max_new_tokens=8, seed=1)
        assert answer["text"].startswith("The")
        nats, num_tokens = write.score(["The end of the story."])
        uniform = np.log(len(task.text_to_ids.vocabulary))
        assert -nats[0] / num_tokens[0] < 0.8 * uniform


def test_exported_again_it_has_the_same_weights_and_scores(models, tmp_path):
    shutil.copytree(models, tmp_path / "models")
    before = tmp_path / "models" / "gru_synthetic"
    weights = (before / "1" / "variables" / "variables.data-00000-of-00001").read_bytes()
    report = zoo.Report.load(before / "report.json")
    after = export_again("gru_synthetic", folder=tmp_path / "models")
    assert (after / "1" / "variables" / "variables.data-00000-of-00001").read_bytes() == weights
    assert (
        zoo.Report.load(after / "report.json").details["shipped"]["test"]
        == (report.details["shipped"]["test"])
    )
    checksums.check_manifest(after)
    assert {path.name for path in after.iterdir()} == {path.name for path in before.iterdir()}
