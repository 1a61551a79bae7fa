"""Damaged files by the hundred: each reader answers, or tells what is wrong in one clear sentence.

`make fuzz` tries sixty times as many.
"""

import copy
import json
import os
import shutil
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zoo
from zoo.catalog.recipe import Recipe
from zoo.datasets import LABELLED_TEXTS, DatasetError
from zoo.serving import allowed_ops
from zoo.training.checkpoint import Checkpoint
from zoo.training.report import Report
from zoo.training.run import read_task
from zoo.utils import checksums, pretrained
from zoo.utils.allowed_classes import check_archive
from zoo.utils.files import FileError

TIMES = int(os.environ.get("ZOO_FUZZ", "1"))
# Of what a test names, where nobody asks for more.
SHARE = 3


def tries(number):
    return settings(
        max_examples=number * TIMES // SHARE,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def refuses_clearly(read, *errors):
    """Whether `read` answers or raises one of the errors, with one sentence in it."""
    try:
        read()
    except errors as error:
        message = str(error)
        assert message.strip().endswith((".", "?", ")")), message
        assert "Traceback" not in message
        return True
    return False


def json_values(numbers):
    return st.recursive(
        st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=10,
    )


JSON = json_values(st.integers())
# A model may be as large as it says, and memory is not what these look at.
JSON_OF_SMALL_MODELS = json_values(st.integers(-3, 99))


@st.composite
def changed(draw, original, values=JSON):
    """A value that JSON can hold with one or two of its parts replaced, left out or doubled."""
    value = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 2))):
        parent, node = None, value
        while isinstance(node, (dict, list)) and node and (parent is None or draw(st.booleans())):
            key = draw(
                st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node)))
            )
            parent, node = node, node[key]
        if parent is None:
            return draw(values)
        if draw(st.booleans()):
            parent[key] = draw(values)
        else:
            del parent[key]
    return value


@st.composite
def cut_or_flipped(draw, original: bytes):
    """Bytes with some of them changed, left out, doubled or put in."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 40)))
        content[start:end] = draw(st.binary(max_size=20) | st.just(bytes(content[start:end]) * 3))
    return bytes(content)


TABLE = b'text,label\n"A fine, ""fine"" film.",1\nDull.,0\nNot bad,1\nBad,0\n'
LINES = b'{"text": "A fine film.", "label": "1"}\n{"text": "Dull.", "label": "0"}\n' * 3


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("a.csv", TABLE),
        ("a.tsv", TABLE.replace(b",", b"\t")),
        ("a.jsonl", LINES),
        ("a.txt", "Ein Satz. 名前\r\n\r\nEin zweiter.\n".encode()),
    ],
)
@pytest.mark.parametrize("columns", [LABELLED_TEXTS, {"text": "text"}])
@tries(150)
@given(data=st.data())
def test_tables_and_texts(tmp_path, name, original, columns, data):
    file = tmp_path / name
    file.write_bytes(data.draw(st.binary(max_size=200) | cut_or_flipped(original)))
    refuses_clearly(lambda: zoo.datasets.load(str(file), columns=columns), DatasetError)


SHIPPED = sorted(pretrained.folder().glob("*/"))


@pytest.mark.parametrize("folder", SHIPPED[:3], ids=lambda folder: folder.name)
@tries(150)
@given(data=st.data())
def test_reports(tmp_path, folder, data):
    original = json.loads((folder / "report.json").read_text())
    file = tmp_path / "report.json"
    file.write_text(json.dumps(data.draw(changed(original))))
    refuses_clearly(lambda: str(Report.load(file)), FileError)


@pytest.mark.parametrize("folder", SHIPPED[:3], ids=lambda folder: folder.name)
@tries(150)
@given(data=st.data())
def test_tasks(tmp_path, folder, data):
    config = folder / "1" / "assets.extra" / "task.json"
    original = json.loads(config.read_text())
    vocabulary = original["text_to_ids"]["vocabulary"]
    if isinstance(vocabulary, list):
        original["text_to_ids"]["vocabulary"] = vocabulary[:20]
    file = tmp_path / "task.json"
    file.write_text(json.dumps(data.draw(changed(original))))
    refuses_clearly(lambda: read_task(file), FileError)


RECIPE = tomllib.loads((pretrained.folder() / "gru_imdb" / "recipe.toml").read_text())


@tries(300)
@given(data=st.data())
def test_recipes(tmp_path, data):
    file = tmp_path / "recipe.toml"
    value = data.draw(changed(RECIPE))
    try:
        file.write_text(_toml(value))
    except (TypeError, UnicodeEncodeError):
        return
    refuses_clearly(lambda: Recipe.load(file).check(), FileError, ValueError)


def _toml(value):
    """A value as TOML, in one line for each entry."""
    if not isinstance(value, dict):
        raise TypeError("TOML holds a table.")

    def written(item):
        if isinstance(item, dict):
            entries = ", ".join(f"{json.dumps(k)} = {written(v)}" for k, v in item.items())
            return f"{{{entries}}}"
        if isinstance(item, list):
            return f"[{', '.join(map(written, item))}]"
        return json.dumps(item)

    return "".join(f"{json.dumps(key)} = {written(item)}\n" for key, item in value.items())


@tries(200)
@given(data=st.data())
def test_bytes_that_should_be_json_or_toml(tmp_path, data):
    content = data.draw(st.binary(max_size=300) | cut_or_flipped(b'{"model": "gru", "task": "x"}'))
    for read in (Report.load, read_task, Recipe.load):
        file: Path = tmp_path / "file"
        file.write_bytes(content)
        refuses_clearly(lambda read=read, file=file: read(file), FileError)


@tries(200)
@given(data=st.data())
def test_manifests(tmp_path, data):
    (tmp_path / "weights").write_bytes(b"1234")
    checksums.write_manifest(tmp_path, ["weights"])
    original = json.loads((tmp_path / checksums.MANIFEST).read_text())
    try:
        value = data.draw(changed(original))
        (tmp_path / checksums.MANIFEST).write_text(json.dumps(value))
        refuses_clearly(lambda: checksums.check_manifest(tmp_path), FileError)
    finally:
        (tmp_path / checksums.MANIFEST).unlink()


# The version and the flags in the directory of a ZIP file: patched data, encryption.
UNSUPPORTED = [(6, 64), (8, 1), (8, 32), (8, 64)]


@pytest.mark.parametrize(("offset", "value"), UNSUPPORTED)
def test_a_zip_file_that_python_does_not_support_is_damaged(offset, value, model_file, tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    checkpoint.save({"epoch": 3}, {"weights": [np.eye(3)]})
    model, members = model_file
    with zipfile.ZipFile(model, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    for path, read in ((checkpoint.path, checkpoint.load), (model, lambda: check_archive(model))):
        content = bytearray(path.read_bytes())
        at = content.index(b"PK\1\2")
        while at >= 0:
            content[at + offset] = value
            at = content.find(b"PK\1\2", at + 1)
        path.write_bytes(bytes(content))
        with pytest.raises(FileError, match="is damaged"):
            read()


@tries(300)
@given(data=st.data())
def test_checkpoints(tmp_path, data):
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    checkpoint.save({"epoch": 3, "loss": 0.1}, {"weights": [np.eye(3), np.zeros(2, "uint32")]})
    checkpoint.path.write_bytes(data.draw(cut_or_flipped(checkpoint.path.read_bytes())))
    refuses_clearly(checkpoint.load, FileError)


@pytest.fixture
def model_file(run, tmp_path):
    """A run that has no checksums, as one from elsewhere, and its model's members by name."""
    shutil.copy(run / "task.json", tmp_path)
    with zipfile.ZipFile(run / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return tmp_path / "model.keras", members


@tries(300)
@given(data=st.data())
def test_archives_of_models(run, model_file, data):
    file, _ = model_file
    file.write_bytes(data.draw(cut_or_flipped((run / "model.keras").read_bytes())))
    refuses_clearly(lambda: zoo.load(file.parent), FileError)


@tries(120)
@given(data=st.data())
def test_configurations_of_models(model_file, data):
    file, members = model_file
    config = data.draw(changed(json.loads(members["config.json"]), JSON_OF_SMALL_MODELS))
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, json.dumps(config) if name == "config.json" else content)
    refuses_clearly(lambda: zoo.load(file.parent), FileError)


@tries(300)
@given(data=st.data())
def test_weights_of_models(model_file, data):
    """The archive is whole; what is in it is not what HDF5 expects."""
    file, members = model_file
    weights = data.draw(cut_or_flipped(members["model.weights.h5"]))
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, weights if name == "model.weights.h5" else content)
    refuses_clearly(lambda: zoo.load(file.parent), FileError)


@tries(300)
@given(data=st.data())
def test_graphs(run, tmp_path, data):
    graph = (run / "saved_model" / "1" / "saved_model.pb").read_bytes()
    (tmp_path / "saved_model.pb").write_bytes(data.draw(cut_or_flipped(graph)))
    refuses_clearly(lambda: allowed_ops.check_ops(tmp_path), FileError)
