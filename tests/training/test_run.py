"""The folder of a run: its files, and what another version of the zoo has written."""

import importlib
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

import zoo
from tests.helpers import bag_recipe
from zoo.training.checkpoint import Checkpoint
from zoo.training.report import Report
from zoo.training.run import FORMAT, ModelNotFoundError, Run
from zoo.utils import files, pretrained
from zoo.utils.lazy import call_after_import


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """A run that nobody changes."""
    out = tmp_path_factory.mktemp("runs") / "bag"
    bag_recipe().fit(out, verbose=False)
    return out


@pytest.fixture
def copy(bag, tmp_path):
    shutil.copytree(bag, tmp_path / "bag")
    return Run(tmp_path / "bag")


def change(file, **entries):
    """Changes entries of a JSON file, and leaves out those that are None."""
    changed = {**json.loads(file.read_text()), **entries}
    file.write_text(json.dumps({k: v for k, v in changed.items() if v is not None}))
    (file.parent / "manifest.json").unlink(missing_ok=True)
    (file.parent.parent / "manifest.json").unlink(missing_ok=True)


OLD = [
    ({"format": None, "zoo": None}, r"zoo 0\.1\.0 \(format 1\)"),
    ({"format": 1, "zoo": "0.0.7"}, r"zoo 0\.0\.7 \(format 1\)"),
    ({"format": FORMAT + 1, "zoo": "9.0"}, rf"zoo 9\.0 \(format {FORMAT + 1}\)"),
]


@pytest.mark.parametrize(("entries", "version"), OLD)
def test_a_run_of_another_version_is_refused(copy, entries, version):
    change(copy.task, **entries)
    expected = rf"^\S*bag was written by {version}; this is format {FORMAT}: train it again\.$"
    with pytest.raises(files.FileError, match=expected):
        zoo.load(copy.path)
    with pytest.raises(files.FileError, match=expected):
        bag_recipe().fit(copy.path, verbose=False)


@pytest.mark.parametrize(("entries", "version"), OLD)
def test_a_saved_model_of_another_version_is_refused(copy, entries, version):
    folder = copy.saved_model
    change(folder / "assets.extra" / "task.json", **entries)
    expected = (
        rf"^\S*saved_model.1 was written by {version}; this is format {FORMAT}: train it again"
    )
    for use in (zoo.load, zoo.TextClassifier, lambda path: zoo.evaluate(path, reviews())):
        with pytest.raises(files.FileError, match=expected):
            use(folder)


def reviews():
    return zoo.datasets.load(
        "synthetic_reviews", train_size=20, validation_size=20, test_size=20, seed=1
    )


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    task = zoo.tasks.sentiment(reviews())
    Checkpoint(Run(tmp_path).checkpoint).save({"arguments": {}, "progress": {}}, {})
    with pytest.raises(files.FileError, match=r"was written by zoo 0\.1\.0 \(format 1\)"):
        zoo.fit_and_evaluate(
            lambda: zoo.BagOfWords(**task.model_arguments()),
            task,
            log_dir=tmp_path,
            resume=True,
            verbose=False,
        )


def test_what_ships_has_the_format_of_today():
    for name in pretrained.names():
        task = pretrained.folder() / name / "1" / "assets.extra" / "task.json"
        assert json.loads(task.read_text())["format"] == FORMAT


def test_a_run_is_found_by_its_path_and_by_the_name_of_a_pretrained_model(bag):
    assert Run.find(bag).path == bag
    assert Run.find("gru_imdb").path == pretrained.folder() / "gru_imdb"
    with pytest.raises(ModelNotFoundError, match="no model at nowhere"):
        Run.find("nowhere")


def test_a_damaged_run_is_not_found(copy):
    copy.model.write_bytes(b"")
    with pytest.raises(files.FileError, match=r"model\.keras is damaged"):
        Run.find(copy.path)


def test_a_cleared_run_keeps_the_files_of_others(copy):
    (copy.path / "notes.txt").write_text("mine")
    copy.of_seed(3).path.mkdir()
    copy.clear()
    assert [path.name for path in copy.path.iterdir()] == ["notes.txt"]


def test_a_run_that_begins_again_has_no_report(copy):
    _, task = copy.load()
    assert copy.has_ended
    copy.begin(task)
    assert not copy.has_ended
    copy.load()
    with pytest.raises(files.FileError, match=r"report\.json is missing"):
        Report.load(copy.report)


def test_only_one_process_holds_a_run(tmp_path):
    with Run(tmp_path).lock(), pytest.raises(files.FileError, match="is in use"):
        Run(tmp_path).lock().__enter__()


def test_keras_loads_the_model_of_a_run_once_the_zoo_is_imported(bag):
    code = (
        "import sys, zoo, keras\n"
        "assert 'zoo.training.routine' not in sys.modules\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "print(type(model).__name__, type(model.optimizer).__name__)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, Run(bag).model],
        cwd=pathlib.Path(zoo.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "SequenceModel FiniteAdam\n", ran.stderr


def test_a_call_waits_for_an_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "awaited_module.py").write_text("value = 1")
    seen = []

    def look():
        seen.append(sys.modules["awaited_module"].value)

    call_after_import("awaited_module", look)
    importlib.import_module("json")
    assert seen == []
    importlib.import_module("awaited_module")
    assert seen == [1]
    call_after_import("awaited_module", look)
    assert seen == [1, 1]
