"""Seconds from raw text to the tutorial LSTM's best accuracy on IMDb: the tutorial and the zoo.

Both are measured in separate processes: reading, tokenizing the training reviews and fitting.
Imports, validation and testing are excluded. The tutorial's accuracy is that of its best epoch on
the test reviews, which favors it; the zoo scores the test reviews once.

    TFDS_DATA_DIR=... taskset -c 0,1 python benchmarks/time_to_accuracy.py
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

# A small LSTM that reads 240 tokens and trains for one epoch.
QUICK_TASK = {"sequence_length": 240}
QUICK_MODEL = {"units": 16, "embedding_dim": 32, "embedding_dropout": 0.3, "dropout": 0.0}
QUICK_FIT = {"epochs": 1, "batch_size": 128, "learning_rate": 0.02}


def ours(seed: int) -> None:
    """Print the seconds and the accuracy of one run."""
    import zoo

    zoo.fit_and_evaluate  # noqa: B018  Import before the measurement.
    start = time.perf_counter()
    dataset = zoo.datasets.imdb()
    task = zoo.tasks.sentiment(dataset, **QUICK_TASK)
    task.examples("train")
    seconds = time.perf_counter() - start
    report = zoo.fit_and_evaluate(
        lambda: zoo.LSTM(**task.model_arguments(), **QUICK_MODEL),
        task,
        seed=seed,
        verbose=False,
        **QUICK_FIT,
    )
    result = {"seconds": seconds + report.seconds["fitting"], "accuracy": report.test["accuracy"]}
    print(json.dumps({"seed": seed, **result, "prepared": seconds}))


def json_lines(*command) -> list[dict]:
    """Run a command and return the JSON lines it prints."""
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def main() -> None:
    """Run the tutorial once and the zoo with each seed, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=5, help="epochs of the tutorial")
    parser.add_argument("--ours", type=int, metavar="SEED", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours is not None:
        ours(arguments.ours)
        return

    here = pathlib.Path(__file__)
    runs = []
    for seed in arguments.seeds:
        runs += json_lines(here, "--ours", str(seed))
        print("zoo", runs[-1], flush=True)
    stages = json_lines(here.with_name("tutorial_lstm.py"), "--epochs", str(arguments.epochs))
    importing = stages[0]["seconds"]
    epochs = [
        (test["accuracy"], fit["seconds_so_far"] - importing)
        for fit, test in zip(stages[3::2], stages[4::2], strict=True)
    ]
    for number, (accuracy, seconds) in enumerate(epochs, start=1):
        print(f"tutorial, epoch {number}: {accuracy:.2%} after {seconds:.0f} s")
    best, seconds = max(epochs)
    median = statistics.median(run["seconds"] for run in runs)
    mean = statistics.fmean(run["accuracy"] for run in runs)
    print(
        f"tutorial {best:.2%} after {seconds:.0f} s; zoo {mean:.2%} (mean of {len(runs)} seeds, "
        f"minimum {min(run['accuracy'] for run in runs):.2%}) after {median:.1f} s (median): "
        f"{seconds / median:.1f} times faster"
    )


if __name__ == "__main__":
    main()
