"""What needs TensorFlow where Keras runs on another backend: a second process does it.

Most tests play the other backend: Keras says a name that it does not have, and the calls of the
second process are made in this one.
"""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import msgspec
import numpy as np
import pytest

import zoo
from zoo.utils import tensorflow_process
from zoo.utils.tensorflow_process import TensorFlowProcess

BACKEND = keras.backend.backend


@pytest.fixture
def on_jax(monkeypatch):
    """As if Keras ran on JAX."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")


@pytest.fixture
def calls(on_jax, monkeypatch):
    """The names of the functions that the second process is asked for."""
    made = []

    def travel(message):
        return msgspec.msgpack.decode(msgspec.msgpack.encode(message))

    def answers(self, *call):
        made.append(call[0])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keras.backend, "backend", BACKEND)
            for kind, value in map(travel, tensorflow_process._answers_of(*travel(call))):
                if kind == "error":
                    name, message = value
                    raise tensorflow_process._ERRORS[name](message)
                if kind != "end":
                    yield kind, value

    monkeypatch.setattr(TensorFlowProcess, "_answers", answers)
    return made


def test_a_savedmodel_is_that_of_tensorflow(run, calls, tmp_path):
    model, task = zoo.load(run)
    path = tmp_path / "saved_model" / "1"
    assert zoo.export_saved_model(model, task, path) == path
    assert calls == [
        "zoo.utils.tensorflow_process:import_modules",
        "zoo.serving.saved_model:export_run",
    ]
    texts = ["a wonderful film", "what a bore"]
    np.testing.assert_array_equal(
        zoo.pipeline(path).predict(texts), zoo.pipeline(run).predict(texts)
    )


def test_what_cannot_be_exported_is_refused_here(run, calls, tmp_path):
    with pytest.raises(ValueError, match="quantization must be one of"):
        zoo.export_saved_model(*zoo.load(run), tmp_path / "1", quantization="int3")
    assert not calls


def test_generation_with_the_keras_model_is_that_of_tensorflow(writing_run, plain_writer, calls):
    """The SavedModel without XLA draws what the Keras model draws."""
    generate = zoo.pipeline(writing_run)
    seeds = list(range(8))
    drawn = zoo.pipeline(plain_writer)(["The film"] * 8, max_new_tokens=6, seed=seeds)
    seed = max(seeds, key=lambda seed: len(drawn[seed]["continuation"]))
    whole, options = drawn[seed], {"max_new_tokens": 6, "seed": seed}
    assert len(whole["continuation"].split()) > 3
    pieces = generate.stream("The film", **options)
    assert "The film" + "".join(pieces) == whole["text"]
    pieces = generate.stream("The film", **options)
    assert whole["text"].startswith("The film" + next(pieces))
    pieces.close()
    answers = generate(["The film", "A"], num_beams=2, max_new_tokens=3)
    assert answers[0]["text"].startswith("The film") and answers[1]["text"].startswith("A")
    assert answers[0]["log_probability"] < 0
    assert set(calls) == {
        "zoo.serving.generator_process:stream",
        "zoo.serving.generator_process:generate",
    }


def test_a_text_layer_reads_strings_on_any_backend(run, on_jax):
    _, task = zoo.load(run)
    assert np.asarray(task.text_to_ids(["a film"])).shape == (1, 2)


@pytest.mark.slow
def test_the_second_process_exports(run, on_jax, tmp_path):
    path = zoo.export_saved_model(*zoo.load(run), tmp_path / "1", quantization="float16")
    assert sorted(zoo.pipeline(path)("a film")) == ["label", "probabilities", "score"]


# Loads the run, and prints what is compared with TensorFlow.
SCRIPT = """
import json, sys
import numpy as np
import keras, zoo

model, task = zoo.load(sys.argv[1])
answers = np.asarray(model.predict_on_batch(np.array([[4, 5, 6]])))
scores = [zoo.explain("a fine film", (model, task), method=method).scores.tolist()
          for method in ("integrated_gradients", "occlusion")]
print(json.dumps([keras.backend.backend(), answers.tolist(), scores]))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_a_model_is_fitted_with_jax_and_used_everywhere(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "jax"}

    def python(*arguments):
        command = [sys.executable, *map(str, arguments)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    sizes = ("--train-size", 60, "--validation-size", 20, "--test-size", 20)
    data = ("--data", "synthetic_reviews", *sizes, "--epochs", 1, "--batch-size", 60)
    small = ("--units", 4, "--embedding-dim", 4)
    out = tmp_path / "gru"
    python("-m", "zoo", "fit", "gru", "sentiment", *data, *small, "--out", out)
    assert zoo.Report.load(out / "report.json").versions["backend"] == "jax"
    backend, answers, scores = json.loads(python("-c", SCRIPT, out))
    assert backend == "jax"
    model, task = zoo.load(out)
    np.testing.assert_allclose(model(np.array([[4, 5, 6]])), answers, atol=1e-5)
    for method, found in zip(("integrated_gradients", "occlusion"), scores, strict=True):
        expected = zoo.explain("a fine film", (model, task), method=method).scores
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert python("-m", "zoo", "predict", "--model", out, "a fine film").endswith("a fine film\n")
