"""Models in ONNX: outputs are those of Keras, and the files next to them say how texts are read."""

import json
import sys

import numpy as np
import pytest

import zoo
from tests.helpers import small_model

pytest.importorskip("tf2onnx", reason="needs the extra `onnx`")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")

# Recurrence, attention with two inputs, and buckets of pairs: the ops of every architecture.
CASES = [
    ("lstm", "sentiment"),
    ("gru", "text_generation"),
    pytest.param("transformer", "text_generation", marks=pytest.mark.slow),
    pytest.param("gpt", "sentiment", marks=pytest.mark.slow),
    ("bag_of_bigrams", "sentiment"),
]


@pytest.mark.parametrize(("name", "task_name"), CASES)
def test_outputs_are_those_of_keras(name, task_name, reviews, tmp_path):
    task = zoo.tasks.create_task(task_name, reviews)
    task.adapt()
    model = small_model(name, task)
    path = zoo.export_onnx(model, task, tmp_path / "onnx")
    session = onnxruntime.InferenceSession(path / "model.onnx")
    vocabulary = json.loads((path / "vocabulary.json").read_text(encoding="utf-8"))
    assert vocabulary == task.text_to_ids.vocabulary
    for batch, length in ((1, 1), (3, 9)):
        ids = np.random.default_rng(length).integers(4, len(vocabulary), (batch, length), "int32")
        ids[1:, length // 2 :] = 0
        inputs = {"token_ids": ids}
        if name == "transformer":
            inputs["source_ids"] = ids[:, : length // 2 + 1]
        expected = np.asarray(model(inputs if len(inputs) > 1 else ids))
        (found,) = session.run(None, inputs)
        assert found.shape == expected.shape and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_command_writes_what_it_takes_to_classify_a_text(call, run, tmp_path):
    out = tmp_path / "onnx"
    status, printed, _ = call("export", run, "--format", "onnx", "--out", out)
    assert (status, printed.strip()) == (0, str(out))
    assert {file.name for file in out.iterdir()} == {"model.onnx", "vocabulary.json", "task.json"}
    ids = {t: i for i, t in enumerate(json.loads((out / "vocabulary.json").read_text("utf-8")))}
    labels = json.loads((out / "task.json").read_text("utf-8"))["label_names"]
    session = onnxruntime.InferenceSession(out / "model.onnx")
    words = ["the", "acting", "was", "wonderful"]
    token_ids = np.array([[ids.get(word, 1) for word in words]], "int32")
    (logits,) = session.run(None, {"token_ids": token_ids})
    answer = zoo.pipeline(run)(" ".join(words))
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert answer["label"] == labels[shares.argmax()]
    assert answer["score"] == pytest.approx(shares.max(), abs=1e-4)


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        (("--quantization", "int8"), "--quantization"),
        (("--no-jit",), "--jit"),
        (("--state-dtype", "bfloat16"), "--state-dtype"),
    ],
)
def test_options_of_savedmodels_are_refused(call, run, option, flag):
    status, _, error = call("export", run, "--format", "onnx", *option)
    assert status == 2 and error.startswith(f"Error: {flag} is an option of SavedModels")


def test_without_its_packages_it_is_one_sentence(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(RuntimeError, match="requires tf2onnx, which is not installed: pip install"):
        zoo.export_onnx(*zoo.load(run), tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()
