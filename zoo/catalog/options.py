"""The options of a fit: those of its model, task, data and training, read off their signatures."""

import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import zoo
from zoo.registry import UnknownNameError, unknown_name_message
from zoo.utils.signatures import Option, options_of

# The arguments of `zoo.fit_and_evaluate` that a recipe passes itself.
_OF_RECIPES = ("initial_weights", "log_dir", "resume", "overwrite", "verbose", "command")

# A name of data that is not registered: its options are those of any file.
FILES = "files.csv"

Options = Mapping[str, Option]


class FitOptions(NamedTuple):
    """The options of a fit, by the groups of a recipe.

    Attributes:
        model_options: of the architecture; without what the task decides.
        task_options: of the task.
        data_options: of the dataset, or of files.
        training: of `zoo.fit_and_evaluate`.
        names: of model, task, data and routine, for messages.
    """

    model_options: Options
    task_options: Options
    data_options: Options
    training: Options
    names: tuple[str, str, str, str]

    def groups(self) -> dict[str, Options]:
        """The options by the name of their group."""
        return {name: getattr(self, name) for name in self._fields[:-1]}

    def check(self, **given: Iterable[str]) -> None:
        """Raises `UnknownNameError` for the first name in a group that is no option there."""
        for (group, options), owner in zip(self.groups().items(), self.names, strict=True):
            for name in given.get(group, ()):
                if name not in options:
                    message = unknown_name_message(f"argument of {owner}", name, options)
                    raise UnknownNameError(message)


def fit_options(model: str, task: str, data: str | None = None) -> FitOptions:
    """The options of a fit.

    Args:
        model: name of an architecture.
        task: name of a task.
        data: name of a dataset, or a file or folder; None for the task's own.

    Raises:
        UnknownNameError: for an unknown model or task.
        ValueError: for a model that does not support the head of the task.
        DatasetError: for unknown data.

    >>> from zoo.catalog.options import fit_options
    >>> fit_options("lstm", "sentiment").model_options["units"].default
    64
    """
    task_class = zoo.tasks.task_class(task)
    zoo.models.check_head(model, task_class.head)
    data = task_class.default_dataset if data is None else data
    return FitOptions(
        model_options=model_options(model),
        task_options=task_options(task),
        data_options=data_options(data, task),
        training=training_options(),
        names=(model, task, pathlib.Path(data or "").name or "the files", "fit_and_evaluate"),
    )


def model_options(model: str) -> Options:
    """The options of an architecture; without the arguments that a task decides."""
    options = options_of(zoo.models.model_factory(model))
    given = (*zoo.models.TASK_ARGUMENTS, "name")
    return {name: option for name, option in options.items() if name not in given}


def task_options(task: str) -> Options:
    """The options of a task, those of the tokenizers included."""
    # What the task says of an option takes precedence.
    own = options_of(zoo.tasks.task_class(task).from_dataset)
    tokenizers = map(zoo.preprocessing.tokenizer_class, zoo.preprocessing.list_tokenizers())
    further = {name: each for cls in tokenizers for name, each in options_of(cls).items()}
    return {**own, **{name: each for name, each in further.items() if name not in own}}


def data_options(data: str | None, task: str | None = None) -> Options:
    """The options of a dataset or of files.

    Args:
        data: name of a dataset, or a file or folder; None for those of any file.
        task: the task whose columns files are asked for; None for those of any task.
    """
    reader = zoo.datasets.from_files if data is None else zoo.datasets.reader_of(data)
    options = dict(options_of(reader))
    if reader is zoo.datasets.from_files:
        del options["columns"]  # The task decides.
        tasks = zoo.tasks.list_tasks() if task is None else [task]
        options |= {
            f"{column}_column": Option(
                f"{column}_column",
                str,
                default=column,
                help=f"Name of the column, or key of the JSON objects, of the {column}.",
            )
            for name in tasks
            for column in zoo.tasks.task_class(name).columns
        }
    return options


def scoring_options(data: str | None) -> Options:
    """The options of a dataset, or of files that are scored whole.

    Args:
        data: name of a dataset, or a file or folder; None for those of any file.
    """
    options = data_options(data)
    if data is not None and zoo.datasets.reader_of(data) is not zoo.datasets.from_files:
        return options
    from zoo.datasets.scoring import read_to_score

    known = options_of(read_to_score)
    return {n: option for n, option in options.items() if n in known or n.endswith("_column")}


def training_options() -> Options:
    """The options of `zoo.fit_and_evaluate`."""
    options = dict(options_of(zoo.fit_and_evaluate))
    # Imported after a public name, which imports TensorFlow without its messages.
    from zoo.training.settings import Settings

    options |= options_of(Settings)
    return {name: option for name, option in options.items() if name not in _OF_RECIPES}


def every_option() -> Iterator[tuple[str, str, Option]]:
    """All options of all fits: group, name of the model, task or data that takes it, option."""
    for model in zoo.list_models():
        yield from (("model_options", model, option) for option in model_options(model).values())
    for task in zoo.tasks.list_tasks():
        yield from (("task_options", task, option) for option in task_options(task).values())
    for data in (*zoo.datasets.list_datasets(), FILES):
        yield from (("data_options", data, option) for option in data_options(data).values())
    for option in training_options().values():
        yield "training", "fit_and_evaluate", option
