"""Which backends of Keras are taken, found without importing Keras."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from zoo.utils import backend


@pytest.fixture
def no_keras(monkeypatch, tmp_path):
    """As if Keras were not imported yet, with its configuration in an empty folder."""
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def test_the_backend_is_that_of_the_environment_then_of_the_file(no_keras, monkeypatch):
    assert backend.configured_backend() == "tensorflow"
    (no_keras / "keras.json").write_text(json.dumps({"backend": "jax"}))
    assert backend.configured_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert backend.configured_backend() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert backend.configured_backend() == "jax"


@pytest.mark.parametrize("content", ["{", "[]", "{}", "null"])
def test_a_damaged_configuration_means_keras_s_default(no_keras, content):
    (no_keras / "keras.json").write_text(content)
    assert backend.configured_backend() == "tensorflow"


def test_a_keras_that_is_imported_says_its_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras

    assert backend.configured_backend() == keras.config.backend()


@pytest.mark.parametrize("name", ["torch", "numpy", "openvino", "JAX", "tensor flow"])
def test_another_backend_is_refused_in_one_sentence(no_keras, monkeypatch, name):
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(backend.BackendError) as caught:
        backend.check_backend()
    assert str(caught.value) == (
        f"The backend of Keras must be tensorflow or jax; it is {name!r}: set "
        "KERAS_BACKEND=tensorflow."
    )


def test_a_backend_that_is_not_installed_is_named(no_keras, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(backend.BackendError, match="is 'jax', which is not installed: install jax"):
        backend.check_backend()


def zoo(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_line_refuses_to_fit_on_another_backend(tmp_path):
    ran = zoo("fit", "gru", "sentiment", "--out", str(tmp_path / "run"), KERAS_BACKEND="numpy")
    assert ran.returncode == 2 and not ran.stdout
    assert ran.stderr.startswith("Error: The backend of Keras must be tensorflow or jax; it is 'nu")
    assert ran.stderr.count("\n") == 1 and not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [("fit", "--help"), ("leaderboard", "--wide")])
def test_what_does_not_train_does_not_depend_on_the_backend(arguments):
    ran = zoo(*arguments, KERAS_BACKEND="torch")
    assert (ran.returncode, ran.stderr) == (0, "") and ran.stdout
