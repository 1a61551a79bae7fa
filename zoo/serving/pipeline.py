"""Trained models by what they are for."""

from collections.abc import Callable

from zoo.registry import unknown_name_message
from zoo.serving.classify import TextClassifier
from zoo.serving.generate import TextGenerator
from zoo.serving.loading import read_task, run_folder, saved_model_folder
from zoo.training.report import Report
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


def evaluate(path: files.StrPath, dataset=None, split: str = "test"):
    """Scores a SavedModel on raw texts, as it would be used.

    Args:
        path: the folder of a run, a SavedModel, or the name of a shipped model.
        dataset: texts, with labels where the task has them; None for those that the run's report
            names.
        split: `"train"`, `"validation"` or `"test"`.

    Returns:
        An `Evaluation`, as the report has it.
    """
    from zoo.datasets import DatasetError
    from zoo.datasets import load as load_dataset
    from zoo.serving.saved_model import EXTRA_ASSETS

    if dataset is None:
        named = Report.load(run_folder(path) / "report.json").dataset
        dataset = load_dataset(named["name"], **named["arguments"])
        if dataset.fingerprint != named["fingerprint"]:
            raise DatasetError(
                f"{dataset.name} is not what the report was made on: its texts, labels or their "
                "order have changed."
            )
    task = read_task(saved_model_folder(path) / EXTRA_ASSETS / "task.json", dataset)
    return _BY_HEAD[task.head](path).evaluate(task, split)
