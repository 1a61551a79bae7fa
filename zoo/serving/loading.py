"""Loading of runs and SavedModels."""

import pathlib
from typing import Any

import keras
import tensorflow as tf

from zoo.models import list_models
from zoo.serving import allowed_ops
from zoo.serving.quantization import VARIABLES, restored_weights
from zoo.tasks import task_class
from zoo.training.given_model import mark_trained
from zoo.training.run import (
    EXTRA_ASSETS,
    ModelNotFoundError,
    Run,
    first_line,
    read_task,
    read_task_config,
    saved_models,
)
from zoo.utils import allowed_classes, checksums, files
from zoo.utils.tensorflow import check_not_forked


def load(path: files.StrPath, dataset=None):
    """Loads a trained Keras model and its task.

    Args:
        path: The folder of a run, a SavedModel of the zoo, or the name of a pretrained model.
        dataset: A dataset for the task, to fit or evaluate on; None for use without one.

    Returns:
        (model, task): The Keras model with its trained weights, not compiled, and the task with
        the vocabulary that the weights belong to.

    Raises:
        ModelNotFoundError: If there is no model.
        FileError: If one of its files is damaged, or was written by another version of the zoo.
        RuntimeError: In a process that was forked after TensorFlow was used.

    >>> model, task = zoo.load("gru_imdb")
    >>> model.name, task.label_names
    ('gru', ('negative', 'positive'))
    """
    check_not_forked()
    run = Run.find(path)
    if run.task.is_file():
        return run.load(dataset)
    folder = saved_model_folder(path)
    task = read_task(folder / EXTRA_ASSETS / "task.json", dataset)
    try:
        return _model_of(folder), task
    except files.FileError:
        raise
    except Exception as error:
        raise _damaged(folder, error) from error


def _model_of(folder: pathlib.Path) -> keras.Model:
    """The Keras model that a SavedModel was made of, with the weights that it holds.

    Raises:
        FileError: If the model's configuration is missing, or names a class that is no layer.
        Exception: Of a dozen kinds, from Keras and TensorFlow, if a file is damaged.
    """
    # Keras finds a class by its name once its module has been imported.
    list_models()
    file = folder / EXTRA_ASSETS / "model.json"
    config = files.read_json(file, "the model's configuration")
    allowed_classes.check_classes(config, file)
    model = keras.saving.deserialize_keras_object(config)
    with files.without_pattern(folder) as place:
        weights = restored_weights(str(place / "variables" / "variables"), VARIABLES)
    for variable, value in zip(model.variables, weights, strict=True):
        variable.assign(value)
    mark_trained(model)
    return model


class SavedModel:
    """A SavedModel of the zoo, loaded.

    Args:
        folder: the folder of a SavedModel, see `saved_model_folder`.

    Attributes:
        endpoints: its endpoints by name.

    Raises:
        FileError: if it is damaged.
        RuntimeError: in a process that was forked after TensorFlow was used.
    """

    def __init__(self, folder: pathlib.Path):
        check_not_forked()
        allowed_ops.check_ops(folder)
        try:
            # The object has to stay bound, or its variables are collected under the endpoints.
            with files.without_pattern(folder) as place:
                self._loaded = tf.saved_model.load(str(place))
            self.endpoints = dict(self._loaded.signatures)
        except Exception as error:
            # A damaged SavedModel raises OSError, IndexError, DataLossError and others.
            raise _damaged(folder, error) from error


def _damaged(folder: pathlib.Path, error: Exception) -> files.FileError:
    """The error for a SavedModel that TensorFlow or Keras cannot read."""
    return files.FileError(
        f"{folder} is damaged or not a SavedModel of this zoo ({first_line(error)})."
    )


def check_saved_model(path: files.StrPath, kind: str, purpose: str) -> tuple[pathlib.Path, dict]:
    """(folder of a SavedModel, config of its task), which must be of a kind.

    Args:
        path: a SavedModel, the folder of a run, or the name of a pretrained model.
        kind: what `Task.serving` must be.
        purpose: what such a model does, for the message.

    Raises:
        ModelNotFoundError: if there is no model at `path`.
        FileError: if it is of another kind.
    """
    folder, cls, config = task_of_saved_model(path)
    if cls is None or cls.serving != kind:
        raise files.FileError(f"{folder} is not a model for {purpose}.")
    return folder, config


def task_of_saved_model(path: files.StrPath) -> tuple[pathlib.Path, Any, dict]:
    """(folder of a SavedModel, class of its task or None if it is unknown, config of its task).

    Raises:
        ModelNotFoundError: if there is no model at `path`.
    """
    folder = saved_model_folder(path)
    config = read_task_config(folder / EXTRA_ASSETS / "task.json")
    try:
        return folder, task_class(config["name"]), config
    except (KeyError, TypeError, ValueError):
        return folder, None, config


def saved_model_folder(path: files.StrPath) -> pathlib.Path:
    """The folder of a SavedModel: given, or the newest version in a run or a pretrained model."""
    folder = Run.find(path).path
    if (folder / "saved_model.pb").is_file():
        return folder
    versions = saved_models(folder)
    if not versions:
        raise ModelNotFoundError(
            f"{folder} holds no SavedModel: expected saved_model/1/saved_model.pb. Create "
            f"it from a finished run with `zoo export {folder}`."
        )
    newest = max(versions, key=lambda version: int(version.name))
    checksums.check_manifest(newest)
    return newest
