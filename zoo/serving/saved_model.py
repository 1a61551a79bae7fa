"""From a trained model and its task to a SavedModel that takes raw text."""

import contextlib
import json
import pathlib
import shutil
from typing import Literal

import keras
import tensorflow as tf

from zoo.serving.kind import check_exportable, serving_kind
from zoo.serving.quantization import QUANTIZATIONS, VARIABLES, QuantizedVariable
from zoo.tasks.task import Task
from zoo.training.run import EXTRA_ASSETS, task_entries
from zoo.utils import checksums, files


def export_saved_model(
    model: keras.Model,
    task: Task,
    path: files.StrPath,
    *,
    jit_compile: bool = True,
    state_dtype: Literal["bfloat16", "float32"] | None = None,
    quantization: str = "float32",
) -> pathlib.Path:
    """Writes a SavedModel with the preprocessing inside.

    It is made of TensorFlow's core ops: stock TensorFlow loads and serves it, with neither the zoo
    nor Keras.

    Its endpoints are those of the kind that the task names in `serving`: `zoo.TextClassifier` and
    `zoo.TextGenerator` describe theirs.

    Args:
        model: a model for the task.
        task: what knows how texts are read and what answers are called.
        path: the folder to write, by custom named by a version number: `saved_model/1`. What
            stood there is replaced once the new one is whole.
        jit_compile: whether XLA compiles the steps of `generate` when it is first called for a
            number of rows: several times faster, after a few seconds. TensorFlow has XLA in it;
            TensorFlow Serving wants `--xla_cpu_compilation_enabled`.
        state_dtype: of what `generate` remembers, `"bfloat16"` for half the memory; None for the
            model's own.
        quantization: of the weights: `"float32"`; `"float16"`, half as large; or `"int8"`, where
            tables of embeddings and of logits have 8 bits an entry and a scale a row, and all
            else 16. It is computed in float32 all the same.

    Returns:
        The path.

    Raises:
        FileError: where it cannot be written.
    """
    if quantization not in QUANTIZATIONS:
        raise ValueError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}; it is {quantization!r}."
        )
    check_exportable(task)
    path = pathlib.Path(path)
    # Variables and tables are held, and not the layers: what Keras tracks beside them is of no use
    # to a graph, and keeps `saved_model_cli` and the C API from running it.
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
        # What only TensorBoard would read, and names folders of this machine.
        shutil.rmtree(new / "debug", ignore_errors=True)
        checksums.write_manifest(new, checksums.files_in(new))
    return path
