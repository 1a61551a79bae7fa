"""What TensorBoard's dashboards cost: the same fit with and without, in turn.

The default LSTM on synthetic reviews and, where they are prepared, on IMDb. Texts are tokenized
beforehand. Printed are medians of the seconds of a fit, of those of the processor, and the ratios;
then the share of a fit's own seconds that it spends in the callback, which noise disturbs least.

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
    """Seconds of one fit, of the processor in it, and the share that the callback took of it."""

    seconds: float
    processor: float
    share: float


def names() -> list[str]:
    """The datasets that are here."""
    return ["synthetic_reviews"] + (["imdb_reviews"] if "TFDS_DATA_DIR" in os.environ else [])


def tasks(data: list[str]) -> Iterator:
    """A task on each of these datasets, tokenized."""
    for name in data:
        task = zoo.tasks.sentiment(zoo.datasets.load(name))
        for split in ("train", "validation", "test"):
            task.examples(split)
        yield task


def timed(function: Callable, spent: list[float]) -> Callable:
    """The function, which notes the seconds of each of its calls in a list."""

    def call(*arguments, **options):
        start = time.perf_counter()
        result = function(*arguments, **options)
        spent.append(time.perf_counter() - start)
        return result

    return call


def watch_callback() -> list[float]:
    """Makes the callback note the seconds of each of its calls in a list."""
    spent: list[float] = []
    callback = zoo.inspection.TensorBoard
    for name in list(vars(callback)):
        if name.startswith("on_") or name == "write_report":
            setattr(callback, name, timed(getattr(callback, name), spent))
    return spent


def fit(task, dashboards: str, epochs: int | None, spent: list[float]) -> Cost:
    """One fit."""
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
    """Fits in turn and prints medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="of a fit; by default as many as usual")
    parser.add_argument("--data", nargs="+", default=names())
    arguments = parser.parse_args()
    spent = watch_callback()
    for task in tasks(arguments.data):
        costs: dict[str, list[Cost]] = {dashboards: [] for dashboards in DASHBOARDS}
        # The first fit imports and warms up; it does not count.
        fit(task, "default", 1, spent)
        for _ in range(arguments.rounds):
            for dashboards in DASHBOARDS:
                costs[dashboards].append(fit(task, dashboards, arguments.epochs, spent))
        print(f"{task.dataset.name}, {arguments.rounds} rounds")
        for name in ("seconds", "processor"):
            none, default = (
                statistics.median(getattr(cost, name) for cost in costs[dashboards])
                for dashboards in DASHBOARDS
            )
            print(f"  {name:10} none {none:7.2f}  default {default:7.2f}  {default / none:.3f}")
        share = statistics.median(cost.share for cost in costs["default"])
        print(f"  {'share':10} {share:.1%} of the seconds of fitting, in the callback")


if __name__ == "__main__":
    main()
