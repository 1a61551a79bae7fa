"""Cost of TensorBoard's dashboards: the same fit with and without them, alternating.

The default LSTM on synthetic reviews and, where it is prepared, on IMDb. Texts are tokenized in
advance. Prints medians of wall time and CPU time and their ratios, and the share of the fitting
time that is spent in the callback, which is the least noisy measure.

    taskset -c 0,1 python benchmarks/dashboards.py
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import zoo

DASHBOARDS = ("none", "default")


class Cost(NamedTuple):
    """Wall time and CPU time of one fit in seconds, and the share spent in the callback."""

    seconds: float
    processor: float
    share: float


def names() -> list[str]:
    """Return the names of the available datasets."""
    return ["synthetic_reviews"] + (["imdb_reviews"] if "TFDS_DATA_DIR" in os.environ else [])


def tasks(data: list[str]) -> Iterator:
    """Yield a tokenized task for each dataset."""
    for name in data:
        task = zoo.tasks.sentiment(zoo.datasets.load(name))
        for split in ("train", "validation", "test"):
            task.examples(split)
        yield task


def timed(function: Callable, spent: list[float]) -> Callable:
    """Wrap a function so that it appends the seconds of each call to a list."""

    def call(*arguments, **options):
        start = time.perf_counter()
        result = function(*arguments, **options)
        spent.append(time.perf_counter() - start)
        return result

    return call


def watch_callback() -> list[float]:
    """Make the callback append the seconds of each of its calls to a list."""
    spent: list[float] = []
    callback = zoo.inspection.TensorBoard
    for name in list(vars(callback)):
        if name.startswith("on_") or name == "write_report":
            setattr(callback, name, timed(getattr(callback, name), spent))
    return spent


def fit(task, dashboards: str, epochs: int | None, spent: list[float]) -> Cost:
    """Run one fit."""
    spent.clear()
    with tempfile.TemporaryDirectory() as folder:
        start, processor = time.perf_counter(), time.process_time()
        report = zoo.fit_and_evaluate(
            lambda: zoo.LSTM(**task.model_arguments()),
            task,
            epochs=epochs,
            log_dir=folder,
            dashboards=dashboards,
            verbose=False,
        )
        return Cost(
            time.perf_counter() - start,
            time.process_time() - processor,
            sum(spent) / report.seconds["fitting"],
        )


def main() -> None:
    """Alternate fits and print medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="epochs of a fit; the task's default if not set")
    parser.add_argument("--data", nargs="+", default=names())
    arguments = parser.parse_args()
    spent = watch_callback()
    for task in tasks(arguments.data):
        costs: dict[str, list[Cost]] = {dashboards: [] for dashboards in DASHBOARDS}
        # The first fit imports and warms up; it is not measured.
        fit(task, "default", 1, spent)
        for _ in range(arguments.rounds):
            for dashboards in DASHBOARDS:
                costs[dashboards].append(fit(task, dashboards, arguments.epochs, spent))
        print(f"{task.data.dataset.name}, {arguments.rounds} rounds")
        for name in ("seconds", "processor"):
            none, default = (
                statistics.median(getattr(cost, name) for cost in costs[dashboards])
                for dashboards in DASHBOARDS
            )
            print(f"  {name:10} none {none:7.2f}  default {default:7.2f}  {default / none:.3f}")
        share = statistics.median(cost.share for cost in costs["default"])
        print(f"  {'share':10} {share:.1%} of the fitting time, in the callback")


if __name__ == "__main__":
    main()
