"""Trained models in use: strings in, answers out."""

import csv
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from zoo import files
from zoo.registry import unknown
from zoo.report import Report

_SHIPPED = pathlib.Path(__file__).parent.parent / "saved_models"
_BATCH_SIZE = 256


class ModelNotFoundError(files.FileError):
    """There is no model where one was looked for; the message says what was expected."""


def load(path: files.Path, dataset=None):
    """Reads a run back: `model, task = zoo.load("runs/lstm")`.

    Args:
        path: the folder of a run, with `model.keras` and `task.json`; or a shipped model's name.
        dataset: a dataset for the task, to fit on or to evaluate; None for use alone.

    Returns:
        (model, task): the Keras model with its trained weights, not compiled, and the task with
        the vocabulary that the weights belong to.

    Raises:
        ModelNotFoundError: where there is no run.
        FileError: where one of its files is damaged.
    """
    import keras

    import zoo.models  # noqa: F401  So that Keras knows the layers by name.

    folder = _folder(path)
    task = _task(folder / "task.json", dataset)
    file = folder / "model.keras"
    if not file.is_file():
        raise ModelNotFoundError(
            f"{folder} holds no model.keras: expected the folder of a run that has ended."
        )
    try:
        model = keras.saving.load_model(file, compile=False)
    except Exception as error:
        # Keras and h5py raise a dozen kinds here, with messages that name neither file nor fault.
        raise files.FileError(
            f"{file} is damaged or not a model of this zoo ({_first_line(error)})."
        ) from error
    return model, task


class TextClassifier:
    """Labels for texts, by a SavedModel's `serve` endpoint.

    Args:
        path: a SavedModel, the folder of a run, or a shipped model's name.

    Attributes:
        label_names: the classes, in the order of the probabilities.

    Raises:
        ModelNotFoundError: where there is no model.
        FileError: where it is damaged.
    """

    def __init__(self, path: files.Path):
        import tensorflow as tf

        from zoo.export import EXTRA_ASSETS

        folder = _saved_model(path)
        task = files.read_json(folder / EXTRA_ASSETS / "task.json", "the task of a SavedModel")
        try:
            self.label_names = tuple(task["label_names"])
        except (KeyError, TypeError) as error:
            raise files.FileError(f"{folder} is not a model for sentiment.") from error
        try:
            # The object has to stay bound, or its variables are collected under the endpoint.
            self._loaded = tf.saved_model.load(str(folder))
            self._serve = self._loaded.signatures["serve"]
        except Exception as error:
            # A damaged SavedModel raises OSError, IndexError, DataLossError and others.
            raise files.FileError(
                f"{folder} is damaged or no SavedModel of this zoo ({_first_line(error)})."
            ) from error
        self._constant = tf.constant

    def __call__(self, texts: str | bytes | Sequence[str | bytes]):
        """Labels one text or many.

        Args:
            texts: a string, or several. Bytes that are not UTF-8 are read as U+FFFD.

        Returns:
            For one text a dict with `label`, `score` (the probability of that label) and
            `probabilities` (by label); for several a list of such.
        """
        if isinstance(texts, (str, bytes)):
            return self([texts])[0]
        answers = []
        for probabilities in self.probabilities(texts):
            best = int(probabilities.argmax())
            answers.append(
                {
                    "label": self.label_names[best],
                    "score": float(probabilities[best]),
                    "probabilities": dict(
                        zip(self.label_names, map(float, probabilities), strict=True)
                    ),
                }
            )
        return answers

    def probabilities(self, texts: Sequence[str | bytes]) -> np.ndarray:
        """Probabilities `float32` (N, C) of N texts."""
        for text in texts:
            if not isinstance(text, (str, bytes)):
                raise TypeError(f"A text must be a string; one is of type {type(text).__name__}.")
        encoded = [t.encode("utf-8", "replace") if isinstance(t, str) else t for t in texts]
        probabilities = np.zeros((len(encoded), len(self.label_names)), "float32")
        # Texts of about one length go together: less padding, and no long one holds up the rest.
        order = np.argsort([len(text) for text in encoded], kind="stable")
        for start in range(0, len(order), _BATCH_SIZE):
            indices = order[start : start + _BATCH_SIZE]
            batch = self._constant([encoded[i] for i in indices])
            probabilities[indices] = self._serve(text=batch)["probabilities"].numpy()
        return probabilities

    def label_file(self, source: files.Path, output: files.Path, text_column: str = "text") -> None:
        """Copies a CSV or TSV file with two more columns, `label` and `score`.

        Args:
            source: a table whose first line names its columns. Columns that are called `label` or
                `score` already stay; the new ones are then `predicted_label` and `predicted_score`.
            output: the file to write, CSV or TSV by its name.
            text_column: which column holds the texts.

        Raises:
            DatasetError: for all that can be wrong in the table.
            FileError: where `output` cannot be written.
        """
        from zoo.datasets import delimiter_of, read_table

        output = pathlib.Path(output)
        delimiter = delimiter_of(output)
        header, rows, place = read_table(pathlib.Path(source), text_column)
        prefix = "predicted_" if {"label", "score"} & set(header) else ""
        answers = self([row[place] for row in rows])
        with (
            files.appearing(output) as new,
            open(new, "w", encoding="utf-8", newline="") as stream,
        ):
            writer = csv.writer(stream, delimiter=delimiter)
            writer.writerow([*header, f"{prefix}label", f"{prefix}score"])
            for row, answer in zip(rows, answers, strict=True):
                writer.writerow([*row, answer["label"], f"{answer['score']:.6f}"])


_PIPELINES: dict[str, Callable] = {"sentiment-analysis": TextClassifier}


def pipeline(kind: str, model: files.Path) -> Callable:
    """A trained model as a function of strings.

    Args:
        kind: `"sentiment-analysis"`, for any text classifier.
        model: the folder of a run, a SavedModel, or the name of a shipped model.

    Returns:
        A function: see `TextClassifier.__call__`.
    """
    if kind not in _PIPELINES:
        raise ValueError(unknown("pipeline", kind, _PIPELINES))
    return _PIPELINES[kind](model)


def evaluate(path: files.Path, dataset=None, split: str = "test"):
    """Scores a SavedModel on raw texts, as it would be used.

    Args:
        path: the folder of a run, a SavedModel, or the name of a shipped model.
        dataset: labelled texts; None for those that the run's report names.
        split: `"train"`, `"validation"` or `"test"`.

    Returns:
        An `Evaluation`, as the report has it.
    """
    from zoo.datasets import DatasetError
    from zoo.datasets import load as load_dataset
    from zoo.export import EXTRA_ASSETS

    if dataset is None:
        named = Report.load(_folder(path) / "report.json").dataset
        dataset = load_dataset(named["name"], **named["arguments"])
        if dataset.fingerprint != named["fingerprint"]:
            raise DatasetError(
                f"{dataset.name} is not what the report was made on: its texts, labels or their "
                "order have changed."
            )
    task = _task(_saved_model(path) / EXTRA_ASSETS / "task.json", dataset)
    examples = getattr(dataset, split)
    return task.score(examples.labels, TextClassifier(path).probabilities(examples.texts))


def _task(file: pathlib.Path, dataset=None):
    from zoo.tasks import task_from_config

    config = files.read_json(file, "the task of a run")
    try:
        return task_from_config(config, dataset)
    except (KeyError, TypeError) as error:
        raise files.FileError(f"{file} is damaged: it does not describe a task.") from error


def _folder(path: files.Path) -> pathlib.Path:
    """The folder of a run, of a SavedModel or of a shipped model."""
    path = pathlib.Path(path)
    for folder in (path, _SHIPPED / path):
        if folder.is_dir():
            return folder
    raise ModelNotFoundError(
        f"There is no model at {path}: expected the folder of a run or of a SavedModel."
    )


def _saved_model(path: files.Path) -> pathlib.Path:
    """The folder of a SavedModel: given, or the newest version in a run or beside a card."""
    folder = _folder(path)
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
    return max(versions, key=lambda version: int(version.name))


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
