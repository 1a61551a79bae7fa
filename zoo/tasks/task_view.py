"""A task as people read it. Nothing is tokenized for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.tasks.metric import main_metric
from zoo.utils.notebook import html_block, html_table
from zoo.utils.text import list_names

if TYPE_CHECKING:
    from zoo.tasks.task import Task

# Labels that are shown in one line, and in a table.
_FEW, _MANY = 5, 50


def short_view(task: Task) -> str:
    """Class, data, labels and tokens of a task, in one line."""
    parts = [task.data.dataset.name if task.has_data else "no dataset"]
    if task.has_classes:
        parts.append(f"labels {_labels(task, _FEW)}")
    return f"{type(task).__name__}({', '.join([*parts, _tokens(task)])})"


def html_view(task: Task) -> str:
    """The facts of a task as HTML, for notebooks."""
    return html_block(task.name.replace("_", " ").capitalize(), html_table(facts(task)))


def facts(task: Task) -> list[tuple[str, str]]:
    """Names and facts, in order."""
    dataset = task.data.dataset if task.has_data else None
    rows = [("data", repr(dataset) if dataset else "none: it was loaded for use")]
    if task.has_classes:
        rows.append(("labels", _labels(task, _MANY)))
    length = task.input_length
    return [
        *rows,
        ("tokens", _tokens(task)),
        ("tokens per input", "any number" if length is None else f"up to {length:,}"),
        ("head", task.head),
        ("ranked by", main_metric(task.metrics).title),
        ("scores", ", ".join(metric.title for metric in task.metrics)),
        ("pipeline", task.pipeline),
    ]


def _labels(task: Task, limit: int) -> str:
    return list_names(getattr(task, "label_names", ()), limit)


def _tokens(task: Task) -> str:
    text_to_ids = task.text_to_ids
    kind = f"{text_to_ids.tokenizer.name} tokens"
    if text_to_ids.table is None:
        return f"{kind}, vocabulary not learned yet"
    return f"{kind}, {len(text_to_ids.vocabulary):,} ids"
