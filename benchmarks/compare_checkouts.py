"""Compares two checkouts of the zoo: fitting, memory, latency, generation and start-up, in turn.

Each measurement runs in a process whose `zoo` is that of one checkout, old and new alternately.
Printed are the medians of both and the ratio new / old. With `TFDS_DATA_DIR` the fit reads IMDb;
without it, synthetic reviews.

    git worktree add ../old d7b956e
    taskset -c 0,1 python benchmarks/compare_checkouts.py ../old . --rounds 3
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

FIT = """
import sys
from zoo.cli import main
sys.argv = ["zoo", *sys.argv[1:]]
main()
"""

SERVE = """
import json, statistics, sys, time
import tensorflow as tf
text = tf.constant([" ".join(["a fine film with a slow start and a good end"] * 21)])
serve = tf.saved_model.load(sys.argv[1]).signatures["serve"]
serve(text=text)
def seconds():
    start = time.perf_counter(); serve(text=text); return time.perf_counter() - start
print(json.dumps(1e3 * statistics.median(seconds() for _ in range(200))))
"""

GENERATE = """
import json, sys, time
import tensorflow as tf
rows, tokens = int(sys.argv[2]), 480
loaded = tf.saved_model.load(sys.argv[1])
def run(seed):
    start = time.perf_counter()
    loaded.generate(tf.constant(["ROMEO:"] * rows), max_new_tokens=tf.constant(tokens),
                    top_k=tf.constant(40), seed=tf.constant(seed))
    return time.perf_counter() - start
run(0)
print(json.dumps(rows * tokens / min(run(seed) for seed in range(1, 4))))
"""

HELP = """
import json, subprocess, sys, time
code = "import sys; from zoo.cli import main; sys.argv = ['zoo', '--help']; main()"
def seconds():
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start
print(json.dumps(1e3 * min(seconds() for _ in range(5))))
"""


def run_in(checkout: pathlib.Path, code: str, *arguments: str) -> str:
    """What a process prints whose zoo is that of `checkout`."""
    # The checkout's own package precedes an installed one. Bytecode is cached, as after an
    # installation, and not in the checkout.
    cache = pathlib.Path(tempfile.gettempdir(), "compare_checkouts", str(checkout).strip("/"))
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        **{"PYTHONPATH": str(checkout), "PYTHONPYCACHEPREFIX": str(cache)},
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        raise SystemExit(f"{checkout}: {ran.stderr[-2000:]}")
    return ran.stdout


def fit(checkout: pathlib.Path) -> dict[str, float]:
    """Seconds and peak memory of fitting the default LSTM for an epoch."""
    data = "imdb_reviews" if os.environ.get("TFDS_DATA_DIR") else "synthetic_reviews"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--data", data, "--epochs", "1", "--seed", "1", "--quiet", "--json"]
        run_in(checkout, FIT, "fit", "lstm", "sentiment", *options, "--out", folder)
        report = json.loads((pathlib.Path(folder) / "report.json").read_text())
    return {
        "fitting (s)": report["seconds"]["fitting"],
        "tokenizing (s)": report["seconds"]["tokenizing"],
        "peak memory of a fit (MB)": report["peak_memory_mb"],
        "test accuracy": report["test"]["accuracy"],
    }


def measure(checkout: pathlib.Path) -> dict[str, float]:
    """All figures of one checkout, once."""
    models = checkout / "saved_models"

    def number(code: str, *arguments: str) -> float:
        return float(json.loads(run_in(checkout, code, *arguments).splitlines()[-1]))

    figures = {"zoo --help (ms)": number(HELP)}
    for name in ("lstm_imdb", "transformer_imdb"):
        figures[f"serve, {name} (ms)"] = number(SERVE, str(models / name / "1"))
    for name in ("gru_shakespeare", "gpt_shakespeare"):
        for rows in (1, 16):
            path = str(models / name / "1")
            figures[f"generate, {name}, {rows} rows (tokens/s)"] = number(GENERATE, path, str(rows))
    return {**figures, **fit(checkout)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    old, new = arguments.old.resolve(), arguments.new.resolve()
    runs: dict[pathlib.Path, list[dict[str, float]]] = {old: [], new: []}
    for _ in range(arguments.rounds):
        for checkout, figures in runs.items():
            figures.append(measure(checkout))
    print(f"{'':44}{'old':>10}{'new':>10}{'new/old':>9}")
    for name in runs[new][0]:
        before, after = (statistics.median(run[name] for run in runs[x]) for x in (old, new))
        print(f"{name:44}{before:10.4g}{after:10.4g}{after / before:9.3f}")


if __name__ == "__main__":
    main()
