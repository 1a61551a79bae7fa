"""Tasks: what is asked of a model, the same for every architecture."""

from zoo.tasks.registry import (
    check_task,
    create_task,
    list_tasks,
    register_task,
    task_from_config,
)
from zoo.tasks.sentiment import Sentiment, sentiment
from zoo.tasks.task import Evaluation, Examples, Task

__all__ = [
    "Evaluation",
    "Examples",
    "Sentiment",
    "Task",
    "check_task",
    "create_task",
    "list_tasks",
    "register_task",
    "sentiment",
    "task_from_config",
]
