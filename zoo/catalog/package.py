"""Packages a finished run as a pretrained model, with its scores, recipe, card and checksums."""

import dataclasses
import pathlib

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
        scored = {split: zoo.evaluate(new, split=split) for split in splits}
        last = scored.get("test", scored["validation"])
        facts = {
            "quantization": recipe.quantization,
            "bytes": _size(new / _VERSION),
            "seed": zoo.Report.best_on_validation(report.runs or [report], task.monitor).seed,
            "validation": scored["validation"].scores,
            "test": scored["test"].scores if "test" in scored else {},
            "details": last.details,
        }
        if "test" in scored and not report.test:
            report = dataclasses.replace(report, test=scored["test"].scores)
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

    Weights and scores stay as they are; the graph, the card and the checksums are new.

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
        facts = {**report.shipped, "bytes": _size(new / _VERSION)}
        report = dataclasses.replace(report, details={**report.details, "shipped": facts})
        _complete(new, name, report, recipe)
    return target


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
