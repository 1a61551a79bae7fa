"""What came out of a run, for people and as JSON."""

import dataclasses
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.tasks.metric import Metric
from zoo.training import report_view
from zoo.utils import checksums, files

FORMAT = 1

_NUMBERS = {str: float}
_SCORES = {str: (float, None)}
# What the entries of a report hold, as far as it is read again: a type, several of them, `{str: x}`
# for any names, `[x]` for any number, other dicts for the entries that must be there at least.
_SHAPE = {
    "task": str,
    "metrics": [{"name": str, "unit": str, "higher_is_better": bool, "main": bool, "listed": bool}],
    "model": {"name": str, "parameters": int, "is_baseline": bool},
    "dataset": {"name": str, "sizes": {str: int}, "warnings": [str]},
    "seed": (int, None),
    "training": {"epochs": int, "best_epoch": int},
    "history": [{"epoch": int}],
    "validation": _SCORES,
    "test": _SCORES,
    "details": {},
    "best_possible": (_NUMBERS, None),
    "seconds": _NUMBERS,
    "throughput": {"examples_per_second": float, "tokens_per_second": float},
    "padding_share": float,
    "peak_memory_mb": float,
    "versions": {str: str},
    "cores": int,
    "command": str,
    "runs": [],
    "spread": _SCORES,
}
_SHAPE_OF_DETAILS = {"confusion_matrix": [[int]], "label_names": [str]}


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that a run tells of itself.

    Attributes:
        task: the task's name.
        metrics: the metrics of the task, which say how each score is written and compared.
        model: name and parameters of the model, and whether it ignores the order of words.
        dataset: name, sizes, fingerprint and faults of the data.
        seed: the seed of everything random in the run.
        training: the arguments of the fit, and the epoch whose weights were kept.
        history: one entry an epoch: training metrics, `val_` metrics, learning rate, seconds.
        validation: scores of the kept weights on the validation split.
        test: scores on the test split, which was looked at once, at the end; empty if it was not.
        details: further facts of the test split, such as its confusion matrix.
        optimum: the best possible scores, for data whose process is known.
        seconds: reading, tokenizing, fitting (with validation each epoch), evaluating.
        throughput: examples and tokens a second while fitting.
        padding_share: share of padding among the positions that were trained on.
        peak_memory_mb: most resident memory of the process so far, in 10^6 bytes.
        versions: of Python and what matters of its packages.
        cores: processor cores that the process may use.
        command: what was run.
        runs: the reports of single seeds, where this one is over several: `test` and
            `validation` are then means.
        spread: standard deviation over the seeds of each test score.
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
            spread={
                key: statistics.stdev(run.test[key] for run in runs) if len(runs) > 1 else 0.0
                for key in test
            },
        )

    @staticmethod
    def best_on_validation(runs: Sequence["Report"], monitor: tuple[str, str]) -> "Report":
        """The run whose weights are kept, of several.

        Args:
            runs: one at least.
            monitor: a task's, such as `("val_loss", "min")`.
        """
        metric, mode = monitor
        best_first = sorted(
            runs,
            key=lambda run: run.validation[metric.removeprefix("val_")] or 0.0,
        )
        return best_first[0] if mode == "min" else best_first[-1]

    # JSON

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        entries = dataclasses.asdict(self)
        entries["runs"] = [run.to_dict() for run in self.runs]
        return {"format": FORMAT, **entries}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "Report":
        """The report that `to_dict` told of.

        Raises:
            ValueError: for entries of another format, or that are not a report's.
        """
        if not isinstance(entries, Mapping) or entries.get("format") != FORMAT:
            raise ValueError(f"expected a report of format {FORMAT}")
        fields = {field.name for field in dataclasses.fields(cls)}
        if set(entries) != fields | {"format"}:
            wrong = ", ".join(sorted(set(entries) ^ (fields | {"format"})))
            raise ValueError(f"expected a report's entries; missing or too many: {wrong}")
        _check_shape(entries, _SHAPE, "a report")
        details = entries["details"]
        _check_shape(
            details, {k: v for k, v in _SHAPE_OF_DETAILS.items() if k in details}, "details"
        )
        values = {key: value for key, value in entries.items() if key != "format"}
        values["metrics"] = tuple(Metric(**metric) for metric in values["metrics"])
        return cls(**{**values, "runs": [cls.from_dict(run) for run in values["runs"]]})

    def save(self, path: files.StrPath) -> None:
        """Writes the report as JSON, whole or not at all."""
        files.write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: files.StrPath) -> "Report":
        """Reads a report.

        Raises:
            FileError: where the file is missing, damaged or no report.
        """
        path = pathlib.Path(path)
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

    def detail(self, name: str) -> Any:
        """A detail of the test split: of the run, of the packaged model, or of the first seed.

        None if none of them has it.
        """
        packaged = self.details.get("shipped", {}).get("details", {})
        for details in (self.details, packaged, *(run.details for run in self.runs)):
            if details.get(name) is not None:
                return details[name]
        return None

    def __rich__(self):
        return report_view.rich_view(self)

    def __str__(self) -> str:
        return report_view.text_view(self)

    def _repr_html_(self) -> str:
        return report_view.html_view(self)


def _check_shape(value: Any, shape: Any, name: str) -> None:
    """Raises `ValueError` for the first part of a value that is not as `_SHAPE` says."""
    if isinstance(shape, tuple):
        if value is not None:
            _check_shape(value, shape[0], name)
        return
    is_right = isinstance(value, (int, float) if shape is float else _type_of(shape))
    if not is_right or (isinstance(value, bool) and shape in (int, float)):
        raise ValueError(f"{name} is {ascii(value)[:50]}")
    if isinstance(shape, list):
        for item in value if shape else ():
            _check_shape(item, shape[0], f"an item of {name}")
    elif isinstance(shape, dict):
        if str in shape:
            shape = dict.fromkeys(value, shape[str])
        for key, of_key in shape.items():
            if key not in value:
                raise ValueError(f"{name} has no {key}")
            _check_shape(value[key], of_key, ascii(key))


def _type_of(shape: Any) -> type:
    return shape if isinstance(shape, type) else type(shape)
