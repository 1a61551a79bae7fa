"""The leaderboard of the pretrained models: a table for each task and dataset."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from zoo.catalog.card import initial_weights, recipe_command
from zoo.tasks.metric import Metric, main_metric
from zoo.training import report_view
from zoo.training.report import Report
from zoo.utils import files, pretrained
from zoo.utils.notebook import html_block, html_table
from zoo.utils.terminal import fit_columns, make_table, one_line, plain_text
from zoo.utils.text import markdown_table, megabytes

BASELINE, BELOW = "baseline", "below the baseline"

_LEGEND = (
    "Scores are on the test split where it was evaluated (mean over seeds ± standard deviation). "
    "Packaged: the SavedModel, after quantization. Fitting: seconds of training + seconds of "
    f"pretraining. “{BASELINE}”: ignores word order. “{BELOW}”: uses word order and does not "
    "improve on the best baseline."
)
# The marks around the tables in a README.
_BEGIN, _END = "<!-- leaderboard -->", "<!-- /leaderboard -->"
_EMPTY = "There are no pretrained models yet."


@dataclasses.dataclass(frozen=True)
class Row:
    """A pretrained model in a table.

    Attributes:
        name: the model's name.
        report: its report.
        first_seconds: seconds of pretraining; 0 without, None if unknown.
        mark: `BASELINE`, `BELOW`, or the empty string.
    """

    name: str
    report: Report
    first_seconds: float | None = 0.0
    mark: str = ""

    @property
    def is_baseline(self) -> bool:
        """Whether its architecture ignores the order of words."""
        return self.report.model["is_baseline"]

    @property
    def metric(self) -> Metric:
        """The main metric of the task."""
        return main_metric(self.report.metrics)

    @property
    def main_score(self) -> tuple[str, float | None]:
        """Split and value of the main metric; of test if that was scored."""
        return report_view.main_score(self.report)

    @property
    def summary(self) -> str:
        """The main score as text."""
        return report_view.summary(self.report)

    @property
    def place(self) -> tuple[bool, float, str]:
        """The key that sorts a table, the best first; models without a test score come last."""
        split, value = self.main_score
        if value is None:
            return True, float("inf"), self.name
        sign = -1 if self.metric.higher_is_better else 1
        return split != "test", sign * value, self.name

    def is_better_than(self, other: "Row") -> bool | None:
        """Whether its main score is better; None if the two are of different splits."""
        (split, mine), (other_split, others) = self.main_score, other.main_score
        if split != other_split or mine is None or others is None:
            return None
        return mine > others if self.metric.higher_is_better else mine < others

    def __repr__(self) -> str:
        return f"Row({self.name!r}: {self.summary})"


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

    def cells(self, *, compact: bool = False) -> tuple[list[str], list[list[str]]]:
        """A header and a row a model, as text; columns that are empty are left out.

        Args:
            compact: whether units are in the header instead of the cells, and commands left out.
        """
        columns = [
            (title, [cell(row) for row in self.rows])
            for title, cell in _columns(self.rows[0].report, compact)
        ]
        columns = [(title, cells) for title, cells in columns if set(cells) - {"", "-"}]
        # Scores on validation stand for scores on test where there are none.
        titles = {title for title, _ in columns}
        main = main_metric(self.rows[0].report.metrics)
        columns = [
            (title, cells)
            for title, cells in columns
            if title.removesuffix(_ON_VALIDATION) not in titles - {title, *_titles(main)}
        ]
        header = [title for title, _ in columns]
        return header, [list(row) for row in zip(*(cells for _, cells in columns), strict=True)]

    def __repr__(self) -> str:
        return f"Table({self.title!r}: {len(self.rows)} models, the best {self.rows[0]!r})"


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

    def write(self, folder: files.StrPath | None = None) -> pathlib.Path:
        """Writes the tables between the marks in the README.md of a folder.

        Args:
            folder: of the pretrained models; None for those of this zoo.

        Returns:
            The file.

        Raises:
            FileError: if the file cannot be read or has no marks.
        """
        place = pretrained.folder() if folder is None else files.user_path(folder)
        path = place / pretrained.CARD
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise files.FileError(f"Cannot read {path}: {error.strerror or error}.") from error
        before, begin, rest = text.partition(_BEGIN)
        _, end, after = rest.partition(_END)
        if not end:
            raise files.FileError(f"{path} must have the lines {_BEGIN!r} and {_END!r}.")
        with files.atomic_write(path) as new:
            new.write_text(f"{before}{begin}\n{self.markdown()}{end}{after}", encoding="utf-8")
        return path

    def __rich_console__(self, console, options):
        """The tables as `rich` renders them in a terminal, with the columns that have room."""
        from rich.text import Text

        if not self.tables:
            yield Text(_EMPTY)
            return
        for table in self.tables:
            header, rows = table.cells(compact=True)
            first = ("model", header[1], "mark", *_COMPACT_FACTS)
            places = fit_columns(header, rows, options.max_width, _WRAPPED, first)
            yield Text(one_line(table.title), style="bold")
            yield make_table(
                [header[place] for place in places],
                [[row[place] for place in places] for row in rows],
                wraps=_WRAPPED,
            )
        yield Text(_LEGEND, style="dim")

    def wide(self) -> str:
        """The tables as text with all columns, whatever the width of the terminal."""
        parts = []
        for table in self.tables:
            header, rows = table.cells()
            lines = [[cell.replace("`", "") for cell in row] for row in (header, *rows)]
            widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
            parts.append(f"{table.title}\n\n")
            for line in lines:
                cells = (f"{cell:{width}}" for cell, width in zip(line, widths, strict=True))
                parts.append("  ".join(cells).rstrip() + "\n")
            parts.append("\n")
        return "".join([*parts, f"{_LEGEND}\n"])

    def __repr__(self) -> str:
        return f"Leaderboard({len(self.rows)} models in {len(self.tables)} tables)"

    def __str__(self) -> str:
        return plain_text(self)

    def _repr_html_(self) -> str:
        if not self.tables:
            return html_block(_EMPTY)
        parts = []
        for table in self.tables:
            header, rows = table.cells()
            cells = [[cell.replace("`", "") for cell in row] for row in rows]
            parts.append(html_block(table.title.capitalize(), html_table(cells, header)))
        return "".join([*parts, html_block("", f"<p>{_LEGEND}</p>")])


def leaderboard(folder: files.StrPath | None = None) -> Leaderboard:
    """Compares the models in a folder by their reports.

    Args:
        folder: a folder with one folder per model; None for the pretrained models of the zoo.

    Raises:
        FileError: if a report is damaged.

    Example:
        >>> board = zoo.leaderboard()
        >>> board.rows[0].name, board.rows[0].mark
        ('gru_imdb', '')
    """
    folder = pretrained.folder() if folder is None else files.user_path(folder)
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
    """Seconds of all pretraining of a model; None if a report is missing."""
    seconds, seen = 0.0, {name}
    while (source := beginnings[name]) is not None:
        if source not in reports or source in seen:
            return None
        seconds += reports[source].seconds.get("fitting", 0.0)
        seen.add(source)
        name = source
    return seconds


# Columns: each a title and a function from a row to its cell

_ON_VALIDATION = " on validation"
_COMPACT_FACTS = ("fitting seconds", "size MB")
_WRAPPED = ("mark",)

_Column = tuple[str, Callable[[Row], str]]


def _columns(report: Report, compact: bool) -> list[_Column]:
    """The columns of a table, by a report of its task."""
    columns: list[_Column] = [("model", lambda row: row.name if compact else f"`{row.name}`")]
    if not compact:
        columns.append(("architecture", lambda row: f"`{row.report.model['name']}`"))
    metrics = [metric for metric in report.metrics if metric.listed or metric.main]
    for metric in sorted(metrics, key=lambda metric: not metric.main):
        test, validation = _titles(metric, compact)
        columns.append((test, _score("test", metric, compact)))
        columns.append((validation, _score("validation", metric, compact)))
        if metric.main and not compact:
            columns.append(("packaged", _packaged(metric)))
    if compact:
        return [
            *columns,
            ("fitting seconds", lambda row: _fitting(row).replace(" s", "")),
            ("size MB", lambda row: _size(row).removesuffix(" MB")),
            ("mark", lambda row: row.mark),
        ]
    return [*columns, *_FACTS]


def _titles(metric: Metric, compact: bool = False) -> tuple[str, str]:
    """The titles of a metric's columns, of test and of validation."""
    has_unit = compact and metric.unit not in metric.title.split()
    title = f"{metric.title} {metric.unit}".strip() if has_unit else metric.title
    return title, f"{title}{_ON_VALIDATION}"


def _score(split: str, metric: Metric, compact: bool) -> Callable[[Row], str]:
    def text(value: float | None) -> str:
        written = metric.format(value)
        return written.removesuffix("%") if compact else written

    def cell(row: Row) -> str:
        value = getattr(row.report, split).get(metric.name)
        spread = row.report.spread.get(metric.name)
        if split != "test" or spread is None or value is None:
            return text(value)
        return f"{text(value)} ± {text(spread)}"

    return cell


def _packaged(metric: Metric) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        facts = row.report.shipped
        value = (facts.get("test") or {}).get(metric.name)
        return "-" if value is None else f"{metric.format(value)} ({facts['quantization']})"

    return cell


def _detail(name: str) -> Callable[[Row], str]:
    """A detail of the evaluation."""

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


def _size(row: Row) -> str:
    return megabytes(row.report.shipped.get("bytes"), digits=1)


def _seeds(row: Row) -> str:
    return ", ".join(map(str, row.report.seeds))


_FACTS: tuple[_Column, ...] = (
    ("token", _detail("level")),
    ("vocabulary", _detail("vocabulary")),
    ("context", _detail("context")),
    ("fitting (+ pretraining)", _fitting),
    ("cores", lambda row: str(row.report.cores)),
    ("parameters", lambda row: f"{row.report.model['parameters']:,}"),
    ("size", _size),
    ("seeds", _seeds),
    ("mark", lambda row: row.mark),
    ("command", lambda row: f"`{recipe_command(row.name)}`"),
)


# A new run compared with a report


class Comparison(NamedTuple):
    """A score of a new run and of the report of a pretrained model.

    Attributes:
        split: `"validation"` or `"test"`.
        metric: the metric.
        written: the score of the report.
        fresh: the score of the new run.
        difference: fresh minus written.
        spread: standard deviation over the seeds of the report; None for one seed.
    """

    split: str
    metric: Metric
    written: float
    fresh: float
    difference: float
    spread: float | None

    def __str__(self) -> str:
        text = self.metric.format
        spread = "" if self.spread is None else f", ± {text(self.spread)} by seed"
        sign = "-" if self.difference < 0 else "+"
        return (
            f"{self.split} {self.metric.title}: {text(self.fresh)}, written {text(self.written)} "
            f"({sign}{text(abs(self.difference))}{spread})"
        )


def compare(new_report: Report, written_report: Report) -> list[Comparison]:
    """The differences between a new run and a report, for each metric that both have.

    Raises:
        ValueError: if the two are of different tasks or data.
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
        for metric in filter(lambda metric: metric.listed, old.metrics):
            name = metric.name
            if fresh.get(name) is None or expected.get(name) is None:
                continue
            rows.append(
                Comparison(
                    split,
                    metric,
                    expected[name],
                    fresh[name],
                    fresh[name] - expected[name],
                    old.spread.get(name) if split == "test" else None,
                )
            )
    return rows
