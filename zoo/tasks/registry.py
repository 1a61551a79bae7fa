"""The tasks by name: a module in this package that registers a class is part of the zoo."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from zoo.registry import Registry, check_arguments
from zoo.tasks.task import Task

_TASKS: Registry = Registry("task", "zoo.tasks")


def register_task(cls: type[Task]) -> type[Task]:
    """Registers a subclass of `Task` under its `name`.

    Example:
    >>> zoo.tasks.register_task(zoo.tasks.Sentiment).name
    'sentiment'
    """
    _TASKS.register(cls.name, cls)
    return cls


def list_tasks() -> list[str]:
    """The names that `create_task` takes, in alphabetical order.

    Example:
    >>> {"sentiment", "text_generation"} <= set(zoo.tasks.list_tasks())
    True
    """
    return _TASKS.names()


def task_class(name: str) -> Any:
    """The class with a name.

    Raises:
        UnknownNameError: for an unknown task.

    Example:
    >>> zoo.tasks.task_class("sentiment").head
    'classifier'
    """
    return _TASKS[name]


def check_task(name: str, options: Iterable[str] = ()) -> None:
    """Raises what `create_task` would raise, before a dataset exists.

    Example:
    >>> zoo.tasks.check_task("sentiment", ["sequence_length", "lowercase"])
    """
    maker = task_class(name).from_dataset
    arguments = inspect.signature(maker).parameters
    others = [option for option in options if option not in arguments]
    if others:
        from zoo.preprocessing import list_tokenizers, tokenizer_options

        of_tokenizers = {each for level in list_tokenizers() for each in tokenizer_options(level)}
        others = [option for option in others if option not in of_tokenizers]
    check_arguments(name, maker, others)


def create_task(name: str, dataset, **options):
    """Creates a task by name.

    Args:
        name: one of `list_tasks()`.
        dataset: a `zoo.datasets.TextDataset` with the columns of the task.
        **options: the options of the task, see its `from_dataset`.

    Raises:
        UnknownNameError: for an unknown task, or an option that it does not have.

    >>> import zoo
    >>> reviews = zoo.datasets.synthetic_reviews(train_size=80, validation_size=40, test_size=40)
    >>> task = zoo.tasks.create_task("sentiment", reviews, sequence_length=64)
    >>> task.text_to_ids.sequence_length
    64
    """
    check_task(name, options)
    return task_class(name).from_dataset(dataset, **options)


def task_from_config(config: Mapping[str, Any], dataset=None):
    """The task whose `get_config` returned `config`, with a dataset or without.

    Example:
    >>> task.examples("train").lengths.shape  # The vocabulary is learned from the training split.
    (60,)
    >>> zoo.tasks.task_from_config(task.get_config()).label_names
    ('negative', 'positive')
    """
    return task_class(config["name"]).from_config(config, dataset)
