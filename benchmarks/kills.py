"""Kill fits at random moments, and compare their results with those of an uninterrupted fit.

    python -m benchmarks.kills --kills 200 --seed 1

Each fit has a random architecture, task and optimizer, and runs in a separate process. It is killed
with SIGKILL and started again until it reaches its end. Half of the kills are at a moment drawn
uniformly from the duration of the fit; the others are shortly after the start of a random phase,
because short phases such as writing a checkpoint are rarely hit otherwise. A checkpoint is written
after every third step.
"""

import argparse
import collections
import contextlib
import dataclasses
import functools
import hashlib
import io
import math
import multiprocessing
import os
import pathlib
import queue
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import h5py

import zoo
from tests.helpers import report_without_measurements
from zoo.catalog.recipe import Recipe
from zoo.training import checkpoint, loop, prepare, report
from zoo.training.run import Run
from zoo.utils import checksums

SMALL = {"train_size": 60, "validation_size": 20, "test_size": 20, "seed": 1}
MODELS: Mapping[str, Mapping[str, Any]] = {
    "simple_rnn": {"units": 8, "embedding_dim": 8},
    "lstm": {"units": 8, "embedding_dim": 8, "dropout": 0.3},
    "gru": {"units": 8, "embedding_dim": 8, "dropout": 0.3, "bidirectional": True},
    "transformer": {"embedding_dim": 16, "hidden_units": 16, "num_layers": 1, "dropout": 0.2},
    "gpt": {"embedding_dim": 16, "num_layers": 1, "dropout": 0.2},
    "bag_of_words": {"embedding_dim": 8},
}
SENTIMENT = (
    {},
    {"temperature_scaling": True},
    {"adversarial": 1.0},
    {"class_weights": "balanced"},
)
TEXT_GENERATION = ({"sequence_length": 32}, {"sequence_length": 32, "sampled_tokens": 16})
TRAINING = (
    {"optimizer": "adam", "early_stopping": 2},
    {"optimizer": "muon", "learning_rate": 0.02},
    {"optimizer": "adamw", "schedule": "cosine"},
    {"optimizer": "sgd", "schedule": "constant"},
)

# Phases of a fit, and the functions that perform them.
PHASES = {
    "a step": (prepare.Prepared, "train_step"),
    "writing a checkpoint": (checkpoint.Checkpoint, "save"),
    "reading a checkpoint": (checkpoint.Checkpoint, "load"),
    "evaluating": (loop, "evaluate"),
    "writing the model": (Run, "save_model"),
    "writing the report": (report.Report, "save"),
    "writing checksums": (checksums, "write_manifest"),
    "reading the model": (Run, "load"),
    "exporting": (zoo, "export_saved_model"),
}
BEFORE = "before the first step"


@dataclasses.dataclass
class Kill:
    """One kill: its phase, and whether the fit then ended with the expected result."""

    phase: str
    survived: bool = False


def random_recipe(random_: random.Random) -> Recipe:
    """Return a random small recipe."""
    model = random_.choice(list(MODELS))
    tasks = ["sentiment"]
    if model != "bag_of_words":
        tasks.append("text_generation")
    task = random_.choice(tasks)
    options = dict(random_.choice(SENTIMENT if task == "sentiment" else TEXT_GENERATION))
    model_options = dict(MODELS[model])
    if task == "text_generation":
        model_options.pop("bidirectional", None)
    return Recipe(
        model=model,
        task=task,
        data="synthetic_reviews",
        data_options=SMALL,
        task_options=options,
        model_options=model_options,
        training={
            **{"epochs": 3, "batch_size": 16, "seed": random_.randrange(100)},
            **{"dashboards": random_.choice(("none", "default")), **random_.choice(TRAINING)},
        },
    )


# In the process that is killed


def fit(recipe: Recipe, out: pathlib.Path, log: pathlib.Path, phase_pipe: int) -> None:
    """Run a fit that reports its phases on a pipe; never returns."""
    status = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        report_phases(phase_pipe)
        write_checkpoints_often()
        recipe.fit(out, verbose=False)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def report_call(function, pipe: int, message: bytes):
    """Wrap a function so that it first writes a message to a pipe."""

    @functools.wraps(function)
    def wrapped(*arguments, **options):
        os.write(pipe, message)
        return function(*arguments, **options)

    return wrapped


def report_phases(pipe: int) -> None:
    """Make each function of `PHASES` write its number when it starts."""
    for index, (owner, name) in enumerate(PHASES.values()):
        setattr(owner, name, report_call(getattr(owner, name), pipe, bytes([index])))


def write_checkpoints_often() -> None:
    asked = [0]

    def is_due(self) -> bool:
        asked[0] += 1
        return asked[0] % 3 == 0

    checkpoint.Checkpoint.is_due = property(is_due)


# In the process that kills


def run_once(
    recipe: Recipe, out: pathlib.Path, seconds: float | None, phase: int | None
) -> str | None:
    """Run a fit, and kill it some seconds after its start or after the start of `phase`.

    Returns:
        The phase in which it was killed; None if it reached its end.
    """
    reader, writer = os.pipe()
    log = out.with_name(out.name + ".log")
    child = os.fork()
    if child == 0:
        os.close(reader)
        fit(recipe, out, log, writer)
    os.close(writer)
    names = list(PHASES)
    began = time.monotonic() if phase is None else math.inf
    in_phase = BEFORE
    while True:
        wait = None
        if seconds is not None and began < math.inf:
            wait = max(began + seconds - time.monotonic(), 0)
        if not select.select([reader], [], [], wait)[0]:
            os.kill(child, signal.SIGKILL)
            break
        received = os.read(reader, 4096)
        if not received:
            break
        in_phase = names[received[-1]]
        if phase is not None and phase in received:
            began = min(began, time.monotonic())
    os.close(reader)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"A fit failed, see {log}: {log.read_text()[-500:]}")
    return in_phase if status else None


def results_of(out: pathlib.Path) -> dict[str, Any]:
    """Return report, weights, optimizer state and the SavedModel's weights as one dictionary.

    They are read without TensorFlow's runtime, because a process must not fork after using it.
    """
    import tensorflow as tf  # After the zoo has imported it without log lines.

    checksums.check_manifest(out)
    checksums.check_manifest(out / "saved_model" / "1")
    report_entries = report_without_measurements(out)
    found = {f"report.{name}": value for name, value in report_entries.items()}
    with zipfile.ZipFile(Run(out).model) as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))

    def digest(name, item):
        if isinstance(item, h5py.Dataset):
            found[f"model.{name}"] = hashlib.sha256(item[()].tobytes()).hexdigest()

    weights.visititems(digest)
    served = tf.train.load_checkpoint(str(out / "saved_model" / "1" / "variables" / "variables"))
    for name in served.get_variable_to_shape_map():
        value = served.get_tensor(name)
        content = value if isinstance(value, bytes) else value.tobytes()
        # The object graph names functions by a counter of the process.
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH":
            found[f"saved_model.{name}"] = hashlib.sha256(content).hexdigest()
    return found


def kills_of_one_fit(
    recipe: Recipe, folder: pathlib.Path, random_: random.Random, most: int
) -> list[Kill]:
    """Kill a fit of one recipe repeatedly; keep `folder` if its result is wrong."""
    began = time.perf_counter()
    folder.mkdir()
    run_once(recipe, folder / "whole", None, None)
    seconds = time.perf_counter() - began
    kills: list[Kill] = []
    while True:
        phase, wait = None, None
        if len(kills) < most:
            wait = random_.uniform(0, seconds)
            if random_.random() < 0.5:
                phase, wait = random_.randrange(len(PHASES)), random_.uniform(0, 0.02)
        in_phase = run_once(recipe, folder / "killed", wait, phase)
        if in_phase is None:
            break
        kills.append(Kill(in_phase))
    expected, found = (results_of(folder / name) for name in ("whole", "killed"))
    left = [path.name for path in (folder / "killed").rglob(".*")]
    different = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
    if different or left:
        recipe.save(folder / "recipe.toml")
        print(
            f"{folder}: killed in {', '.join(kill.phase for kill in kills)}; different: "
            f"{', '.join(different)}; left: {', '.join(left)}",
            flush=True,
        )
        return kills
    shutil.rmtree(folder)
    return [dataclasses.replace(kill, survived=True) for kill in kills]


def table(kills: list[Kill]) -> Iterator[str]:
    """Yield the rows of a table of kills and survivals by phase."""
    tried = collections.Counter(kill.phase for kill in kills)
    survived = collections.Counter(kill.phase for kill in kills if kill.survived)
    yield f"{'killed':<24}{'times':>6}{'survived':>10}"
    for phase in (BEFORE, *PHASES):
        yield f"{phase:<24}{tried[phase]:>6}{survived[phase]:>10}"
    yield f"{'total':<24}{len(kills):>6}{survived.total():>10}"


def one_fit(number: int, seed: int, folder: pathlib.Path) -> list[Kill]:
    """Draw a recipe, kill its fit up to six times, and compare the results."""
    random_ = random.Random(f"{seed}, {number}")
    recipe = random_recipe(random_)
    return kills_of_one_fit(recipe, folder / f"{number}_{recipe.model}", random_, 6)


def many_kills(number: int, seed: int, jobs: int, folder: pathlib.Path) -> list[Kill]:
    """Run at least `number` kills, with `jobs` fits at a time."""
    # Forked before TensorFlow runs, like the fits that are forked from these processes.
    forked = multiprocessing.get_context("fork")
    fits, kills_so_far, results = forked.Value("i", 0), forked.Value("i", 0), forked.Queue()

    def work():
        while kills_so_far.value < number:
            with fits:
                index, fits.value = fits.value, fits.value + 1
            of_one = one_fit(index, seed, folder)
            with kills_so_far:
                kills_so_far.value += len(of_one)
            results.put(of_one)

    workers = [forked.Process(target=work) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    kills: list[Kill] = []
    while any(worker.is_alive() for worker in workers) or not results.empty():
        with contextlib.suppress(queue.Empty):
            kills += results.get(timeout=1)
            print(f"{fits.value} fits, {len(kills)} kills", file=sys.stderr, flush=True)
    if any(worker.exitcode for worker in workers):
        sys.exit(f"A fit failed; its output is in {folder}.")
    print(f"{fits.value} fits")
    return kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="minimum number of kills (200)")
    parser.add_argument("--seed", type=int, default=1, help="seed of recipes and moments (1)")
    parser.add_argument("--jobs", type=int, default=2, help="parallel fits (2)")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="zoo_kills_"))
    began = time.perf_counter()
    kills = many_kills(options.kills, options.seed, options.jobs, folder)
    print("\n".join(table(kills)))
    print(f"{time.perf_counter() - began:.0f} s")
    if not all(kill.survived for kill in kills):
        sys.exit(f"Failed fits are kept in {folder}.")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
