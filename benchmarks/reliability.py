"""What it costs that a fit can be killed: the same fit with a folder and without one, in turn.

With a folder it writes checkpoints every 30 seconds, the best weights, the report and the checksums
of both, each aside, flushed and renamed; without one it writes nothing. Dashboards are off in both.
Printed are medians of the seconds of a fit, and their ratio; then the share of a fit's seconds that
it spends in these functions, which noise disturbs least. With `--every-step` a checkpoint is
written after each step, which tells what one costs.

    taskset -c 0,1 python benchmarks/reliability.py
"""

import argparse
import collections
import statistics
import tempfile
import time

from dashboards import names, tasks, timed

import zoo
from zoo.training import checkpoint, report, routine
from zoo.utils import checksums

WRITERS = {
    "checkpoints": (checkpoint.Checkpoint, "save"),
    "weights": (routine, "save_model"),
    "report": (report.Report, "save"),
    "checksums": (checksums, "write_manifest"),
}


def watch_writers() -> dict[str, list[float]]:
    """Makes each writer note the seconds of its calls in a list."""
    spent: dict[str, list[float]] = collections.defaultdict(list)
    for name, (owner, attribute) in WRITERS.items():
        setattr(owner, attribute, timed(getattr(owner, attribute), spent[name]))
    return spent


def fit(task, folder: str | None, epochs: int | None) -> float:
    """Seconds of one fit."""
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
    """Fits in turn and prints medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="of a fit; by default as many as usual")
    parser.add_argument("--data", nargs="+", default=names())
    parser.add_argument("--every-step", action="store_true", help="writes checkpoints all the time")
    arguments = parser.parse_args()
    if arguments.every_step:
        checkpoint.Checkpoint.is_due = True
    spent = watch_writers()
    for task in tasks(arguments.data):
        # The first fit warms up; it does not count.
        fit(task, None, 1)
        spent.clear()
        without, with_folder = [], []
        for _ in range(arguments.rounds):
            without.append(fit(task, None, arguments.epochs))
            with tempfile.TemporaryDirectory() as folder:
                with_folder.append(fit(task, folder, arguments.epochs))
        without_median, median = statistics.median(without), statistics.median(with_folder)
        print(f"{task.dataset.name}, {arguments.rounds} rounds")
        print(
            f"  seconds of a fit: {without_median:.2f} without a folder, {median:.2f} with one, "
            f"ratio {median / without_median:.3f}"
        )
        for name in WRITERS:
            seconds = spent[name]
            mean = 1000 * statistics.fmean(seconds) if seconds else 0.0
            share = sum(seconds) / sum(with_folder)
            print(f"  {name:12} {len(seconds):4} written, {mean:6.1f} ms each, {share:6.2%}")
        print(f"  {'together':12} {sum(map(sum, spent.values())) / sum(with_folder):.2%}")


if __name__ == "__main__":
    main()
