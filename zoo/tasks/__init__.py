"""Tasks: what is asked of a model, the same for every architecture."""

from zoo.tasks.registry import (
    create_task,
    list_tasks,
    register_task,
    task_from_config,
    task_options,
)
from zoo.tasks.sentiment import Sentiment, sentiment
from zoo.tasks.task import Evaluation, Examples, Task

__all__ = [
    "Evaluation",
    "Examples",
    "Sentiment",
    "Task",
    "create_task",
    "list_tasks",
    "register_task",
    "sentiment",
    "task_from_config",
    "task_options",
]
