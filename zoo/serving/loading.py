"""Finding and reading what runs and exports have written."""

import pathlib
from collections.abc import Sequence

from zoo.serving import allowed_ops
from zoo.utils import checksums, files, pretrained


class ModelNotFoundError(files.FileError):
    """There is no model where one was looked for; the message says what was expected."""


def load(path: files.StrPath, dataset=None):
    """Reads a model back: `model, task = zoo.load("runs/lstm")`.

    Args:
        path: the folder of a run, with `model.keras` and `task.json`; a shipped model's name; or a
            SavedModel of the zoo.
        dataset: a dataset for the task, to fit on or to evaluate; None for use alone.

    Returns:
        (model, task): the Keras model with its trained weights, not compiled, and the task with
        the vocabulary that the weights belong to.

    Raises:
        ModelNotFoundError: where there is no model.
        FileError: where one of its files is damaged.
    """
    import keras

    import zoo.models

    # Keras finds a class by its name once its module has been imported.
    zoo.models.list_models()
    folder = run_folder(path)
    file = folder / "model.keras"
    if not (folder / "task.json").is_file():
        from zoo.serving.saved_model import EXTRA_ASSETS, model_from_saved_model

        folder = saved_model_folder(path)
        task = read_task(folder / EXTRA_ASSETS / "task.json", dataset)
        config = folder / EXTRA_ASSETS / "model.json"
        if config.is_file():
            allowed_ops.check_classes(files.read_json(config, "the model's configuration"), config)
        try:
            return model_from_saved_model(folder), task
        except files.FileError:
            raise
        except Exception as error:
            raise _damaged(folder, error) from error
    task = read_task(folder / "task.json", dataset)
    if not file.is_file():
        raise ModelNotFoundError(
            f"{folder} holds no model.keras: expected the folder of a run that has ended."
        )
    allowed_ops.check_archive(file)
    try:
        model = keras.saving.load_model(file, compile=False)
    except Exception as error:
        # Keras and h5py raise a dozen kinds here, with messages that name neither file nor fault.
        raise files.FileError(
            f"{file} is damaged or not a model of this zoo ({first_line(error)})."
        ) from error
    return model, task


class SavedModel:
    """A SavedModel of the zoo, loaded.

    Args:
        path: a SavedModel, the folder of a run, or a shipped model's name.

    Attributes:
        endpoints: its endpoints by name.

    Raises:
        ModelNotFoundError: where there is no model.
        FileError: where it is damaged.
    """

    def __init__(self, path: files.StrPath):
        import tensorflow as tf

        folder = saved_model_folder(path)
        allowed_ops.check_ops(folder)
        try:
            # The object has to stay bound, or its variables are collected under the endpoints.
            self._loaded = tf.saved_model.load(str(folder))
            self.endpoints = dict(self._loaded.signatures)
        except Exception as error:
            # A damaged SavedModel raises OSError, IndexError, DataLossError and others.
            raise _damaged(folder, error) from error


def _damaged(folder: pathlib.Path, error: Exception) -> files.FileError:
    """What is said of a SavedModel that TensorFlow or Keras cannot read."""
    return files.FileError(
        f"{folder} is damaged or no SavedModel of this zoo ({first_line(error)})."
    )


def check_saved_model(path: files.StrPath, head: str, purpose: str) -> dict:
    """Looks whether a SavedModel is of a task with such a head; gives the task's config.

    Raises:
        ModelNotFoundError: where there is no model.
        FileError: where it is for something else; `purpose` says what was wanted.
    """
    from zoo.serving.saved_model import EXTRA_ASSETS
    from zoo.tasks import task_class

    folder = saved_model_folder(path)
    config = files.read_json(folder / EXTRA_ASSETS / "task.json", "the task of a SavedModel")
    try:
        is_right = task_class(config["name"]).head == head
    except (KeyError, TypeError, ValueError):
        is_right = False
    if not is_right:
        raise files.FileError(f"{folder} is not a model for {purpose}.")
    return config


def read_task(file: pathlib.Path, dataset=None):
    """The task that a file tells of, on a dataset if there is one."""
    from zoo.datasets import DatasetError
    from zoo.tasks import task_from_config

    config = files.read_json(file, "the task of a run")
    try:
        return task_from_config(config, dataset)
    except DatasetError:
        raise
    except Exception as error:
        # Any entry may be of any kind, and what that raises depends on who meets it first.
        raise files.FileError(
            f"{file} is damaged: it does not describe a task ({first_line(error)})."
        ) from error


def run_folder(path: files.StrPath) -> pathlib.Path:
    """The folder of a run, of a SavedModel or of a shipped model."""
    path = pathlib.Path(path)
    for folder in (path, pretrained.folder() / path):
        if folder.is_dir():
            checksums.check_manifest(folder)
            return folder
    raise ModelNotFoundError(
        f"There is no model at {path}: expected the folder of a run or of a SavedModel, or a "
        f"shipped model: {', '.join(pretrained.names()) or 'there are none here'}."
    )


def saved_model_folder(path: files.StrPath) -> pathlib.Path:
    """The folder of a SavedModel: given, or the newest version in a run or beside a card."""
    folder = run_folder(path)
    if (folder / "saved_model.pb").is_file():
        return folder
    versions = [
        version
        for parent in (folder / "saved_model", folder)
        for version in parent.glob("*/")
        if version.name.isdecimal() and (version / "saved_model.pb").is_file()
    ]
    if not versions:
        raise ModelNotFoundError(
            f"{folder} holds no SavedModel: expected saved_model/1/saved_model.pb. For a run "
            f"that has ended, `zoo export {folder}` makes one."
        )
    newest = max(versions, key=lambda version: int(version.name))
    checksums.check_manifest(newest)
    return newest


def first_line(error: Exception) -> str:
    """What an error says first, cut short: many go on for pages."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def encoded(texts: Sequence[str | bytes]) -> list[bytes]:
    """Texts as TensorFlow takes them; half a surrogate pair, which is no text, becomes "?".

    Raises:
        TypeError: for what is no text.
    """
    for text in texts:
        if not isinstance(text, (str, bytes)):
            raise TypeError(f"A text must be a string; one is of type {type(text).__name__}.")
    return [text.encode("utf-8", "replace") if isinstance(text, str) else text for text in texts]
