"""Trained models by what they are for."""

from collections.abc import Callable

import keras

from zoo.datasets import DatasetError, TextDataset
from zoo.datasets import load as load_dataset
from zoo.registry import unknown_name_message
from zoo.serving.classify import TextClassifier
from zoo.serving.generate import TextGenerator
from zoo.serving.loading import saved_model_folder
from zoo.tasks.task import Evaluation, Task
from zoo.training.loop import evaluate as evaluate_examples
from zoo.training.report import Report
from zoo.training.run import EXTRA_ASSETS, Run, read_task
from zoo.utils import files, pretrained

# What each one is, and the task whose best shipped model it takes where nobody names one.
_PIPELINES: dict[str, tuple[Callable, str]] = {
    "sentiment-analysis": (TextClassifier, "sentiment"),
    "text-generation": (TextGenerator, "text_generation"),
}
# By what the task's model gives.
_BY_HEAD: dict[str, Callable] = {"classifier": TextClassifier, "language_model": TextGenerator}


def pipeline(kind: str, model: files.StrPath | None = None) -> Callable:
    """A trained model as a function of strings.

    Args:
        kind: `"sentiment-analysis"`, for any text classifier, or `"text-generation"`.
        model: the folder of a run, a SavedModel, or the name of a shipped model; None for the best
            one that ships.

    Returns:
        A function: see `TextClassifier.__call__` and `TextGenerator.__call__`.
    """
    if kind not in _PIPELINES:
        raise ValueError(unknown_name_message("pipeline", kind, _PIPELINES))
    make, task = _PIPELINES[kind]
    return make(pretrained.best(task) if model is None else model)


def evaluate(
    model: keras.Model | files.StrPath,
    task_or_dataset: Task | TextDataset | None = None,
    split: str = "test",
) -> Evaluation:
    """Evaluates a model on a split of a dataset.

    A Keras model is evaluated on the examples of its task. A path is evaluated as it would be used:
    its SavedModel gets raw texts.

    Args:
        model: A Keras model, the folder of a run, a SavedModel, or the name of a pretrained model.
        task_or_dataset: For a Keras model its task, with a dataset. For a path a dataset; None
            takes the one that the run's report names.
        split: `"train"`, `"validation"` or `"test"`.

    Returns:
        An `Evaluation`, with the scores and details of a report.

    Raises:
        TypeError: For a Keras model without its task.
        DatasetError: If the dataset is not the one that the report names.
        FileError: If there is no model at a path, or it is damaged.

    >>> import zoo
    >>> reviews = zoo.datasets.synthetic_reviews(train_size=80, validation_size=40, test_size=40)
    >>> task = zoo.tasks.sentiment(reviews)
    >>> model = zoo.BagOfWords(**task.model_arguments())
    >>> sorted(zoo.evaluate(model, task, split="validation").scores)[0]
    'accuracy'
    """
    if isinstance(model, keras.Model):
        if not isinstance(task_or_dataset, Task):
            raise TypeError(
                "A Keras model is evaluated on its task: expected zoo.evaluate(model, task); the "
                f"task is of type {type(task_or_dataset).__name__}."
            )
        return evaluate_examples(model, task_or_dataset, task_or_dataset.examples(split))
    dataset = task_or_dataset.dataset if isinstance(task_or_dataset, Task) else task_or_dataset
    if dataset is None:
        dataset = _dataset_of(Run.find(model))
    task = read_task(saved_model_folder(model) / EXTRA_ASSETS / "task.json", dataset)
    return _BY_HEAD[task.head](model).evaluate(task, split)


def _dataset_of(run: Run) -> TextDataset:
    """The dataset that the report of a run names."""
    named = Report.load(run.report).dataset
    dataset = load_dataset(named["name"], **named["arguments"])
    if dataset.fingerprint != named["fingerprint"]:
        raise DatasetError(
            f"{dataset.name} is not what the report was made on: its texts, labels or their "
            "order have changed."
        )
    return dataset
