"""The trained models that come with the zoo: where they are, and that they are whole.

In a checkout they are in `saved_models/` beside the package; an installed package has them inside,
as `zoo/saved_models/`.
"""

import hashlib
import pathlib
from typing import NamedTuple

from zoo import files

MANIFEST = "manifest.json"
REPORT, RECIPE, CARD = "report.json", "recipe.toml", "README.md"

_PACKAGE = pathlib.Path(__file__).parent


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


def write_manifest(model: pathlib.Path) -> None:
    """Notes size and SHA-256 of each file of a model, but for the texts that people read."""
    entries = {
        path.relative_to(model).as_posix(): {"bytes": path.stat().st_size, "sha256": _hash(path)}
        for path in sorted(model.rglob("*"))
        if path.is_file() and path.name not in (MANIFEST, CARD)
    }
    files.write_json(model / MANIFEST, entries)


def check_manifest(model: pathlib.Path) -> None:
    """Compares the files of a model with its manifest; one without a manifest passes.

    Raises:
        FileError: for the first file that is missing or not as it was written.
    """
    manifest = model / MANIFEST
    if not manifest.is_file():
        return
    entries = files.read_json(manifest, "the checksums of a model")
    try:
        expected = {name: (entry["bytes"], entry["sha256"]) for name, entry in entries.items()}
        if not all(isinstance(size, int) for size, _ in expected.values()):
            raise TypeError("a size is a number of bytes")
    except (AttributeError, KeyError, TypeError) as error:
        raise files.FileError(f"{manifest} is damaged: expected sizes and checksums.") from error
    for name, (size, digest) in expected.items():
        path = model / name
        if not path.is_file():
            raise files.FileError(f"{path} is missing: {manifest} names it.")
        if path.stat().st_size != size:
            raise files.FileError(
                f"{path} is damaged: expected {size:,} bytes, found {path.stat().st_size:,}."
            )
        if _hash(path) != digest:
            raise files.FileError(f"{path} is damaged: its SHA-256 is not that of {manifest}.")


def _hash(path: pathlib.Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
