"""Pipelines and evaluation of trained models."""

from typing import Any

import keras

from zoo.datasets import DatasetError, TextDataset, from_files, reader_of
from zoo.datasets import load as load_dataset
from zoo.datasets.scoring import is_split_off, read_to_score, with_classes
from zoo.models.suited_model import suited_model
from zoo.registry import UnknownNameError, unknown_name_message
from zoo.serving.kind import serving_kind
from zoo.serving.loading import task_of_saved_model
from zoo.serving.scored_file import columns_of_run, report_of
from zoo.tasks import list_tasks, task_class
from zoo.tasks.data import SPLITS
from zoo.tasks.task import Evaluation, Task
from zoo.training.loop import evaluate as evaluate_examples
from zoo.training.report import Report
from zoo.training.run import EXTRA_ASSETS, Run, read_task
from zoo.utils import files, pretrained


def pipeline(name_or_model: files.StrPath, model: files.StrPath | None = None) -> Any:
    """A trained model as a function of strings.

    Args:
        name_or_model: the folder of a run, a SavedModel, or the name of a pretrained model; or the
            name of a pipeline, such as `"sentiment-analysis"` or `"text-generation"`, for the best
            pretrained model.
        model: with the name of a pipeline, the model to use in place of the best one.

    Returns:
        A `ServedModel`, which is called with a string or several: a `zoo.TextClassifier` or a
        `zoo.TextGenerator`.

    Raises:
        UnknownNameError: for an unknown pipeline.
        ModelNotFoundError: if there is no such model.
        FileError: if the model is damaged or of another kind than the pipeline.

    Example:
    >>> classify = zoo.pipeline("sentiment-analysis")
    >>> classify("A wonderful film, and never dull.")["label"]
    'positive'
    """
    tasks = {task_class(task).pipeline: task_class(task) for task in list_tasks()}
    if model is None and name_or_model not in tasks:
        folder, cls, _ = task_of_saved_model(name_or_model)
        if cls is None:
            raise files.FileError(f"{folder} is not a model of this zoo: its task is unknown.")
        return serving_kind(cls.serving)(name_or_model)
    if name_or_model not in tasks:
        raise UnknownNameError(unknown_name_message("pipeline", str(name_or_model), tasks))
    cls = tasks[str(name_or_model)]
    return serving_kind(cls.serving)(pretrained.best(cls.name) if model is None else model)


def evaluate(
    model: keras.Model | files.StrPath,
    task_or_dataset: Task | TextDataset | files.StrPath | None = None,
    split: str = "test",
) -> Evaluation:
    """Evaluates a model on a split of a dataset.

    A Keras model is evaluated on the examples of its task. A path is evaluated as it would be used:
    its SavedModel gets raw texts.

    All examples of a file are scored, also of a dataset that was read from one file, unless it is
    the dataset that the model was fitted on: then its own test split is. The file may be small and
    lack classes; the classes are those of the model.

    Args:
        model: A Keras model, the folder of a run, a SavedModel, or the name of a pretrained model.
        task_or_dataset: For a Keras model its task, with a dataset. For a path a dataset, or a file
            or the name of a dataset; None takes the one that the run's report names.
        split: `"train"`, `"validation"` or `"test"`. A file is one split, whichever it is.

    Returns:
        An `Evaluation`, with the scores and details of a report.

    Raises:
        TypeError: For a Keras model without its task.
        ValueError: For an unknown split, or a Keras model that does not suit the task.
        DatasetError: If the dataset is not the one that the report names, has a label that is no
            class of the model, or its split is empty.
        FileError: If there is no model at a path, or it is damaged.

    >>> sorted(zoo.evaluate(model, task, split="validation").scores)[0]
    'accuracy'
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; it is {split!r}.")
    if isinstance(model, keras.Model):
        if not isinstance(task_or_dataset, Task):
            raise TypeError(
                "task_or_dataset must be a task if a Keras model is evaluated; it is of type "
                f"{type(task_or_dataset).__name__}."
            )
        suited = suited_model(model, **task_or_dataset.model_arguments())
        return evaluate_examples(suited, task_or_dataset, task_or_dataset.examples(split))
    if isinstance(task_or_dataset, Task):
        task_or_dataset = task_or_dataset.data.dataset
    dataset = task_or_dataset
    if dataset is None:
        dataset = _dataset_of(Run.find(model))
    elif not isinstance(dataset, TextDataset):
        dataset = dataset_to_score(model, dataset, split)
    elif is_split_off(dataset) and dataset.fingerprint != _fingerprint_of(model):
        dataset = dataset_to_score(model, split=split, **_arguments_to_score(dataset))
    if not len(getattr(dataset, split)):
        raise DatasetError(f"The {split} split of {dataset.name} is empty.")
    folder, _, config = task_of_saved_model(model)
    if "label_names" in config:
        dataset = with_classes(dataset, config["label_names"])
    task = read_task(folder / EXTRA_ASSETS / "task.json", dataset)
    return serving_kind(task.serving)(model).evaluate(task, split)


def dataset_to_score(
    model: files.StrPath, path: files.StrPath, split: str = "test", **options
) -> TextDataset:
    """Reads a file to be scored by a model, or a dataset by its name.

    Args:
        model: the folder of a run, a SavedModel, or the name of a pretrained model. Its classes are
            those of the dataset, and the columns that it was fitted on are read.
        path: a file or folder, all of whose examples are scored; or the name of a dataset.
        split: the split that will be scored.
        **options: of `read_to_score`, or of the named dataset.

    Raises:
        DatasetError: if the file cannot be read, or has a label that is no class of the model.
        FileError: if there is no model.
    """
    folder, cls, config = task_of_saved_model(model)
    if cls is None:
        raise files.FileError(f"{folder} is not a model of this zoo: its task is unknown.")
    if reader_of(path) is not from_files:
        return load_dataset(path, columns=cls.columns, **options)
    known = [f"{name}_column" for name in cls.columns]
    of_run = {name: value for name, value in columns_of_run(model).items() if name in known}
    return read_to_score(
        path,
        columns=cls.columns,
        label_names=config.get("label_names"),
        split=split,
        **{**of_run, **options},
    )


def _arguments_to_score(dataset: TextDataset) -> dict[str, Any]:
    """The arguments that read the file of a dataset again, as a whole."""
    names = ("path", "encoding", "delimiter", "header", "normalize_labels")
    return {
        name: value
        for name, value in dataset.arguments.items()
        if name in names or name.endswith("_column")
    }


def _fingerprint_of(model: files.StrPath) -> str | None:
    """The fingerprint of the dataset that a model was fitted on, if it is known."""
    report = report_of(model)
    return None if report is None else report.dataset["fingerprint"]


def _dataset_of(run: Run) -> TextDataset:
    """The dataset that the report of a run names."""
    named = Report.load(run.report).dataset
    dataset = load_dataset(named["name"], **named["arguments"])
    if dataset.fingerprint != named["fingerprint"]:
        raise DatasetError(
            f"{dataset.name} must be the dataset of the report; its texts, labels or their order "
            "have changed."
        )
    return dataset
