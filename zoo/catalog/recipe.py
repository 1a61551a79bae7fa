"""Recipes: all that a fit is told, as data."""

import dataclasses
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec
import tomli_w

import zoo
from zoo.catalog.options import fit_options
from zoo.training.run import Run
from zoo.utils import files, pretrained

_HEADER = "# What differs from the defaults. It is fitted by: zoo fit --recipe FILE --out FOLDER\n"
_GROUPS = ("data_options", "task_options", "model_options", "training")

# Options that hold for one kind of answer only: a classifier has no word in its head.
_OF_LANGUAGE_MODELS = ("tie_embeddings",)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A fit, from data to SavedModel, told by what differs from the defaults.

    Attributes:
        model: name of the architecture.
        task: name of the task.
        data: name of a dataset, or a file or folder; None for the task's own.
        initial_weights: the model to begin with, whose vocabulary is then taken over: the name of a
            shipped one or the folder of a run; None to begin from nothing.
        quantization: how the SavedModel keeps weights, see `zoo.export_saved_model`.
        data_options: arguments of `zoo.datasets.load`.
        task_options: of `zoo.tasks.create_task`.
        model_options: of `zoo.create_model`.
        training: of `zoo.fit_and_evaluate`.
    """

    model: str
    task: str
    data: str | None = None
    initial_weights: str | None = None
    quantization: str = "float32"
    data_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    task_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    model_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    # As a file

    @classmethod
    def find(cls, place: files.StrPath) -> "Recipe":
        """Reads the recipe of a shipped model, of the folder of a run, or a file.

        Raises:
            FileError: where there is none, or it is not a recipe.
        """
        path = pathlib.Path(place)
        for candidate in (
            path,
            Run(path).recipe,
            Run(pretrained.folder() / path).recipe,
        ):
            if candidate.is_file():
                return cls.load(candidate)
        raise files.FileError(
            f"There is no recipe at {place}: expected a TOML file, the folder of a run, or a "
            f"shipped model: {', '.join(pretrained.names()) or 'there are none here'}."
        )

    @classmethod
    def load(cls, path: files.StrPath) -> "Recipe":
        """Reads a recipe's file.

        Raises:
            FileError: where it cannot be read or is not a recipe.
        """
        try:
            entries = tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise files.FileError(f"{path} is not a recipe in TOML: {error}.") from error
        known = {field.name for field in dataclasses.fields(cls)}
        wrong = [name if name.isidentifier() else ascii(name) for name in {*entries} - known]
        try:
            recipe = msgspec.convert(entries, cls)
        except msgspec.ValidationError as error:
            wrong.append(str(error))
        if wrong:
            raise files.FileError(
                f"{path} is not a recipe: expected model, task and some of "
                f"{', '.join(sorted(known - {'model', 'task'}))}; wrong or missing: "
                f"{', '.join(wrong)}."
            )
        return recipe

    def save(self, path: files.StrPath) -> None:
        """Writes the recipe, whole or not at all."""
        with files.atomic_write(path) as new:
            new.write_text(self.to_toml(), encoding="utf-8")

    def to_toml(self) -> str:
        """The recipe as TOML."""
        entries = {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) not in (field.default, {})
        }
        return f"{_HEADER}{tomli_w.dumps(entries)}"

    def lines(self) -> list[str]:
        """What differs from the defaults, a line each."""
        entries = tomllib.loads(self.to_toml())
        groups = {name: entries.pop(name, {}) for name in _GROUPS}
        return [
            f"{name} = {value!r}"
            for group in (entries, *groups.values())
            for name, value in group.items()
        ]

    # What comes of it

    def check(self) -> None:
        """Looks for what can be wrong before anything takes long.

        Raises:
            ValueError: for a name or an option that nobody knows.
        """
        options = fit_options(self.model, self.task, self.data)
        options.check(**{group: getattr(self, group) for group in _GROUPS})

    def beginning_from(self, place: files.StrPath) -> "Recipe":
        """This recipe for weights of another model: with its vocabulary and its widths."""
        source = Recipe.find(place)
        options = dict(source.model_options)
        task_options: Mapping[str, Any] = {}
        if source.task == self.task:
            task_options = source.task_options
        else:
            options = {k: v for k, v in options.items() if k not in _OF_LANGUAGE_MODELS}
        return dataclasses.replace(
            self,
            initial_weights=str(place),
            task_options={**task_options, **self.task_options},
            model_options={**options, **self.model_options},
        )

    def dataset(self):
        """Loads the data, with the columns that the task needs."""
        return load_dataset(self.data, zoo.tasks.task_class(self.task), self.data_options)

    def fit(
        self,
        out: files.StrPath,
        *,
        initial_weights: files.StrPath | None = None,
        overwrite: bool = False,
        command: str | None = None,
        verbose: bool = True,
    ):
        """Fits the recipe's model to its task and writes the run: weights, report, SavedModel.

        Where a fit of the same recipe was broken off in `out` it is gone on with; where one has
        ended it is not made again.

        Args:
            out: the folder of the run.
            overwrite: whether what another fit left there is removed first.
            initial_weights: where the weights it begins from are, if not where the recipe says;
                their vocabulary is taken over.
            command: what was run, for the report.
            verbose: whether progress is shown.

        Returns:
            The report.

        Raises:
            FileError: where `out` holds a run of another recipe, or another process writes there.
        """
        out = pathlib.Path(out)
        with Run(out).lock():
            if overwrite:
                Run(out).clear()
            self._check_same(out)
            return self._fit(out, initial_weights, command, verbose)

    def _fit(self, out: pathlib.Path, initial_weights, command, verbose):
        from zoo.serving import check_exportable

        place = initial_weights or self.initial_weights
        source, its_task = (None, None) if place is None else zoo.load(place)
        task = self._task(its_task)
        check_exportable(task)
        self.save(Run(out).recipe)
        report = zoo.fit_and_evaluate(
            lambda: self._model(task),
            task,
            **self.training,
            initial_weights=source,
            log_dir=out,
            resume=True,
            verbose=verbose,
            command=command,
        )
        saved_model = Run(out).saved_model
        if not saved_model.is_dir():
            model, fitted_task = zoo.load(out)
            zoo.export_saved_model(model, fitted_task, saved_model, quantization=self.quantization)
        return report

    def _task(self, vocabulary_of):
        """The task on its data, with the vocabulary of another task if there is one."""
        options = dict(self.task_options)
        if vocabulary_of is not None:
            options["vocabulary_of"] = vocabulary_of
        return zoo.tasks.create_task(self.task, self.dataset(), **options)

    def _model(self, task):
        """A model for the task, with weights of chance."""
        return zoo.create_model(self.model, **task.model_arguments(), **self.model_options)

    def dry_run(self, out: files.StrPath, *, from_nothing: bool = False, overwrite: bool = False):
        """Does all that `fit` would but fitting, and estimates what that takes; see `zoo.dry_run`.

        Nothing is written.

        Args:
            out: the folder that the run would have.
            from_nothing: whether it is for `fit_from_nothing`, which may have to fit another recipe
                first.
            overwrite: whether what another fit left in `out` would be removed.

        Returns:
            A `DryRun`; its `check` raises where disk or memory would not do.

        Raises:
            FileError: where `out` holds a run of another recipe.
        """
        out = pathlib.Path(out)
        if not overwrite:
            self._check_same(out)
        return self._tried(out, from_nothing)[0]

    def _tried(self, out: pathlib.Path, from_nothing: bool):
        """The dry run, and the task."""
        first, source, its_task = None, None, None
        if self.initial_weights is not None:
            given = self.initial_weights
            place = self._first_run(out, given) if from_nothing else given
            if from_nothing and not Run(place).has_ended:
                # A model of chance stands for the one that would be fitted.
                recipe = Recipe.find(given)
                first, its_task = recipe._tried(pathlib.Path(place), True)
                source = recipe._model(its_task)
            else:
                source, its_task = zoo.load(place)
        task = self._task(its_task)
        tried = zoo.dry_run(
            lambda: self._model(task),
            task,
            **self.training,
            initial_weights=source,
            log_dir=out,
            quantization=self.quantization,
        )
        return dataclasses.replace(tried, first=first), task

    @staticmethod
    def _first_run(out: pathlib.Path, initial_weights: str) -> pathlib.Path:
        """The folder beside a run from nothing with the run whose weights it begins with."""
        return out.parent / pathlib.Path(initial_weights).name.removesuffix(".toml")

    def _check_same(self, out: pathlib.Path) -> None:
        """Raises a `FileError` with the difference if `out` holds a run of another recipe."""
        if not Run(out).recipe.is_file():
            return
        there, here = (recipe.lines() for recipe in (Recipe.load(Run(out).recipe), self))
        differences = [
            *(f"there {line}" for line in there if line not in here),
            *(f"now {line}" for line in here if line not in there),
        ]
        if differences:
            raise files.FileError(
                f"{out} holds a run of another recipe ({'; '.join(differences)}): choose another "
                "folder, or begin anew there with --overwrite."
            )

    def fitted(self, out: files.StrPath, *, command: str, verbose: bool = True):
        """The report of the run in `out`, which is made by `fit_from_nothing` if it is not there.

        Raises:
            FileError: where the run there is one of another recipe.
        """
        out = pathlib.Path(out)
        if not Run(out).has_ended:
            return self.fit_from_nothing(out, command=command, verbose=verbose)
        self._check_same(out)
        return zoo.Report.load(Run(out).report)

    def fit_from_nothing(
        self, out: files.StrPath, *, command: str, overwrite: bool = False, verbose: bool = True
    ):
        """Fits the recipe, and first the one that its weights come from.

        That one's run is the folder beside `out` with its name; where it has ended it is not made
        again. For arguments and what is returned see `fit`.
        """
        out = pathlib.Path(out)
        weights = None
        if self.initial_weights is not None:
            weights = self._first_run(out, self.initial_weights)
            if not Run(weights).has_ended:
                first = Recipe.find(self.initial_weights)
                first.fit_from_nothing(weights, command=command, verbose=verbose)
        return self.fit(
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
