"""Packages a finished run as a pretrained model, with its scores, recipe, card and checksums."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import zoo
from zoo.catalog.card import card, recipe_command
from zoo.catalog.recipe import Recipe
from zoo.training.run import Run
from zoo.utils import checksums, files, pretrained

# The only version of the SavedModel.
_VERSION = "1"


def ship(
    run: files.StrPath, name: str, *, folder: files.StrPath | None = None, test: bool | None = None
) -> pathlib.Path:
    """Packages a finished run as a pretrained model.

    The model has `1/` (the SavedModel, with the recipe's `quantization`), `report.json`,
    `recipe.toml`, `README.md` (its card) and `manifest.json` (checksums). The SavedModel is scored
    from raw texts on validation, and on test if the run was; the scores are `details["shipped"]` of
    the report.

    Args:
        run: the folder of the run.
        name: the model's name.
        folder: of the pretrained models; None for those of this zoo.
        test: whether to score the test split; None for as the run did. If the run did not, the
            report and the recipe are changed to those of a run that did.

    Returns:
        The folder of the model. A model of that name is replaced as a whole.

    Raises:
        FileError: if the run has not ended, or the model cannot be written.
    """
    run = files.user_path(run)
    recipe = Recipe.find(run)
    report = zoo.Report.load(Run(run).report)
    model, task = zoo.load(run)
    target = (pretrained.folder() if folder is None else files.user_path(folder)) / name
    with files.atomic_write(target) as new:
        zoo.export_saved_model(model, task, new / _VERSION, quantization=recipe.quantization)
        report.save(new / pretrained.REPORT)
        with_test = bool(report.test) if test is None else test
        splits = ["validation", "test"] if with_test else ["validation"]
        facts = {
            "quantization": recipe.quantization,
            "seed": zoo.Report.best_on_validation(report.runs or [report], task.monitor).seed,
            **_measured(new, splits),
        }
        if facts["test"] and not report.test:
            report = dataclasses.replace(report, test=facts["test"])
            training = {k: v for k, v in recipe.training.items() if k != "test"}
            recipe = dataclasses.replace(recipe, training=training)
        # The folders of this machine are of no use to a reader.
        command = recipe_command(name)
        runs = [dataclasses.replace(run, command=command) for run in report.runs]
        details = {**report.details, "shipped": facts}
        report = dataclasses.replace(report, details=details, command=command, runs=runs)
        _complete(new, name, report, recipe.without_paths())
    return target


def export_again(name: str, *, folder: files.StrPath | None = None) -> pathlib.Path:
    """Exports a pretrained model from its stored weights, after a change of the export.

    The weights and the scores of the run stay as they are. The graph, the card and the checksums
    are new, and the SavedModel is scored again on the splits that it was scored on.

    Args:
        name: the model's name.
        folder: of the pretrained models; None for those of this zoo.

    Returns:
        The folder of the model, which is replaced as a whole.

    Raises:
        FileError: if there is no such model, or it cannot be written.
    """
    target = (pretrained.folder() if folder is None else files.user_path(folder)) / name
    recipe = Recipe.find(target)
    report = zoo.Report.load(Run(target).report)
    model, task = zoo.load(target)
    with files.atomic_write(target) as new:
        zoo.export_saved_model(model, task, new / _VERSION, quantization=recipe.quantization)
        report.save(new / pretrained.REPORT)
        splits = [split for split in ("validation", "test") if report.shipped[split]]
        facts = {**report.shipped, **_measured(new, splits)}
        report = dataclasses.replace(report, details={**report.details, "shipped": facts})
        _complete(new, name, report, recipe)
    return target


def _measured(folder: pathlib.Path, splits: Sequence[str]) -> dict[str, Any]:
    """The size of a model's SavedModel, its scores on splits, and the details of the last one."""
    scored = {split: zoo.evaluate(folder, split=split) for split in splits}
    return {
        "bytes": _size(folder / _VERSION),
        **{s: scored[s].scores if s in scored else {} for s in ("validation", "test")},
        "details": scored[splits[-1]].details,
    }


def _size(folder: pathlib.Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _complete(folder: pathlib.Path, name: str, report: zoo.Report, recipe: Recipe) -> None:
    """Writes what belongs to a pretrained model besides its SavedModel."""
    report.save(folder / pretrained.REPORT)
    recipe.save(folder / pretrained.RECIPE)
    text = card(name, report, recipe.to_toml())
    (folder / pretrained.CARD).write_text(text, encoding="utf-8")
    # The card has no checksum: people may edit it.
    names = checksums.files_in(folder)
    names.remove(pretrained.CARD)
    checksums.write_manifest(folder, names)
