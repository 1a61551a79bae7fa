"""Tasks: columns of data, a head, a loss and metrics, the same for every architecture.

A task is one file of this package: a class that is registered and, with the name of the task, a
function that creates it. Both are public names here.
"""

import sys

from zoo.tasks.data import Examples, TaskData
from zoo.tasks.metric import Metric
from zoo.tasks.registry import (
    check_task,
    create_task,
    list_tasks,
    register_task,
    task_class,
    task_from_config,
)
from zoo.tasks.task import Evaluation, Task
from zoo.tasks.text_task import TextTask
from zoo.utils.lazy import lazy_attributes

__all__ = [
    "Evaluation",
    "Examples",
    "Metric",
    "Task",
    "TaskData",
    "TextTask",
    "check_task",
    "create_task",
    "list_tasks",
    "register_task",
    "task_class",
    "task_from_config",
]


def _registered() -> dict:
    """The class of each task, and its function, by their names."""
    classes = [task_class(name) for name in list_tasks()]
    functions = {
        cls.name: getattr(sys.modules[cls.__module__], cls.name, cls.from_dataset)
        for cls in classes
    }
    return {**{cls.__name__: cls for cls in classes}, **functions}


# Now, since `zoo.tasks.sentiment` is the function; an import would put the module in its place.
globals().update(_registered())

# A task that is registered elsewhere, later.
__getattr__, _ = lazy_attributes(__name__, {}, lambda name: _registered().get(name))


def __dir__() -> list[str]:
    return sorted({*__all__, *_registered()})
