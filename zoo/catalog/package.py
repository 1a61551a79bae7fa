"""From a run to a model that ships: small, scored as it is stored, with its card."""

import dataclasses
import pathlib

import zoo
from zoo.catalog.card import card, recipe_command
from zoo.catalog.recipe import Recipe
from zoo.training.run import Run
from zoo.utils import checksums, files, pretrained

# Where a SavedModel's only version stands.
_VERSION = "1"


def ship(
    run: files.StrPath, name: str, *, folder: files.StrPath | None = None, test: bool | None = None
) -> pathlib.Path:
    """Makes a shipped model of a run that has ended.

    It gets `1/` (the SavedModel, with weights as the recipe's `quantization` says), `report.json`,
    `recipe.toml`, `README.md` (its card) and `manifest.json` (checksums). The SavedModel is
    scored from raw texts as it is stored, on validation, and on test if the run was; these scores
    are `details["shipped"]` of the report.

    Args:
        run: the folder of the run.
        name: what the model is called.
        folder: where shipped models are; None for those of this zoo.
        test: whether the test split is scored; None for whether the run did. Where the run did
            not, its report and recipe become those of one that did.

    Returns:
        The folder of the shipped model. One of that name is replaced once the new one is whole.

    Raises:
        FileError: where the run has not ended, or the model cannot be written.
    """
    run = pathlib.Path(run)
    recipe = Recipe.find(run)
    report = zoo.Report.load(Run(run).report)
    model, task = zoo.load(run)
    target = (pretrained.folder() if folder is None else pathlib.Path(folder)) / name
    with files.atomic_write(target) as new:
        zoo.export_saved_model(model, task, new / _VERSION, quantization=recipe.quantization)
        report.save(new / pretrained.REPORT)
        with_test = bool(report.test) if test is None else test
        splits = ["validation", "test"] if with_test else ["validation"]
        scored = {split: zoo.evaluate(new, split=split) for split in splits}
        last = scored.get("test", scored["validation"])
        facts = {
            "quantization": recipe.quantization,
            "bytes": sum(file.stat().st_size for file in new.rglob("*") if file.is_file()),
            "seed": zoo.Report.best_on_validation(report.runs or [report], task.monitor).seed,
            "validation": scored["validation"].scores,
            "test": scored["test"].scores if "test" in scored else {},
            "details": last.details,
        }
        if "test" in scored and not report.test:
            report = dataclasses.replace(report, test=scored["test"].scores)
            training = {k: v for k, v in recipe.training.items() if k != "test"}
            recipe = dataclasses.replace(recipe, training=training)
        # Where the recipe lay, and the folder of the run, are nothing to a reader.
        command = recipe_command(name)
        runs = [dataclasses.replace(run, command=command) for run in report.runs]
        details = {**report.details, "shipped": facts}
        report = dataclasses.replace(report, details=details, command=command, runs=runs)
        report.save(new / pretrained.REPORT)
        recipe.save(new / pretrained.RECIPE)
        text = card(name, report, recipe.to_toml())
        (new / pretrained.CARD).write_text(text, encoding="utf-8")
        # The card is for people to read, and to mend.
        names = checksums.files_in(new)
        names.remove(pretrained.CARD)
        checksums.write_manifest(new, names)
    return target
