"""The tables of `zoo list`: architectures, tasks, datasets and pretrained models."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import zoo
from zoo.utils.terminal import make_table


def tables() -> Any:
    """The tables, for `rich`."""
    from rich.console import Group

    kinds: list[tuple[str, list[str], Callable]] = [
        ("model", zoo.list_models(), zoo.models.model_factory),
        ("task", zoo.tasks.list_tasks(), lambda name: getattr(zoo.tasks, name, None)),
        ("dataset", zoo.datasets.list_datasets(), zoo.datasets.dataset_function),
    ]
    parts = [
        make_table(
            [kind, "description"],
            [[name, _summary(maker(name))] for name in names],
            left=2,
            wraps=["description"],
        )
        for kind, names, maker in kinds
    ]
    pretrained = zoo.leaderboard().rows
    for name in zoo.tasks.list_tasks():
        rows = [
            [row.name, row.report.dataset["name"], row.summary]
            for row in pretrained
            if row.report.task == name
        ]
        if rows:
            header = [f"pretrained for {name}", "data", "score"]
            parts.append(make_table(header, rows, left=3, wraps=["score"]))
    return Group(*parts)


def _summary(maker: Callable | None) -> str:
    """The first sentence of a docstring, without citations."""
    text = " ".join((inspect.getdoc(maker) or "").split("\n\n")[0].split())
    return re.sub(r" \([^)]*\d{4}[^)]*\)", "", text).split(". ")[0].rstrip(".")
