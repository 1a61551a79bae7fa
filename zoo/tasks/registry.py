"""The tasks by name: a module in this package that registers a class is part of the zoo."""

import inspect
from collections.abc import Mapping
from typing import Any

from zoo.registry import Registry, check_arguments

_TASKS = Registry("task", "zoo.tasks")


def register_task(cls: type) -> type:
    """Enters a subclass of `Task` under its `name`."""
    _TASKS.register(cls.name, cls)
    return cls


def list_tasks() -> list[str]:
    """The names that `create_task` takes, in alphabetical order."""
    return _TASKS.names()


def create_task(name: str, dataset, **options):
    """Makes a task on a dataset by name: `create_task("sentiment", zoo.datasets.imdb())`.

    Raises:
        UnknownNameError: for a name that no task has, or an option that it does not take.
    """
    cls = _TASKS[name]
    check_arguments(name, cls.from_dataset, options)
    return cls.from_dataset(dataset, **options)


def task_options(name: str) -> list[str]:
    """The options that `create_task` takes for a task."""
    parameters = inspect.signature(_TASKS[name].from_dataset).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def task_from_config(config: Mapping[str, Any], dataset=None):
    """The task whose `get_config` gave `config`, on a dataset if there is one."""
    return _TASKS[config["name"]].from_config(config, dataset)
