"""The trained models that come with the zoo: where they are, and that they are whole.

In a checkout they are in `saved_models/` beside the package; an installed package has them inside,
as `zoo/saved_models/`.
"""

import pathlib

from zoo.utils import files

REPORT, RECIPE, CARD = "report.json", "recipe.toml", "README.md"

_PACKAGE = pathlib.Path(__file__).parent.parent


def folder() -> pathlib.Path:
    """Where the shipped models are."""
    installed = _PACKAGE / "saved_models"
    return installed if installed.is_dir() else _PACKAGE.parent / "saved_models"


def names() -> list[str]:
    """The shipped models, in alphabetical order: those with a report."""
    return sorted(path.parent.name for path in folder().glob(f"*/{REPORT}"))


def best(task: str) -> str:
    """The shipped model with the best score of a task, as it is stored: on test, or validation.

    Raises:
        FileError: where no model for the task ships.
    """
    ranked = []
    for name in names():
        report = files.read_json(folder() / name / REPORT, "a report")
        facts = report.get("details", {}).get("shipped")
        if facts and report.get("task") == task:
            scores = facts["test"] or facts["validation"]
            (metric,) = (metric for metric in report["metrics"] if metric["main"])
            sign = 1 if metric["higher_is_better"] else -1
            ranked.append((sign * scores[metric["name"]], name))
    if not ranked:
        raise files.FileError(f"No model for {task} ships with this zoo: name a run with --model.")
    return max(ranked)[1]
