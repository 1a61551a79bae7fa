"""The metrics of a task as records: how a score is written, compared and ranked."""

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score that a task computes over a split.

    Attributes:
        name: its key in `Evaluation.scores` and in reports.
        unit: `"%"` for a share, written as a percentage; `"nats"`, `"bits"`, or `""`.
        higher_is_better: whether more is better.
        main: whether models are ranked by it; true for exactly one metric of a task.
        listed: whether leaderboards and comparisons show it.
    """

    name: str
    unit: str = ""
    higher_is_better: bool = False
    main: bool = False
    listed: bool = True

    @property
    def title(self) -> str:
        """The name as people read it."""
        return self.name.replace("_", " ")

    def format(self, value: float | None) -> str:
        """The value with its unit's digits; "-" for None."""
        if value is None:
            return "-"
        return f"{value:.2%}" if self.unit == "%" else f"{value:.4f}"


def main_metric(metrics: Iterable[Metric]) -> Metric:
    """The one metric that models are ranked by.

    Raises:
        ValueError: where not exactly one metric is the main one.
    """
    main = [metric for metric in metrics if metric.main]
    if len(main) != 1:
        raise ValueError(f"Exactly one metric of a task must be the main one; {len(main)} are.")
    return main[0]
