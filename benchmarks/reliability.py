"""Cost of checkpoints: the same fit with a run folder and without one, alternating.

With a folder, a fit writes checkpoints every 30 seconds, the best weights, the report and their
checksums, each atomically; without one it writes nothing. Dashboards are off in both. Prints
medians of the seconds of a fit and their ratio, and the share of the time that is spent in these
functions, which is the least noisy measure. `--every-step` writes a checkpoint after each step, to
measure the cost of one.

    taskset -c 0,1 python benchmarks/reliability.py
"""

import argparse
import collections
import statistics
import tempfile
import time

from dashboards import names, tasks, timed

import zoo
from zoo.training import checkpoint, report
from zoo.training.run import Run
from zoo.utils import checksums

WRITERS = {
    "checkpoints": (checkpoint.Checkpoint, "save"),
    "weights": (Run, "save_model"),
    "report": (report.Report, "save"),
    "checksums": (checksums, "write_manifest"),
}


def watch_writers() -> dict[str, list[float]]:
    """Make each writer append the seconds of its calls to a list."""
    spent: dict[str, list[float]] = collections.defaultdict(list)
    for name, (owner, attribute) in WRITERS.items():
        setattr(owner, attribute, timed(getattr(owner, attribute), spent[name]))
    return spent


def fit(task, folder: str | None, epochs: int | None) -> float:
    """Return the seconds of one fit."""
    start = time.perf_counter()
    zoo.fit_and_evaluate(
        lambda: zoo.LSTM(**task.model_arguments()),
        task,
        epochs=epochs,
        log_dir=folder,
        dashboards="none",
        verbose=False,
    )
    return time.perf_counter() - start


def main() -> None:
    """Alternate fits and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="epochs of a fit; the task's default if not set")
    parser.add_argument("--data", nargs="+", default=names())
    parser.add_argument(
        "--every-step", action="store_true", help="write a checkpoint after each step"
    )
    arguments = parser.parse_args()
    if arguments.every_step:
        checkpoint.Checkpoint.is_due = True
    spent = watch_writers()
    for task in tasks(arguments.data):
        # The first fit warms up; it is not measured.
        fit(task, None, 1)
        spent.clear()
        without, with_folder = [], []
        for _ in range(arguments.rounds):
            without.append(fit(task, None, arguments.epochs))
            with tempfile.TemporaryDirectory() as folder:
                with_folder.append(fit(task, folder, arguments.epochs))
        without_median, median = statistics.median(without), statistics.median(with_folder)
        print(f"{task.data.dataset.name}, {arguments.rounds} rounds")
        print(
            f"  seconds of a fit: {without_median:.2f} without a folder, {median:.2f} with one, "
            f"ratio {median / without_median:.3f}"
        )
        for name in WRITERS:
            seconds = spent[name]
            mean = 1000 * statistics.fmean(seconds) if seconds else 0.0
            share = sum(seconds) / sum(with_folder)
            print(f"  {name:12} {len(seconds):4} calls, {mean:6.1f} ms each, {share:6.2%}")
        print(f"  {'total':12} {sum(map(sum, spent.values())) / sum(with_folder):.2%}")


if __name__ == "__main__":
    main()
