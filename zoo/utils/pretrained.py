"""The trained models that come with the zoo: where they are, and that they are whole.

In a checkout they are in `saved_models/` beside the package; an installed package has them inside,
as `zoo/saved_models/`.
"""

import pathlib
from typing import NamedTuple

from zoo.utils import files

REPORT, RECIPE, CARD = "report.json", "recipe.toml", "README.md"

_PACKAGE = pathlib.Path(__file__).parent.parent


class Ranking(NamedTuple):
    """What the models of a task are ranked by.

    Attributes:
        score: its name.
        is_better_high: whether more of it is better.
        main_scores: what a comparison of two reports looks at.
    """

    score: str
    is_better_high: bool
    main_scores: tuple[str, ...]


_RANKINGS = {
    "sentiment": Ranking("accuracy", True, ("accuracy", "auc", "calibration_error")),
    # Nats a token of words are not those of characters: bits a character compare the two.
    "text_generation": Ranking(
        "bits_per_character", False, ("loss", "perplexity", "bits_per_character")
    ),
}
# What every task has, also one that is not ours.
_ANY_RANKING = Ranking("loss", False, ("loss",))


def ranking(task: str) -> Ranking:
    """What the models of a task are ranked by."""
    return _RANKINGS.get(task, _ANY_RANKING)


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
    score, is_better_high, _ = ranking(task)
    sign = 1 if is_better_high else -1
    ranked = []
    for name in names():
        report = files.read_json(folder() / name / REPORT, "a report")
        facts = report.get("details", {}).get("shipped")
        if facts and report.get("task") == task:
            scores = facts["test"] or facts["validation"]
            ranked.append((sign * scores[score], name))
    if not ranked:
        raise files.FileError(f"No model for {task} ships with this zoo: name a run with --model.")
    return max(ranked)[1]
