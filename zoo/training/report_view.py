"""A report as people read it: in a terminal, as text, and as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.tasks.metric import main_metric
from zoo.utils.notebook import html_block, html_table
from zoo.utils.terminal import format_facts, make_table, plain_text, terminal_width

if TYPE_CHECKING:
    from zoo.training.report import Report

TRAINED = "The model had been trained before this fit, which continues from its weights."

# Classes of the largest confusion matrix that is shown.
_MAX_CLASSES = 10


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
    """The confusion matrix with its header; empty without one, or if it is large."""
    matrix = report.details.get("confusion_matrix")
    if not matrix or len(matrix) > _MAX_CLASSES:
        return []
    names = report.details.get("label_names", [])
    if {len(matrix), *map(len, matrix)} != {len(names)}:
        return []
    return [
        ["true \\ predicted", *names],
        *(
            [name, *(f"{count:,}" for count in row)]
            for name, row in zip(names, matrix, strict=True)
        ),
    ]


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
    parts: list[Any] = [Text(title(report), style="bold"), make_table(header, rows)]
    if confusion := confusion_rows(report):
        table = make_table(confusion[0], confusion[1:], left=0)
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
    return sum(2 + max(map(len, column)) for column in zip(*rows, strict=True))
