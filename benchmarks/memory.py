"""Memory of 20 fits in one process: peak memory of the last fit against the second.

Each fit is a whole run of a recipe, from synthetic reviews to a SavedModel: an LSTM on sentiment,
then a GRU on text generation, each 20 times in a separate process. The first fit loads TensorFlow's
kernels, so the second is the reference. The exit status is 1 if the last takes 10 % more.

    taskset -c 0,1 python benchmarks/memory.py
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading

from zoo.utils import resources

RECIPES = {
    "lstm": {"task": "sentiment", "model_options": {"units": 64}},
    "gru": {"task": "text_generation", "model_options": {"units": 64, "embedding_dim": 64}},
}
MAX_RATIO = 1.1


def resident() -> float:
    """Return the resident memory of this process in MB."""
    return resources.resident_memory() / 1e6


class Peak:
    """Peak resident memory while a block runs: `with Peak() as peak: ...; peak.value`."""

    def __enter__(self) -> "Peak":
        self.value = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.value = max(self.value, resident())

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()


def fit_many(model: str, fits: int, reviews: int) -> None:
    """Print, for each fit, its peak memory and the resident memory after it, as JSON."""
    from zoo.catalog.recipe import Recipe

    sizes = {"train_size": reviews, "validation_size": 200, "test_size": 200}
    for fit in range(fits):
        recipe = Recipe(
            model,
            data="synthetic_reviews",
            data_options={**sizes, "seed": 1},
            training={"epochs": 2, "seed": fit},
            **RECIPES[model],
        )
        with tempfile.TemporaryDirectory() as folder, Peak() as peak:
            recipe.fit(folder, verbose=False)
        print(json.dumps({"peak": peak.value, "after": resident()}), flush=True)


def main() -> None:
    """Print a line per fit, and a ratio per architecture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--fits", type=int, default=20)
    parser.add_argument("--reviews", type=int, default=2000)
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_this_process:
        fit_many(*arguments.models, arguments.fits, arguments.reviews)
        return

    grows = False
    for model in arguments.models:
        size = ["--fits", str(arguments.fits), "--reviews", str(arguments.reviews)]
        command = [sys.executable, __file__, "--in-this-process", "--models", model, *size]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            peaks = []
            for number, line in enumerate(process.stdout, 1):
                used = json.loads(line)
                peaks.append(used["peak"])
                print(f"{model} {number:2}: peak {used['peak']:.0f} MB, after {used['after']:.0f}")
        if process.returncode:
            sys.exit(process.returncode)
        ratio = peaks[-1] / peaks[1]
        grows |= ratio > MAX_RATIO
        print(f"{model}: the peak of the last fit is {ratio:.3f} times that of the second")
    sys.exit(grows)


if __name__ == "__main__":
    main()
