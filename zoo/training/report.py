"""The report of a run: its results, as JSON and for people."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zoo.tasks.metric import Metric
from zoo.training import report_view
from zoo.utils import checksums, files

FORMAT = 1

_Scores = dict[str, float | None]


class _Model(msgspec.Struct):
    name: str
    parameters: int
    is_baseline: bool


class _Dataset(msgspec.Struct):
    name: str
    sizes: dict[str, int]
    warnings: list[str]


class _Training(msgspec.Struct):
    epochs: int
    best_epoch: int


class _Epoch(msgspec.Struct):
    epoch: int


class _Details(msgspec.Struct):
    confusion_matrix: list[list[int]] = []
    confusions: list[tuple[int, int, int]] = []
    label_names: list[str] = []


class _Throughput(msgspec.Struct):
    examples_per_second: float
    tokens_per_second: float


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The entries of a report's file: of the nested ones, those that are read again."""

    format: int
    task: str
    metrics: list[Metric]
    model: _Model
    dataset: _Dataset
    seed: int | None
    training: _Training
    history: list[_Epoch]
    validation: _Scores
    test: _Scores
    details: _Details
    best_possible: dict[str, float] | None
    seconds: dict[str, float]
    throughput: _Throughput
    padding_share: float
    peak_memory_mb: float
    versions: dict[str, str]
    cores: int
    command: str
    runs: list[Any]
    spread: _Scores


@dataclasses.dataclass(frozen=True)
class Report:
    """The results of a run: scores, history, costs, and the facts that reproduce it.

    Attributes:
        task: the task's name.
        metrics: the metrics of the task, which say how each score is written and compared.
        model: name and parameters of the model, and whether it ignores the order of words.
        dataset: name, arguments, sizes, fingerprint and warnings of the data.
        seed: the seed of the run; None for several.
        training: the settings of the fit, and the epoch whose weights were kept.
        history: one entry per epoch: training metrics, `val_` metrics, learning rate, seconds.
        validation: scores of the kept weights on the validation split.
        test: scores on the test split, which is evaluated once, at the end; empty if it was not.
        details: further facts of the evaluation, such as the confusion matrix.
        best_possible: the best possible scores, for data with a known process.
        seconds: of reading, tokenizing, fitting, validating and testing.
        throughput: examples and tokens per second of fitting.
        padding_share: fraction of the training positions that are padding.
        peak_memory_mb: peak resident memory of the process, in 10^6 bytes.
        versions: versions of Python and of the main packages.
        cores: processor cores available to the process.
        command: the command line.
        runs: the reports of the seeds, if there are several: `test` and `validation` are then
            means.
        spread: standard deviation over the seeds of each test score.

    Example:
        >>> report = zoo.leaderboard().rows[0].report
        >>> report.model["name"], report.format_score("accuracy", report.test["accuracy"])
        ('gru', '92.39%')
    """

    task: str
    metrics: tuple[Metric, ...]
    model: dict[str, Any]
    dataset: dict[str, Any]
    seed: int | None
    training: dict[str, Any]
    history: list[dict[str, Any]]
    validation: dict[str, Any]
    test: dict[str, Any]
    details: dict[str, Any]
    best_possible: dict[str, float] | None
    seconds: dict[str, float]
    throughput: dict[str, float]
    padding_share: float
    peak_memory_mb: float
    versions: dict[str, str]
    cores: int
    command: str
    runs: list["Report"] = dataclasses.field(default_factory=list)
    spread: dict[str, float] = dataclasses.field(default_factory=dict)

    # Several seeds

    @classmethod
    def over_seeds(cls, runs: Sequence["Report"], command: str) -> "Report":
        """One report on runs that differ in their seed: means, and the spread of test scores."""
        first = runs[0]

        def means(section: str) -> dict[str, Any]:
            entries = [getattr(run, section) for run in runs]
            return {
                key: statistics.fmean(values)
                for key in entries[0]
                if None not in (values := [entry.get(key) for entry in entries])
            }

        test = means("test")
        return dataclasses.replace(
            first,
            seed=None,
            history=[],
            validation=means("validation"),
            test=test,
            details={},
            seconds=means("seconds"),
            throughput=means("throughput"),
            padding_share=statistics.fmean(run.padding_share for run in runs),
            peak_memory_mb=max(run.peak_memory_mb for run in runs),
            command=command,
            runs=list(runs),
            spread={key: statistics.stdev(run.test[key] for run in runs) for key in test}
            if len(runs) > 1
            else {},
        )

    @staticmethod
    def best_on_validation(runs: Sequence["Report"], monitor: tuple[str, str]) -> "Report":
        """The run whose weights are kept, of several.

        Args:
            runs: one at least.
            monitor: a task's, such as `("val_loss", "min")`.
        """
        metric, mode = monitor
        choose = min if mode == "min" else max
        return choose(runs, key=lambda run: run.validation[metric.removeprefix("val_")])

    # JSON

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        entries = dataclasses.asdict(self)
        entries["runs"] = [run.to_dict() for run in self.runs]
        return {"format": FORMAT, **entries}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "Report":
        """The report that `to_dict` describes.

        Raises:
            ValueError: for entries of another format, or that are not a report's.
        """
        if not isinstance(entries, Mapping) or entries.get("format") != FORMAT:
            raise ValueError(f"expected a report of format {FORMAT}")
        try:
            checked = msgspec.convert(dict(entries), _File)
        except msgspec.ValidationError as error:
            raise ValueError(f"expected a report's entries ({error})") from error
        values = {key: value for key, value in entries.items() if key != "format"}
        values["metrics"] = tuple(checked.metrics)
        return cls(**{**values, "runs": [cls.from_dict(run) for run in values["runs"]]})

    def save(self, path: files.StrPath) -> None:
        """Writes the report as JSON, whole or not at all."""
        files.write_json(files.user_path(path), self.to_dict())

    @classmethod
    def load(cls, path: files.StrPath) -> "Report":
        """Reads a report.

        Raises:
            FileError: if the file is missing, damaged or no report.
        """
        path = files.user_path(path)
        checksums.check_manifest(path.parent, only=path.name)
        try:
            return cls.from_dict(files.read_json(path, "a report"))
        except (ValueError, TypeError) as error:
            raise files.FileError(f"{path} is not a report of this zoo: {error}.") from error

    # For people

    def format_score(self, name: str, value: float | None) -> str:
        """A score as text, with the unit and digits of its metric; "-" for None."""
        metric = next((metric for metric in self.metrics if metric.name == name), Metric(name))
        return metric.format(value)

    @property
    def seeds(self) -> list[int | None]:
        """The seed of each run."""
        return [run.seed for run in self.runs] or [self.seed]

    @property
    def shipped(self) -> Mapping[str, Any]:
        """The facts of the packaged SavedModel, see `zoo.catalog.package`; empty for a run."""
        return self.details.get("shipped") or {}

    def detail(self, name: str) -> Any:
        """A detail of the test split: of the run, of the packaged model, or of the first seed.

        None if none of them has it.
        """
        packaged = self.shipped.get("details", {})
        for details in (self.details, packaged, *(run.details for run in self.runs)):
            if details.get(name) is not None:
                return details[name]
        return None

    def __repr__(self) -> str:
        return f"Report({report_view.title(self)}: {report_view.summary(self)})"

    def __rich__(self):
        return report_view.rich_view(self)

    def __str__(self) -> str:
        return report_view.text_view(self)

    def _repr_html_(self) -> str:
        return report_view.html_view(self)
