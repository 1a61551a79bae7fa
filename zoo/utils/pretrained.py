"""The pretrained models of the zoo: their folder, their names, and the best of a task.

In a checkout they are in `saved_models/` next to the package; an installed package holds them as
`zoo/saved_models/`.
"""

import pathlib

from zoo.utils import files

REPORT, RECIPE, CARD = "report.json", "recipe.toml", "README.md"

_PACKAGE = pathlib.Path(__file__).parent.parent


def folder() -> pathlib.Path:
    """The folder of the pretrained models."""
    installed = _PACKAGE / "saved_models"
    return installed if installed.is_dir() else _PACKAGE.parent / "saved_models"


def names() -> list[str]:
    """The pretrained models, in alphabetical order: the folders with a report."""
    return sorted(path.parent.name for path in folder().glob(f"*/{REPORT}"))


def best(task: str) -> str:
    """The pretrained model with the best main score of a task, on test or else on validation.

    Raises:
        FileError: if there is no pretrained model for the task.
    """
    ranked = []
    for name in names():
        report = files.read_json(folder() / name / REPORT, "a report")
        facts = report.get("details", {}).get("shipped")
        if facts and report.get("task") == task:
            scores = facts["test"] or facts["validation"]
            (metric,) = (metric for metric in report["metrics"] if metric["main"])
            sign = 1 if metric["higher_is_better"] else -1
            # A score on validation does not compare with one on test.
            ranked.append((bool(facts["test"]), sign * scores[metric["name"]], name))
    if not ranked:
        raise files.FileError(
            f"There is no pretrained model for {task}: specify a run with --model."
        )
    return max(ranked)[-1]
