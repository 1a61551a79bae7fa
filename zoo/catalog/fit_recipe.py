"""Runs recipes: fits, dry runs, and the fits that their weights come from."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import zoo
from zoo.training.earlier import check_earlier
from zoo.training.memory import check_weights
from zoo.training.run import Run
from zoo.utils import files


def fit(
    recipe,
    out: pathlib.Path,
    *,
    initial_weights: files.StrPath | None = None,
    overwrite: bool = False,
    command: str | None = None,
    verbose: bool = True,
):
    """Fits a recipe's model to its task and writes the run: weights, report, SavedModel.

    An interrupted fit of the same recipe in `out` is resumed; a finished one is kept.

    Args:
        recipe: a `Recipe`.
        out: the folder of the run.
        initial_weights: the model whose weights and vocabulary are used, if not the recipe's.
        overwrite: whether to remove a run of another recipe first.
        command: the command line, for the report.
        verbose: whether to show progress.

    Returns:
        The report.

    Raises:
        FileError: if `out` holds a run of another recipe, or another process writes there.
        ShortageError: if the model is too large for the memory.
    """
    recipe = _with_absolute_paths(recipe)
    run = Run(out)
    check_earlier(run, recipe.training.get("seeds"), resume=not overwrite, overwrite=overwrite)
    with run.lock():
        if overwrite:
            run.clear()
        _check_same(recipe, out)
        return _fit(recipe, out, initial_weights, command, verbose)


def _fit(recipe, out: pathlib.Path, initial_weights, command, verbose):
    place = initial_weights or recipe.initial_weights
    source, its_task = (None, None) if place is None else zoo.load(place)
    task = _task(recipe, its_task)
    check_weights(lambda: _model(recipe, task))
    recipe.save(Run(out).recipe)
    report = zoo.fit_and_evaluate(
        lambda: _model(recipe, task),
        task,
        **recipe.training,
        initial_weights=source,
        log_dir=out,
        resume=True,
        verbose=verbose,
        command=command,
    )
    saved_model = Run(out).saved_model
    if not saved_model.is_dir():
        model, fitted_task = zoo.load(out)
        zoo.export_saved_model(model, fitted_task, saved_model, quantization=recipe.quantization)
    return report


def _with_absolute_paths(recipe):
    """The recipe as the folder of a run keeps it: usable in any working directory."""

    def absolute(value: Any) -> Any:
        is_path = isinstance(value, str) and files.user_path(value).exists()
        return str(files.user_path(value).absolute()) if is_path else value

    is_file = recipe.data is not None and is_from_files(recipe.data)
    return dataclasses.replace(
        recipe,
        data=absolute(recipe.data) if is_file else recipe.data,
        initial_weights=absolute(recipe.initial_weights),
        data_options={
            name: absolute(value) if name.endswith(("_data", "_dir")) else value
            for name, value in recipe.data_options.items()
        },
    )


def is_from_files(data: str) -> bool:
    """Whether data is a file or a folder, not the name of a dataset."""
    return zoo.datasets.reader_of(data) is zoo.datasets.from_files


def _task(recipe, vocabulary_of):
    """The task on its data, with the vocabulary of another task if there is one.

    Raises:
        ValueError: if its model could not be exported.
    """
    from zoo.serving import check_exportable

    options = dict(recipe.task_options)
    if vocabulary_of is not None:
        options["vocabulary_of"] = vocabulary_of
    task = zoo.tasks.create_task(
        recipe.task,
        load_dataset(recipe.data, zoo.tasks.task_class(recipe.task), recipe.data_options),
        **options,
    )
    check_exportable(task, recipe.quantization)
    return task


def _model(recipe, task):
    """A model for the task, with random weights."""
    return zoo.create_model(recipe.model, **task.model_arguments(), **recipe.model_options)


def dry_run(recipe, out: pathlib.Path, *, from_scratch: bool = False, overwrite: bool = False):
    """Estimates what a fit would take, and writes nothing; see `zoo.dry_run`.

    Args:
        recipe: a `Recipe`.
        out: the folder of the run.
        from_scratch: whether the estimate is of `fit_from_scratch`, which may fit another recipe
            first.
        overwrite: whether a run of another recipe in `out` would be removed.

    Returns:
        A `DryRun`; its `check` raises if disk or memory do not suffice.

    Raises:
        FileError: if `out` holds a run of another recipe.
    """
    if not overwrite:
        _check_same(recipe, out)
    return _tried(recipe, out, from_scratch)[0]


def _tried(recipe, out: pathlib.Path, from_scratch: bool):
    """The dry run, and the task."""
    first, source, its_task = None, None, None
    if recipe.initial_weights is not None:
        given = recipe.initial_weights
        place = _first_run(out, given) if from_scratch else given
        if from_scratch and not Run(place).has_ended:
            # A model with random weights has the size of the one that would be fitted.
            source_recipe = type(recipe).find(given)
            first, its_task = _tried(source_recipe, pathlib.Path(place), True)
            source = _model(source_recipe, its_task)
        else:
            source, its_task = zoo.load(place)
    task = _task(recipe, its_task)
    tried = zoo.dry_run(
        lambda: _model(recipe, task),
        task,
        **recipe.training,
        initial_weights=source,
        log_dir=out,
        quantization=recipe.quantization,
    )
    return dataclasses.replace(tried, first=first), task


def _first_run(out: pathlib.Path, initial_weights: str) -> pathlib.Path:
    """The folder, next to a run, of the run whose weights it starts from."""
    return out.parent / pathlib.Path(initial_weights).name.removesuffix(".toml")


def _check_same(recipe, out: pathlib.Path) -> None:
    """Raises a `FileError` with the difference if `out` holds a run of another recipe."""
    if not Run(out).recipe.is_file():
        return
    # The same file may be at another path now, and the texts themselves are compared later.
    recipes = (type(recipe).load(Run(out).recipe), recipe)
    there, here = (each.without_paths().lines() for each in recipes)
    differences = [
        *(f"there {line}" for line in there if line not in here),
        *(f"now {line}" for line in here if line not in there),
    ]
    if differences:
        raise files.FileError(
            f"{out} holds a run of another recipe ({'; '.join(differences)}). Use another "
            "folder, or --overwrite."
        )


def report_of(recipe, out: pathlib.Path, *, command: str, verbose: bool = True):
    """The report of the run in `out`, which is fitted from scratch if there is none.

    Raises:
        FileError: if the run there is one of another recipe.
    """
    if not Run(out).has_ended:
        return fit_from_scratch(recipe, out, command=command, verbose=verbose)
    _check_same(recipe, out)
    return zoo.Report.load(Run(out).report)


def fit_from_scratch(
    recipe, out: pathlib.Path, *, command: str, overwrite: bool = False, verbose: bool = True
):
    """Fits a recipe, and first the recipe that its weights come from.

    The run of that one is the folder next to `out` with its name; a finished run is kept. Arguments
    and the returned report are those of `fit`.
    """
    weights = None
    if recipe.initial_weights is not None:
        weights = _first_run(out, recipe.initial_weights)
        if not Run(weights).has_ended:
            first = type(recipe).find(recipe.initial_weights)
            fit_from_scratch(first, weights, command=command, verbose=verbose)
    return fit(
        recipe,
        out,
        initial_weights=weights,
        overwrite=overwrite,
        command=command,
        verbose=verbose,
    )


def load_dataset(data: str | None, task_class, options: Mapping[str, Any]):
    """A dataset for a task, with the columns that it needs.

    Args:
        data: name of a dataset, or a file or folder; None for the task's own.
        task_class: the task's class.
        options: of `zoo.datasets.load`.
    """
    name = data or task_class.default_dataset
    if name is None:
        raise zoo.datasets.DatasetError(
            f"{task_class.name} has no default dataset: expected --data, a file with the columns "
            f"{' and '.join(task_class.columns)}."
        )
    return zoo.datasets.load(name, columns=task_class.columns, **options)
