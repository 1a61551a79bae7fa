"""Export of a trained model to ONNX, for runtimes other than TensorFlow."""

import contextlib
import importlib.util
import json
import logging
import pathlib
import warnings
from collections.abc import Iterator

import keras

from zoo.models.suited_model import suited_model
from zoo.serving.loading import load
from zoo.serving.onnx_ops import register_onnx_ops
from zoo.serving.saved_model import call_with_run
from zoo.tasks.task import Task
from zoo.training.run import task_entries
from zoo.utils import files

MODEL, VOCABULARY, TASK = "model.onnx", "vocabulary.json", "task.json"


def export_onnx(model: keras.Model, task: Task, path: files.StrPath) -> pathlib.Path:
    """Exports a Keras model to ONNX, with its vocabulary.

    The folder has three files. `model.onnx` takes `token_ids`, `int32` (B, T), padded right with 0,
    of an encoder-decoder also `source_ids` (B, S), and returns what the Keras model returns, in
    `float32`: logits (B, C), or of a language model (B, T, V). It has no text layer: ONNX has no
    ops for one. `vocabulary.json` is the list of all tokens by id. `task.json` has the tokenizer's
    settings, and the labels of a classifier or the mean and scale of a regression.

    Args:
        model: a model for the task, in float32.
        task: the task, whose vocabulary is written.
        path: the folder to write. An existing one is replaced when the new one is complete.

    Returns:
        The path.

    Raises:
        ValueError: if the model does not suit the task.
        RuntimeError: if tf2onnx is not installed (`pip install "language-model-zoo[onnx]"`).
        FileError: if it cannot be written.

    >>> path = zoo.export_onnx(zoo.BagOfWords(**task.model_arguments()), task, "onnx")
    >>> sorted(file.name for file in path.iterdir())
    ['model.onnx', 'task.json', 'vocabulary.json']
    """
    path = files.user_path(path)
    if importlib.util.find_spec("tf2onnx") is None:
        raise RuntimeError(
            "An export to ONNX requires tf2onnx, which is not installed: "
            'pip install "language-model-zoo[onnx]".'
        )
    if keras.backend.backend() != "tensorflow":
        call_with_run(model, task, f"{__name__}:export_run", str(path.absolute()))
        return path
    if getattr(model, "inputs", None):
        # Keras exports only a model that has been called.
        model(keras.tree.map_structure(_one_token, model.input))
    model = suited_model(model, **task.model_arguments())
    register_onnx_ops()
    with files.atomic_write(path) as new, _no_log():
        new.mkdir()
        model.export(str(new / MODEL), format="onnx", verbose=False)
        vocabulary = task.text_to_ids.vocabulary
        for name, content in ((VOCABULARY, vocabulary), (TASK, task_entries(task))):
            (new / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


@contextlib.contextmanager
def _no_log() -> Iterator[None]:
    """Hides notes of libraries on each pass over the graph, its collections and each other."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _one_token(spec: keras.KerasTensor):
    return keras.ops.ones([size or 1 for size in spec.shape], spec.dtype)


def export_run(folder: str, path: str) -> None:
    """Exports the model of a run."""
    model, task = load(folder)
    export_onnx(model, task, path)
