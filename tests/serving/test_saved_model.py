"""The SavedModel where there is neither zoo nor Keras, and on any text."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import zoo
from tests.models.cases import SMALL
from zoo.models import list_models
from zoo.utils import files

# Loads with plain TensorFlow, prints what `serve` answers to the texts in a JSON file, as JSON.
PLAIN = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["zoo"] = sys.modules["keras"] = None
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
texts = [bytes.fromhex(text) for text in json.load(open(sys.argv[2]))]
answers = loaded.signatures["serving_default"](text=tf.constant(texts, tf.string, [len(texts)]))
print(json.dumps({
    "label": [label.decode() for label in answers["label"].numpy()],
    "score": answers["score"].numpy().tolist(),
    "probabilities": answers["probabilities"].numpy().tolist(),
}))
"""

ANY_TEXTS = [
    b"The story was wonderful.",
    b"",
    b" \n\t ",
    b"\xff\xfe not UTF-8 \xc3",
    "😀 très 我喜欢 \u202e\0".encode(),
    b"word " * 200_000,
    b"x" * 1_000_000,
]


def in_plain_tensorflow(saved_model: pathlib.Path, texts: list[bytes], scratch: pathlib.Path):
    (scratch / "texts.json").write_text(json.dumps([text.hex() for text in texts]))
    ran = subprocess.run(
        [sys.executable, "-c", PLAIN, str(saved_model), str(scratch / "texts.json")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", list_models())
def test_plain_tensorflow_gives_what_the_model_gives(name, reviews, tmp_path):
    task = zoo.tasks.sentiment(reviews)
    model = zoo.create_model(name, **{**SMALL.get(name, {}), **task.model_arguments()})
    path = zoo.export_saved_model(model, task, tmp_path / "1")
    texts = [text.encode() for text in reviews.test["text"][:5]] + ANY_TEXTS
    answers = in_plain_tensorflow(path, texts, tmp_path)
    for text, probabilities, label in zip(
        texts, answers["probabilities"], answers["label"], strict=True
    ):
        logits = np.asarray(model(task.text_to_ids([text])))[0].astype("float64")
        expected = np.exp(logits) / np.exp(logits).sum()
        # Alone or beside a text of 1 MB, a text gets the same answer.
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
        assert label == reviews.label_names[int(expected.argmax())]
    np.testing.assert_allclose(answers["score"], np.max(answers["probabilities"], axis=1))


@pytest.mark.parametrize("texts", [[], [b""], [b"", b" "]], ids=["none", "empty", "only empty"])
def test_batches_without_a_word(run, texts, tmp_path):
    answers = in_plain_tensorflow(run / "saved_model" / "1", texts, tmp_path)
    assert len(answers["label"]) == len(answers["probabilities"]) == len(texts)
    assert np.isfinite(answers["score"]).all()


def test_saved_model_cli_runs_it(run):
    cli = pathlib.Path(sys.executable).parent / "saved_model_cli"
    where = ["--dir", str(run / "saved_model" / "1"), "--tag_set", "serve"]
    shown = subprocess.run([cli, "show", *where, "--signature_def", "serve"], **CAPTURED)
    assert "inputs['text'] tensor_info" in shown.stdout and "dtype: DT_STRING" in shown.stdout
    for output in ("label", "score", "probabilities"):
        assert f"outputs['{output}'] tensor_info" in shown.stdout
    ran = subprocess.run(
        [cli, "run", *where, "--signature_def", "serve", "--input_exprs", "text=['A fine film.']"],
        **CAPTURED,
    )
    assert ran.returncode == 0 and "Result for output key label" in ran.stdout, ran.stderr


CAPTURED = {"capture_output": True, "text": True, "timeout": 300, "check": False}


def test_only_core_ops_are_used(run):
    """Every op of the graph is one that TensorFlow registers by itself."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    from tensorflow.python.framework import op_def_registry

    proto = SavedModel()
    proto.ParseFromString((run / "saved_model" / "1" / "saved_model.pb").read_bytes())
    graph = proto.meta_graphs[0].graph_def
    ops = {node.op for node in graph.node}
    ops |= {node.op for function in graph.library.function for node in function.node_def}
    functions = {function.signature.name for function in graph.library.function}
    assert len(ops) > 20
    assert [op for op in ops - functions if op_def_registry.get(op) is None] == []
    assert not ops & {"PyFunc", "EagerPyFunc", "WriteFile", "ReadFile"}


def test_an_export_takes_the_place_of_an_older_one(run, tmp_path):
    model, task = zoo.load(run)
    old = tmp_path / "1"
    old.mkdir()
    (old / "left over").write_text("from before")
    zoo.export_saved_model(model, task, old)
    assert (old / "saved_model.pb").is_file() and not (old / "left over").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_an_export_that_fails_leaves_the_older_one(run, tmp_path, monkeypatch):
    shutil.copytree(run / "saved_model" / "1", tmp_path / "1")
    before = (tmp_path / "1" / "saved_model.pb").read_bytes()

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_flush", full_disk)
    with pytest.raises(
        OSError, match=rf"Cannot write {tmp_path}/1/manifest\.json: No space left on device"
    ):
        zoo.export_saved_model(*zoo.load(run), tmp_path / "1")
    assert (tmp_path / "1" / "saved_model.pb").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_folder_whose_name_is_a_pattern_is_loaded(run, tmp_path):
    folder = tmp_path / "run [1]" / "{a}\\b"
    shutil.copytree(run / "saved_model" / "1", folder / "1")
    text = "The story was wonderful."
    assert zoo.pipeline(folder / "1")(text) == zoo.pipeline(run)(text)
    model, _ = zoo.load(folder / "1")
    expected, _ = zoo.load(run)
    for weight, other in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, other)
