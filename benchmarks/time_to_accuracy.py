"""Seconds from raw text to the tutorial LSTM's best accuracy on IMDb: the tutorial's against ours.

For both the way is reading, tokenizing the training reviews and fitting, in a process of its own;
imports and all that is done with validation and test reviews are left out. The tutorial's accuracy
is that of its best epoch on the test reviews, which flatters it; ours is looked at once.

    TFDS_DATA_DIR=... taskset -c 0,1 python benchmarks/time_to_accuracy.py
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

# An LSTM that is small, reads 240 tokens and sees each review once.
QUICK_TASK = {"sequence_length": 240}
QUICK_MODEL = {"units": 16, "embedding_dim": 32, "embedding_dropout": 0.3, "dropout": 0.0}
QUICK_FIT = {"epochs": 1, "batch_size": 128, "learning_rate": 0.02}


def ours(seed: int) -> None:
    """Prints the seconds and the accuracy of one run."""
    import zoo

    zoo.fit_and_evaluate  # noqa: B018  Imports what the clock should not see.
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
    """Runs a command and reads the JSON lines it prints."""
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def main() -> None:
    """Runs the tutorial once and ours with each seed, and prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=5, help="of the tutorial")
    parser.add_argument("--ours", type=int, metavar="SEED", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours is not None:
        ours(arguments.ours)
        return

    here = pathlib.Path(__file__)
    runs = []
    for seed in arguments.seeds:
        runs += json_lines(here, "--ours", str(seed))
        print("ours", runs[-1], flush=True)
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
        f"tutorial {best:.2%} after {seconds:.0f} s; ours {mean:.2%} (mean of {len(runs)} seeds, "
        f"lowest {min(run['accuracy'] for run in runs):.2%}) after {median:.1f} s (median): "
        f"{seconds / median:.1f} times less"
    )


if __name__ == "__main__":
    main()
