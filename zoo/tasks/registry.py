"""The tasks by name: a module in this package that registers a class is part of the zoo."""

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
    check_arguments(name, task_class(name).from_dataset, options)


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
