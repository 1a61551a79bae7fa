"""Tasks: what is asked of a model, the same for every architecture."""

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
from zoo.tasks.sentiment import Sentiment, sentiment
from zoo.tasks.task import Evaluation, Task
from zoo.tasks.text_generation import TextGeneration, text_generation

__all__ = [
    "Evaluation",
    "Examples",
    "Metric",
    "Sentiment",
    "Task",
    "TaskData",
    "TextGeneration",
    "check_task",
    "create_task",
    "list_tasks",
    "register_task",
    "sentiment",
    "task_class",
    "task_from_config",
    "text_generation",
]
