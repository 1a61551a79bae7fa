"""A report as people read it: in a terminal, as text, and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.tasks.error_analysis import top_confusions
from zoo.tasks.metric import main_metric
from zoo.utils.notebook import html_block, html_table
from zoo.utils.terminal import (
    cell_width,
    format_facts,
    make_table,
    one_line,
    plain_text,
    terminal_width,
)

if TYPE_CHECKING:
    from zoo.training.report import Report

TRAINED = "The model had been trained before this fit, which continues from its weights."

# Classes of the largest confusion matrix that is shown, and characters of a name next to others.
_MAX_CLASSES = 10
_MAX_NAME = 25


def title(report: Report) -> str:
    """Model, task and data."""
    return f"{report.model['name']} on {report.task}, {report.dataset['name']}"


def main_score(report: Report) -> tuple[str, float | None]:
    """Split and value of the main metric; of test if that was scored."""
    name = main_metric(report.metrics).name
    split = "test" if report.test.get(name) is not None else "validation"
    return split, getattr(report, split).get(name)


def summary(report: Report) -> str:
    """The main score as text."""
    metric = main_metric(report.metrics)
    split, value = main_score(report)
    return f"{metric.title} {metric.format(value)} on {split}"


def score_rows(report: Report) -> list[list[str]]:
    """A header and a row a score; with a column of the best possible scores if they are known."""
    header = ["score", "validation", "test"]
    if report.spread:
        header.append("spread")
    if report.best_possible:
        header.append("best possible")
    rows = [header]
    for name in report.validation:
        row = [name.replace("_", " "), report.format_score(name, report.validation[name])]
        row.append(report.format_score(name, report.test.get(name)))
        if report.spread:
            row.append(f"± {report.format_score(name, report.spread.get(name))}")
        if report.best_possible:
            row.append(report.format_score(name, report.best_possible.get(name)))
        rows.append(row)
    return rows


def confusion_rows(report: Report) -> list[list[str]]:
    """The confusion matrix with its header; of many classes the most frequent confusions.

    Empty if the report has neither.
    """
    matrix, names = report.details.get("confusion_matrix"), report.details.get("label_names", [])
    if len(names) > _MAX_CLASSES:
        return top_confusion_rows(report.details)
    if not matrix or {len(matrix), *map(len, matrix)} != {len(names)}:
        return []
    return [
        ["true \\ predicted", *names],
        *(
            [name, *(f"{count:,}" for count in row)]
            for name, row in zip(names, matrix, strict=True)
        ),
    ]


def top_confusion_rows(details: Mapping[str, Any], most: int = 10) -> list[list[str]]:
    """The most frequent confusions with a header; empty if there are none."""
    rows = [
        [_cut(found.true), _cut(found.predicted), f"{found.texts:,}", f"{found.share:.1%}"]
        for found in top_confusions(details, most)
    ]
    return [["true", "predicted", "texts", "of the class"], *rows] if rows else []


def _cut(name: str) -> str:
    name = one_line(name)
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}\u2026"


def facts(report: Report) -> list[tuple[str, str]]:
    """Name and text of everything but the scores."""
    sizes = ", ".join(f"{count:,} {split}" for split, count in report.dataset["sizes"].items())
    seconds = ", ".join(f"{key} {value:.1f}" for key, value in report.seconds.items())
    seeds = report.seeds
    facts = [
        ("data", f"{sizes}; {report.padding_share:.1%} padding"),
        *(("note", sentence) for sentence in report.dataset["warnings"]),
        *([("note", TRAINED)] if report.model.get("was_trained") else []),
        ("parameters", f"{report.model['parameters']:,}"),
        ("seconds", seconds),
        (
            "throughput",
            f"{report.throughput['examples_per_second']:,.0f} texts, "
            f"{report.throughput['tokens_per_second']:,.0f} tokens a second while fitting",
        ),
        ("peak memory", f"{report.peak_memory_mb:,.0f} MB"),
        ("seed", ", ".join(map(str, seeds))),
        ("epochs", f"{report.training['epochs']}, weights of {report.training['best_epoch']} kept"),
        ("versions", ", ".join(f"{key} {value}" for key, value in report.versions.items())),
        ("cores", str(report.cores)),
        ("command", report.command),
    ]
    if report.runs:
        facts = [fact for fact in facts if fact[0] != "epochs"]
    return facts


def rich_view(report: Report) -> Any:
    """The report as `rich` renders it."""
    from rich.console import Group
    from rich.text import Text

    header, *rows = score_rows(report)
    parts: list[Any] = [Text(one_line(title(report)), style="bold"), make_table(header, rows)]
    if confusion := confusion_rows(report):
        left = 2 if confusion[0][0] == "true" else 0
        table = make_table(confusion[0], confusion[1:], left=left)
        if _table_width(confusion) <= terminal_width():
            parts.append(table)
    return Group(*parts, Text(format_facts(facts(report))))


def text_view(report: Report) -> str:
    """The report as text, as wide as the terminal."""
    return plain_text(rich_view(report))


def html_view(report: Report) -> str:
    """The report as HTML, for notebooks."""
    tables = [rows for rows in (score_rows(report), confusion_rows(report)) if rows]
    return html_block(
        title(report),
        *(html_table(rows, header) for header, *rows in tables),
        html_table(facts(report)),
    )


def _table_width(rows: list[list[str]]) -> int:
    return sum(2 + max(map(cell_width, column)) for column in zip(*rows, strict=True))
