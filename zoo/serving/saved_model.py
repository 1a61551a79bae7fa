"""Export of a trained model to a SavedModel that takes raw text."""

import contextlib
import json
import pathlib
import shutil
import tempfile
from typing import Literal

import keras
import tensorflow as tf

from zoo.models.suited_model import suited_model
from zoo.serving.kind import check_exportable, serving_kind
from zoo.serving.loading import load
from zoo.serving.quantization import VARIABLES, Quantization, QuantizedVariable
from zoo.tasks.task import Task
from zoo.training.run import EXTRA_ASSETS, Run, task_entries
from zoo.utils import checksums, files
from zoo.utils.tensorflow_process import TensorFlowProcess


def export_saved_model(
    model: keras.Model,
    task: Task,
    path: files.StrPath,
    *,
    jit_compile: bool = True,
    state_dtype: Literal["bfloat16", "float32"] | None = None,
    quantization: Quantization = "float32",
) -> pathlib.Path:
    """Exports a SavedModel that includes the preprocessing.

    It uses TensorFlow's core ops only: TensorFlow loads and serves it without the zoo or Keras.
    If Keras runs on another backend, a second process exports the model on TensorFlow.

    Its endpoints are those of the kind that the task names in `serving`: `zoo.TextClassifier` and
    `zoo.TextGenerator` document theirs.

    Args:
        model: a model for the task.
        task: the task, whose tokenizer and labels become part of the graph.
        path: the folder to write, usually named by a version number: `saved_model/1`. An existing
            one is replaced when the new one is complete.
        jit_compile: whether to compile the decoding steps of `generate` with XLA: several times
            faster, after a few seconds of compilation per batch size. TensorFlow
            includes XLA; TensorFlow Serving needs `--xla_cpu_compilation_enabled`.
        state_dtype: dtype of the decoding state of `generate`: `"bfloat16"` halves its memory; None
            for that of the model.
        quantization: weight format: `"float32"`; `"float16"`, half the size; or `"int8"`, which
            stores embeddings and output vectors with 8 bits per entry and a scale per row, and all
            other weights with 16 bits. Computation is in float32 in all cases.

    Returns:
        The path.

    Raises:
        ValueError: for an unknown quantization, a task that cannot be exported, or a model that
            does not suit it.
        FileError: if it cannot be written.

    >>> import tempfile, zoo
    >>> reviews = zoo.datasets.synthetic_reviews(train_size=80, validation_size=40, test_size=40)
    >>> task = zoo.tasks.sentiment(reviews)
    >>> model = zoo.BagOfWords(**task.model_arguments())
    >>> path = zoo.export_saved_model(model, task, tempfile.mkdtemp() + "/1")
    >>> sorted(zoo.pipeline(path)("A fine film."))
    ['label', 'probabilities', 'score']
    """
    check_exportable(task, quantization)
    path = files.user_path(path)
    if keras.backend.backend() != "tensorflow":
        call_with_run(
            model,
            task,
            f"{__name__}:export_run",
            str(path.absolute()),
            jit_compile=jit_compile,
            state_dtype=state_dtype,
            quantization=quantization,
        )
        return path
    model = suited_model(model, **task.model_arguments())
    # The module holds variables and tables, not layers: other objects that Keras tracks are useless
    # to a graph and keep `saved_model_cli` and the C API from running it.
    module = tf.Module()
    stored = [QuantizedVariable(variable, quantization) for variable in model.variables]
    setattr(module, VARIABLES, stored)
    module.tables = [task.text_to_ids.table]

    @contextlib.contextmanager
    def with_stored_weights():
        pairs = zip(model.variables, stored, strict=True)
        mapping = [(variable, kept.restored()) for variable, kept in pairs]
        with keras.StatelessScope(state_mapping=mapping):
            yield

    weights = contextlib.nullcontext if quantization == "float32" else with_stored_weights
    kind = serving_kind(task.serving)
    endpoints = dict(
        kind.endpoints(model, task, weights, jit_compile=jit_compile, state_dtype=state_dtype)
    )
    for name, endpoint in endpoints.items():
        setattr(module, name, endpoint)
    first = next(iter(endpoints))
    signatures = {**endpoints, "serving_default": endpoints[first]}
    with files.atomic_write(path) as new:
        try:
            tf.saved_model.save(module, str(new), signatures=signatures)
        except tf.errors.OpError as error:
            # TensorFlow writes by itself: a full disk is one of its own errors.
            reason = error.message.rpartition("; ")[-1]
            raise files.FileError(f"Cannot write {path}: {reason}.") from error
        extra = new / EXTRA_ASSETS
        extra.mkdir()
        (extra / "task.json").write_text(json.dumps(task_entries(task)), encoding="utf-8")
        config = keras.saving.serialize_keras_object(model)
        (extra / "model.json").write_text(json.dumps(config), encoding="utf-8")
        # For TensorBoard only, with names of folders of this machine.
        shutil.rmtree(new / "debug", ignore_errors=True)
        checksums.write_manifest(new, checksums.files_in(new))
    return path


def call_with_run(model: keras.Model, task: Task, function: str, *args, **kwargs) -> None:
    """Calls a function in a process whose Keras runs on TensorFlow.

    Args:
        model: a model for the task.
        task: the task.
        function: module and name of the function, see `TensorFlowProcess`. Its first argument is
            the folder of a run that holds the model and the task.
        *args: its other arguments.
        **kwargs: its keyword arguments.
    """
    with tempfile.TemporaryDirectory() as folder, TensorFlowProcess() as process:
        run = Run(folder)
        run.begin(task)
        run.save_model(model)
        # What is registered there: layers and tasks of the user's own.
        registered = [type(task), *keras.saving.get_custom_objects().values()]
        modules = sorted({each.__module__ for each in registered})
        process.call("zoo.utils.tensorflow_process:import_modules", modules)
        process.call(function, folder, *args, **kwargs)


def export_run(folder: str, path: str, **options) -> None:
    """Exports the model of a run; for options see `export_saved_model`."""
    model, task = load(folder)
    export_saved_model(model, task, path, **options)
