"""The models that ship, compared by their reports: a table a task and dataset."""

import dataclasses
import pathlib
from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

from zoo.catalog.card import initial_weights, megabytes, recipe_command, shipped_facts
from zoo.training.report import Report, format_score
from zoo.utils import files, pretrained
from zoo.utils.text import markdown_table

BASELINE, BELOW = "baseline", "below the baseline"

_LEGEND = (
    "Scores are of the test split (means over the seeds, ± their standard deviation) where it was "
    f"scored; “shipped” is the stored SavedModel. “{BASELINE}”: a model that does not know the "
    f"order of words. “{BELOW}”: one that does, and is no better than the best of those."
)
_EMPTY = "No trained models ship yet."


@dataclasses.dataclass(frozen=True)
class Row:
    """A shipped model in a table.

    Attributes:
        name: what it is called.
        report: its report.
        first_seconds: what fitting the weights that it began with took; 0 where it began from
            nothing, None where that is not known.
        mark: `BASELINE`, `BELOW`, or nothing.
    """

    name: str
    report: Report
    first_seconds: float | None = 0.0
    mark: str = ""

    @property
    def is_baseline(self) -> bool:
        """Whether its architecture does not know the order of words."""
        return self.report.model["is_baseline"]

    @property
    def main_score(self) -> tuple[str, str, float | None]:
        """(split, name, value) of the score that it is ranked by; of test where that was scored."""
        name = pretrained.ranking(self.report.task).score
        split = "test" if self.report.test.get(name) is not None else "validation"
        return split, name, getattr(self.report, split).get(name)

    @property
    def summary(self) -> str:
        """The model in a line: task, data and main score."""
        split, name, value = self.main_score
        score = f"{name.replace('_', ' ')} {format_score(name, value)} on {split}"
        return f"{self.name}: {self.report.task}, {self.report.dataset['name']}, {score}"

    @property
    def place(self) -> tuple[bool, float, str]:
        """What sorts a table, the best first; models without a test score come last."""
        split, _, value = self.main_score
        if value is None:
            return True, float("inf"), self.name
        sign = -1 if pretrained.ranking(self.report.task).is_better_high else 1
        return split != "test", sign * value, self.name

    def is_better_than(self, other: "Row") -> bool | None:
        """Whether its main score is better; None where they are not of the same split."""
        mine, others = self.main_score, other.main_score
        if mine[0] != others[0] or mine[2] is None or others[2] is None:
            return None
        if pretrained.ranking(self.report.task).is_better_high:
            return mine[2] > others[2]
        return mine[2] < others[2]


@dataclasses.dataclass(frozen=True)
class Table:
    """The models of one task on one dataset, the best first."""

    task: str
    dataset: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """Task and dataset."""
        return f"{self.task.replace('_', ' ')}, {self.dataset}"

    def cells(self, titles: Container[str] | None = None) -> tuple[list[str], list[list[str]]]:
        """A header and a row a model, as text; columns that nobody fills are left out.

        Args:
            titles: the columns that are wanted; None for all.
        """
        columns = [
            (title, [cell(row) for row in self.rows])
            for title, cell in _COLUMNS.get(self.task, _ANY_COLUMNS)
            if titles is None or title in titles
        ]
        columns = [(title, cells) for title, cells in columns if set(cells) - {"", "-"}]
        header = [title for title, _ in columns]
        return header, [list(row) for row in zip(*(cells for _, cells in columns), strict=True)]


@dataclasses.dataclass(frozen=True)
class Leaderboard:
    """All tables."""

    tables: tuple[Table, ...]

    @property
    def rows(self) -> list[Row]:
        """The models of all tables."""
        return [row for table in self.tables for row in table.rows]

    def markdown(self) -> str:
        """The tables as Markdown."""
        if not self.tables:
            return f"{_EMPTY}\n"
        parts = []
        for table in self.tables:
            header, rows = table.cells()
            parts.append(f"### {table.title.capitalize()}\n\n{markdown_table(header, rows)}")
        return "\n".join([*parts, f"{_LEGEND}\n"])

    def __rich__(self):
        """The tables as `rich` renders them in a terminal, with the columns that have room."""
        from rich import box
        from rich.console import Group
        from rich.table import Table as RichTable
        from rich.text import Text

        if not self.tables:
            return Text(_EMPTY)
        parts: list[Any] = []
        for table in self.tables:
            header, rows = table.cells(_IN_A_TERMINAL)
            shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
            for title in header:
                shown.add_column(title, overflow="fold", no_wrap=title == "model")
            for row in rows:
                shown.add_row(*(Text(cell.replace("`", "")) for cell in row))
            parts += [Text(table.title, style="bold"), shown]
        return Group(*parts, Text(_LEGEND, style="dim"))


def leaderboard(folder: files.StrPath | None = None) -> Leaderboard:
    """Compares the models in a folder by their reports.

    Args:
        folder: it holds a folder for each model; None for the models that ship with the zoo.

    Raises:
        FileError: where a report is damaged.
    """
    folder = pretrained.folder() if folder is None else pathlib.Path(folder)
    places = sorted(path.parent for path in folder.glob(f"*/{pretrained.REPORT}"))
    reports = {place.name: Report.load(place / pretrained.REPORT) for place in places}
    beginnings = {place.name: _initial_weights(place) for place in places}
    tables: dict[tuple[str, str], list[Row]] = {}
    for name, report in reports.items():
        row = Row(name, report, _first_seconds(name, reports, beginnings))
        tables.setdefault((report.task, report.dataset["name"]), []).append(row)
    return Leaderboard(tuple(Table(*key, _ranked(tables[key])) for key in sorted(tables)))


def _ranked(rows: list[Row]) -> tuple[Row, ...]:
    """The rows of a table, the best first, marked."""
    rows = sorted(rows, key=lambda row: row.place)
    best = next((row for row in rows if row.is_baseline), None)

    def mark(row: Row) -> str:
        if row.is_baseline:
            return BASELINE
        return BELOW if best is not None and row.is_better_than(best) is False else ""

    return tuple(dataclasses.replace(row, mark=mark(row)) for row in rows)


def _initial_weights(place: pathlib.Path) -> str | None:
    recipe = place / pretrained.RECIPE
    return initial_weights(recipe.read_text(encoding="utf-8")) if recipe.is_file() else None


def _first_seconds(
    name: str, reports: Mapping[str, Report], beginnings: Mapping[str, str | None]
) -> float | None:
    """What fitting all took that a model began with; None where a report of that is missing."""
    seconds, seen = 0.0, {name}
    while (source := beginnings[name]) is not None:
        if source not in reports or source in seen:
            return None
        seconds += reports[source].seconds.get("fitting", 0.0)
        seen.add(source)
        name = source
    return seconds


# Columns: each a title and what stands in a row


def _score(split: str, name: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = getattr(row.report, split).get(name)
        spread = row.report.spread.get(name)
        if split != "test" or spread is None or len(row.report.runs) < 2 or value is None:
            return format_score(name, value)
        return f"{format_score(name, value)} ± {format_score(name, spread)}"

    return cell


def _shipped(name: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        facts = shipped_facts(row.report)
        value = (facts.get("test") or {}).get(name)
        return "-" if value is None else f"{format_score(name, value)} ({facts['quantization']})"

    return cell


def _detail(name: str) -> Callable[[Row], str]:
    """What a language model was scored with."""

    def cell(row: Row) -> str:
        value = row.report.detail(name)
        if value is None:
            return "-"
        return f"{value:,}" if isinstance(value, int) else str(value)

    return cell


def _fitting(row: Row) -> str:
    seconds = f"{row.report.seconds['fitting']:,.0f} s"
    if row.first_seconds is None:
        return f"{seconds} and pretraining"
    return f"{seconds} + {row.first_seconds:,.0f} s" if row.first_seconds else seconds


def _seeds(row: Row) -> str:
    return ", ".join(map(str, [run.seed for run in row.report.runs] or [row.report.seed]))


_NAME = (
    ("model", lambda row: f"`{row.name}`"),
    ("architecture", lambda row: f"`{row.report.model['name']}`"),
)
_FACTS = (
    ("fitting (and first weights)", _fitting),
    ("cores", lambda row: str(row.report.cores)),
    ("parameters", lambda row: f"{row.report.model['parameters']:,}"),
    ("size", lambda row: megabytes(shipped_facts(row.report).get("bytes"))),
    ("seeds", _seeds),
    ("mark", lambda row: row.mark),
    ("command", lambda row: f"`{recipe_command(row.name)}`"),
)
_COLUMNS: dict[str, tuple[tuple[str, Callable[[Row], str]], ...]] = {
    "sentiment": (
        *_NAME,
        ("accuracy", _score("test", "accuracy")),
        ("validation accuracy", _score("validation", "accuracy")),
        ("shipped", _shipped("accuracy")),
        ("AUC", _score("test", "auc")),
        ("calibration error", _score("test", "calibration_error")),
        *_FACTS,
    ),
    "text_generation": (
        *_NAME,
        ("bits per character", _score("test", "bits_per_character")),
        ("bits per character on validation", _score("validation", "bits_per_character")),
        ("shipped", _shipped("bits_per_character")),
        ("loss", _score("test", "loss")),
        ("loss on validation", _score("validation", "loss")),
        ("perplexity", _score("test", "perplexity")),
        ("perplexity on validation", _score("validation", "perplexity")),
        ("token", _detail("level")),
        ("vocabulary", _detail("vocabulary")),
        ("context", _detail("context")),
        *_FACTS,
    ),
}
# A terminal has a hundred characters or less; the rest is in the Markdown and in the reports.
_IN_A_TERMINAL = (
    "model",
    "accuracy",
    "bits per character",
    "bits per character on validation",
    "loss",
    "loss on validation",
    "calibration error",
    "fitting (and first weights)",
    "size",
    "mark",
)
_ANY_COLUMNS = (
    *_NAME,
    ("loss", _score("test", "loss")),
    ("loss on validation", _score("validation", "loss")),
    *_FACTS,
)


# A fresh run beside what is written


class Comparison(NamedTuple):
    """One score of a fresh run beside the one that is written.

    Attributes:
        split: `"validation"` or `"test"`.
        score: its name.
        written: what the report in the repository says.
        fresh: what the new run came to.
        difference: fresh less written.
        spread: standard deviation over the seeds of what is written; None where it is one seed.
    """

    split: str
    score: str
    written: float
    fresh: float
    difference: float
    spread: float | None

    def __str__(self) -> str:
        spread = (
            "" if self.spread is None else f", ± {format_score(self.score, self.spread)} by seed"
        )
        sign = "-" if self.difference < 0 else "+"
        return (
            f"{self.split} {self.score.replace('_', ' ')}: {format_score(self.score, self.fresh)}, "
            f"written {format_score(self.score, self.written)} "
            f"({sign}{format_score(self.score, abs(self.difference))}{spread})"
        )


def compare(new_report: Report, written_report: Report) -> list[Comparison]:
    """How far a fresh run is from what is written: each main score that both of them have.

    Raises:
        ValueError: where the two are not of the same task and data.
    """
    new, old = new_report, written_report
    for what, mine, others in (
        ("task", new.task, old.task),
        ("dataset", new.dataset["name"], old.dataset["name"]),
        ("data", new.dataset["fingerprint"], old.dataset["fingerprint"]),
    ):
        if mine != others:
            raise ValueError(
                f"The two reports differ in their {what}: expected {others!r}, it is {mine!r}."
            )
    rows = []
    for split in ("validation", "test"):
        fresh, expected = getattr(new, split), getattr(old, split)
        for name in pretrained.ranking(old.task).main_scores:
            if fresh.get(name) is None or expected.get(name) is None:
                continue
            has_spread = split == "test" and len(old.runs) > 1
            rows.append(
                Comparison(
                    split,
                    name,
                    expected[name],
                    fresh[name],
                    fresh[name] - expected[name],
                    old.spread.get(name) if has_spread else None,
                )
            )
    return rows
