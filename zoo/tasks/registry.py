"""The tasks by name: a module in this package that registers a class is part of the zoo."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from zoo.registry import Registry, check_arguments
from zoo.tasks.task import Task

_TASKS: Registry = Registry("task", "zoo.tasks")


def register_task(cls: type[Task]) -> type[Task]:
    """Enters a subclass of `Task` under its `name`."""
    _TASKS.register(cls.name, cls)
    return cls


def list_tasks() -> list[str]:
    """The names that `create_task` takes, in alphabetical order."""
    return _TASKS.names()


def task_class(name: str) -> Any:
    """The class with a name.

    Raises:
        UnknownNameError: for a name that no task has.
    """
    return _TASKS[name]


def check_task(name: str, options: Iterable[str] = ()) -> None:
    """Raises what `create_task` would, before a dataset is there."""
    maker = task_class(name).from_dataset
    arguments = inspect.signature(maker).parameters
    others = [option for option in options if option not in arguments]
    if others:
        from zoo.preprocessing import list_tokenizers, tokenizer_options

        of_tokenizers = {each for level in list_tokenizers() for each in tokenizer_options(level)}
        others = [option for option in others if option not in of_tokenizers]
    check_arguments(name, maker, others)


def create_task(name: str, dataset, **options):
    """Makes a task on a dataset by name: `create_task("sentiment", zoo.datasets.imdb())`.

    Raises:
        UnknownNameError: for a name that no task has, or an option that it does not take.
    """
    check_task(name, options)
    return task_class(name).from_dataset(dataset, **options)


def task_from_config(config: Mapping[str, Any], dataset=None):
    """The task whose `get_config` gave `config`, on a dataset if there is one."""
    return task_class(config["name"]).from_config(config, dataset)
