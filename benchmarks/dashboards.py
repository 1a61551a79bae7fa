"""What TensorBoard's dashboards cost: the same fit with and without, in turn.

The default LSTM on synthetic reviews and, where they are prepared, on IMDb. Texts are tokenized
beforehand. Printed are medians of the seconds of a fit, of those of the processor, and the ratios;
seconds of the processor tell more where other work is going on.

    taskset -c 0,1 python benchmarks/dashboards.py
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator

import zoo

DASHBOARDS = ("none", "default")


def tasks() -> Iterator:
    """The tasks that there are data for, tokenized."""
    names = ["synthetic_reviews"] + (["imdb_reviews"] if "TFDS_DATA_DIR" in os.environ else [])
    for name in names:
        task = zoo.tasks.sentiment(zoo.datasets.load(name))
        for split in ("train", "validation", "test"):
            task.examples(split)
        yield task


def fit_seconds(task, dashboards: str, epochs: int | None) -> tuple[float, float]:
    """Seconds, and seconds of the processor, of one fit."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter(), time.process_time()
        zoo.fit_and_evaluate(
            lambda: zoo.LSTM(**task.model_arguments()),
            task,
            epochs=epochs,
            log_dir=folder,
            dashboards=dashboards,
            verbose=False,
        )
        return time.perf_counter() - start[0], time.process_time() - start[1]


def main() -> None:
    """Fits in turn and prints medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="of a fit; by default as many as usual")
    arguments = parser.parse_args()
    for task in tasks():
        times: dict[str, list] = {dashboards: [] for dashboards in DASHBOARDS}
        # The first fit imports and warms up; it does not count.
        fit_seconds(task, "default", 1)
        for _ in range(arguments.rounds):
            for dashboards in DASHBOARDS:
                times[dashboards].append(fit_seconds(task, dashboards, arguments.epochs))
        print(f"{task.dataset.name}, {arguments.rounds} rounds")
        for place, name in enumerate(("seconds", "processor")):
            none, default = (
                statistics.median(each[place] for each in times[dashboards])
                for dashboards in DASHBOARDS
            )
            print(f"  {name:10} none {none:7.2f}  default {default:7.2f}  {default / none:.3f}")


if __name__ == "__main__":
    main()
