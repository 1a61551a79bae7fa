"""Recipes: the options of a fit as data, in a TOML file."""

import dataclasses
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec
import tomli_w

from zoo.catalog import fit_recipe
from zoo.catalog.options import fit_options
from zoo.registry import did_you_mean
from zoo.training.run import Run
from zoo.utils import files, pretrained

_HEADER = "# The options that differ from the defaults. zoo fit --recipe FILE --out FOLDER\n"
_GROUPS = ("data_options", "task_options", "model_options", "training")

# Options of heads that predict tokens, which a classifier lacks.
_OF_LANGUAGE_MODELS = ("tie_embeddings",)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The options of a fit, from data to SavedModel, that differ from the defaults.

    Attributes:
        model: name of the architecture.
        task: name of the task.
        data: name of a dataset, or a file or folder; None for the task's default.
        initial_weights: a pretrained model or the folder of a run, whose weights and vocabulary are
            used; None for random weights.
        quantization: of the SavedModel's weights, see `zoo.export_saved_model`.
        data_options: arguments of `zoo.datasets.load`.
        task_options: arguments of `zoo.tasks.create_task`.
        model_options: arguments of `zoo.create_model`.
        training: arguments of `zoo.fit_and_evaluate`.

    Example:
        >>> from zoo.catalog.recipe import Recipe
        >>> recipe = Recipe("lstm", "sentiment", model_options={"units": 256})
        >>> recipe.lines()
        ["model = 'lstm'", "task = 'sentiment'", 'units = 256']
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
        """Reads the recipe of a pretrained model, of the folder of a run, or a file.

        Raises:
            FileError: if there is none, or it is not a recipe.
        """
        path = files.user_path(place)
        for candidate in (
            path,
            Run(path).recipe,
            Run(pretrained.folder() / path).recipe,
        ):
            if candidate.is_file():
                return cls.load(candidate)
        raise files.FileError(
            f"There is no recipe at {place}: expected a TOML file, the folder of a run, or a "
            f"pretrained model: {', '.join(pretrained.names()) or 'there are none'}."
            f"{did_you_mean(str(place), pretrained.names())}"
        )

    @classmethod
    def load(cls, path: files.StrPath) -> "Recipe":
        """Reads a recipe's file.

        Raises:
            FileError: if it cannot be read or is not a recipe.
        """
        try:
            entries = tomllib.loads(files.user_path(path).read_text(encoding="utf-8"))
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
        """The options that differ from the defaults, one a line."""
        entries = tomllib.loads(self.to_toml())
        groups = {name: entries.pop(name, {}) for name in _GROUPS}
        return [
            f"{name} = {value!r}"
            for group in (entries, *groups.values())
            for name, value in group.items()
        ]

    # Fitting, see `zoo.catalog.fit_recipe`

    def check(self) -> None:
        """Checks the names of model, task, data and options.

        Raises:
            ValueError: for an unknown name or option.
        """
        options = fit_options(self.model, self.task, self.data)
        options.check(**{group: getattr(self, group) for group in _GROUPS})

    def starting_from(self, place: files.StrPath) -> "Recipe":
        """This recipe with the weights, vocabulary and options of another model."""
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

    def without_paths(self) -> "Recipe":
        """This recipe without the folders of this machine: of a path, its last part is kept."""

        def last_part(value: Any) -> Any:
            is_path = isinstance(value, str) and pathlib.PurePath(value).parts[1:]
            return pathlib.PurePath(value).name if is_path else value

        options = {k: last_part(v) for k, v in self.data_options.items() if k != "data_dir"}
        return dataclasses.replace(
            self,
            data=last_part(self.data),
            initial_weights=last_part(self.initial_weights),
            data_options=options,
        )

    def fit(self, out: files.StrPath, **options):
        """Fits the model and writes the run; see `fit_recipe.fit`."""
        return fit_recipe.fit(self, files.user_path(out), **options)

    def fit_from_scratch(self, out: files.StrPath, **options):
        """Fits the recipe, after the one that its weights come from; see `fit_recipe`."""
        return fit_recipe.fit_from_scratch(self, files.user_path(out), **options)

    def dry_run(self, out: files.StrPath, **options):
        """Estimates what `fit` would take, and writes nothing; see `fit_recipe.dry_run`."""
        return fit_recipe.dry_run(self, files.user_path(out), **options)
