"""A dry run: everything of a fit except fitting, with estimates of time, disk and memory.

The time of all steps is estimated from a few steps on batches of different widths. Nothing is
written.
"""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.registry import check_arguments
from zoo.tasks.batches import epoch_batches, sorted_batches
from zoo.tasks.data import SPLITS
from zoo.tasks.task import Task
from zoo.training.loop import EVALUATION_BATCH_SIZE, TrainingError
from zoo.training.memory import (
    ShortageError,
    as_shortage,
    check_batch,
    check_weights,
    num_bytes,
)
from zoo.training.prepare import Prepared, check_data, complete, prepare
from zoo.training.settings import Settings, takes_settings
from zoo.utils import files, resources
from zoo.utils.notebook import html_block, html_table
from zoo.utils.special_tokens import UNKNOWN_ID
from zoo.utils.terminal import format_facts
from zoo.utils.text import megabytes

# Texts that are tokenized without truncation, to measure their length.
_MAX_SAMPLED = 2_000

# How many widths of batches are measured, the most rounds, and the seconds after which they end.
_NUM_WIDTHS = 5
_MAX_ROUNDS = 20
_MEASURED_SECONDS = 3.0

# Bytes of what is written in addition to weights: the graphs of a SavedModel, the logs of a run.
_GRAPHS = 3_000_000
_CURVES = 1_000_000

# Approximate bytes of memory that tracing the graphs of a SavedModel takes.
_TRACES = 100_000_000

# Classes whose shares are shown, the most frequent ones.
_MAX_CLASSES = 10

# Bytes of a class's probability while a split is scored: outputs in float32, their copy in float64
# and a part of it; and of one that is kept.
_SCORED_NUMBER, _KEPT_NUMBER = 16, 8

# TensorBoard's projector: the number of tokens written, and bytes of a number as text.
_PROJECTED_TOKENS = 5_000
_PROJECTED_NUMBER = 12

# Bytes of a weight in a SavedModel, by quantization.
_WEIGHT_BYTES = {"float32": 4, "float16": 2, "int8": 1}


@dataclasses.dataclass(frozen=True)
class DryRun:
    """What a fit would do, and the time, disk and memory it would need.

    Attributes:
        task: Name of the task.
        model: Name of the architecture.
        parameters: Number of parameters of the model.
        dataset: Name of the dataset.
        sizes: Number of texts of each split.
        classes: Share of each class among the training texts; empty for a task without classes.
        median_length, long_length: Median and 95 % quantile of the tokens of a training text.
        cut_share: Share of the training texts that are truncated.
        vocabulary_size: Number of ids, special tokens included.
        unknown_share: Share of unknown tokens in the validation texts.
        warnings: Warnings about the data, one sentence each.
        epochs: Maximum number of epochs.
        steps: Steps of all epochs, for one seed.
        num_seeds: Number of seeds, with one fit each.
        seconds: Estimated seconds of each phase for all seeds, by the names of a report, and
            `preparing`: making models. The export and TensorBoard are not included.
        disk: Estimated bytes on disk, at the moment when the run needs most.
        free_disk: Free bytes on disk; None if nothing would be written.
        peak_memory: Peak memory of this process so far, in bytes.
        more_memory: Estimated bytes of memory that the fit needs in addition to what is in use.
        available_memory: Available bytes of memory.
        first: The fit that the initial weights come from and that has to run first; or None.
    """

    task: str
    model: str
    parameters: int
    dataset: str
    sizes: dict[str, int]
    classes: dict[str, float]
    median_length: int
    long_length: int
    cut_share: float
    vocabulary_size: int
    unknown_share: float
    warnings: list[str]
    epochs: int
    steps: int
    num_seeds: int
    seconds: dict[str, float]
    disk: int
    free_disk: int | None
    peak_memory: int
    more_memory: int
    available_memory: int
    first: "DryRun | None" = None

    @property
    def total_seconds(self) -> float:
        """Estimated seconds, including the fit that has to run first."""
        return sum(self.seconds.values()) + (self.first.total_seconds if self.first else 0)

    @property
    def total_disk(self) -> int:
        """Estimated bytes on disk, including the fit that has to run first."""
        return self.disk + (self.first.total_disk if self.first else 0)

    def check(self) -> None:
        """Raises a `ShortageError` if disk or memory does not suffice."""
        if self.free_disk is not None and self.total_disk > self.free_disk:
            raise ShortageError(
                f"Not enough disk space: the run requires {megabytes(self.total_disk)}, and "
                f"{megabytes(self.free_disk)} are free."
            )
        if self.more_memory > self.available_memory:
            raise ShortageError(
                f"Not enough memory: the run requires {megabytes(self.more_memory)} more, "
                f"and {megabytes(self.available_memory)} are available."
            )

    def to_dict(self) -> dict[str, Any]:
        """The dry run for JSON."""
        return {**dataclasses.asdict(self), "total_seconds": self.total_seconds}

    def rows(self) -> list[tuple[str, str]]:
        """Names and facts to print, in order."""
        seconds = ", ".join(f"{name} {value:.1f}" for name, value in self.seconds.items())
        rows = [
            ("model", f"{self.model}, {self.parameters:,} parameters"),
            ("task", f"{self.task}, {self.dataset}"),
            ("data", ", ".join(f"{count:,} {name}" for name, count in self.sizes.items())),
        ]
        if self.classes:
            shares = sorted(self.classes.items(), key=lambda item: -item[1])
            if len(shares) <= _MAX_CLASSES:
                shares = list(self.classes.items())
            shown = ", ".join(f"{name} {share:.1%}" for name, share in shares[:_MAX_CLASSES])
            more = len(shares) - _MAX_CLASSES
            rows.append(("classes", shown + (f" and {more:,} more" if more > 0 else "")))
        rows += [
            (
                "length",
                f"median {self.median_length:,} tokens, 95% up to {self.long_length:,}; "
                f"{self.cut_share:.1%} are truncated",
            ),
            (
                "vocabulary",
                f"{self.vocabulary_size:,} ids; {self.unknown_share:.1%} out of vocabulary in "
                "validation",
            ),
            *(("note", sentence) for sentence in self.warnings),
            (
                "steps",
                f"{self.steps:,}, epochs {self.epochs}"
                + (f", for each of {self.num_seeds} seeds" if self.num_seeds > 1 else ""),
            ),
            ("seconds", f"about {sum(self.seconds.values()):,.0f} until the export: {seconds}"),
            ("disk", _need(self.disk, self.free_disk, "free")),
            (
                "memory",
                f"{megabytes(self.peak_memory)} so far, "
                f"{_need(self.more_memory, self.available_memory, 'available')} more",
            ),
        ]
        if self.first is not None:
            rows = [*self.first.rows(), ("then", "starting from these weights"), *rows]
            rows.append(
                (
                    "in all",
                    f"about {self.total_seconds:,.0f} seconds and {megabytes(self.total_disk)}",
                )
            )
        return rows

    def __repr__(self) -> str:
        return (
            f"DryRun({self.model} on {self.task}, {self.dataset}: about "
            f"{self.total_seconds:,.0f} seconds and {megabytes(self.total_disk)})"
        )

    def __str__(self) -> str:
        return format_facts(self.rows())

    def _repr_html_(self) -> str:
        return html_block("Dry run", html_table(self.rows()))


@takes_settings
def dry_run(
    model: Callable[[], keras.Model],
    task: Task,
    *,
    log_dir: files.StrPath | None = None,
    quantization: str = "float32",
    **settings,
) -> DryRun:
    """Does everything that `fit_and_evaluate` does except fitting, and estimates the rest.

    The data is read and checked, vocabulary and model are made, and the model is trained and scored
    on a few batches; its weights are then discarded. No file is written and no folder made.

    Args:
        model: A function that makes the model.
        task: The task, with its dataset.
        log_dir: Folder that the run would have, whose disk is checked.
        quantization: Of the SavedModel's weights, see `zoo.export_saved_model`.
        **settings: See `Settings`.

    Returns:
        A `DryRun`; its `check` raises if disk or memory would not suffice.

    Raises:
        ValueError: If a fit would refuse the data or the arguments.
        TrainingError: If the loss is NaN or infinite within these steps.
        ShortageError: If the model or a batch is too large for the memory; no step is then taken.

    >>> estimate = zoo.dry_run(lambda: zoo.BagOfWords(**task.model_arguments()), task, epochs=2)
    >>> estimate.steps
    2
    """
    check_arguments("dry_run", dry_run, settings)
    asked = Settings(**settings)
    warnings = check_data(task, asked)
    asked = complete(asked, task)
    check_weights(model)
    with as_shortage():
        return _estimate(model, task, asked, warnings, log_dir, quantization)


def _estimate(model, task: Task, asked: Settings, warnings, log_dir, quantization) -> DryRun:
    """The estimates of `dry_run`; `asked` is complete."""
    started = time.perf_counter()
    seed = asked.seed if asked.seeds is None else asked.seeds[0]
    prepared = prepare(model, task, asked, seed)
    preparing = time.perf_counter() - started
    check_batch(prepared, seed)

    fitting = _seconds_of_fitting(prepared, seed)
    once, validating = _seconds_of_validating(prepared)
    characters = {name: sum(map(len, task.data.texts(name))) for name in SPLITS}
    # The test split is not read: its time is estimated from its size.
    tokenized = characters["train"] + characters["validation"]
    untokenized = characters["test"] if asked.test else 0
    tested = characters["test"] / characters["validation"] if asked.test else 0.0
    num_epochs = len(prepared.steps_by_epoch)
    num_seeds = 1 if asked.seeds is None else len(asked.seeds)
    seconds = {
        "reading": task.data.seconds["reading"],
        "tokenizing": task.data.seconds["tokenizing"] * (1 + untokenized / tokenized),
        "preparing": num_seeds * preparing,
        "fitting": num_seeds * fitting,
        "validating": num_seeds * (once + validating * num_epochs),
        "testing": num_seeds * validating * tested,
    }
    lengths, cut_share = _lengths(task)
    return DryRun(
        task=task.name,
        model=prepared.model.name,
        parameters=prepared.model.count_params(),
        dataset=task.data.dataset.name,
        sizes={name: len(getattr(task.data.dataset, name)) for name in SPLITS},
        classes=_class_shares(task),
        median_length=int(np.median(lengths)),
        long_length=int(np.quantile(lengths, 0.95)),
        cut_share=cut_share,
        vocabulary_size=len(task.text_to_ids.vocabulary),
        unknown_share=float(np.mean(task.examples("validation").sequences.ids == UNKNOWN_ID)),
        warnings=warnings,
        epochs=num_epochs,
        steps=sum(prepared.steps_by_epoch),
        num_seeds=num_seeds,
        seconds=seconds,
        disk=_disk(prepared, num_seeds, quantization),
        free_disk=None if log_dir is None else resources.free_disk(files.user_path(log_dir)),
        peak_memory=resources.peak_memory(),
        more_memory=_more_memory(prepared),
        available_memory=resources.available_memory(),
    )


# Time


def _seconds_of_fitting(prepared: Prepared, seed: int) -> float:
    """Estimated seconds of all steps of a fit, compilation included."""
    task = prepared.task
    examples = task.data.epoch_examples(seed, 0)
    batches = epoch_batches(examples.lengths, prepared.settings.batch_size, seed, 0)
    widths = np.array([examples.lengths[indices].max() for indices in batches])
    different, places = np.unique(widths, return_index=True)
    probed = np.unique(np.linspace(0, len(different) - 1, _NUM_WIDTHS).round().astype(int))

    def step(place: int) -> float:
        start = time.perf_counter()
        random = np.random.default_rng([seed, 0, place])
        loss = prepared.train_step(examples, batches[place], random).logs["loss"]
        if not math.isfinite(loss):
            raise TrainingError(
                f"Loss is {loss} within the first steps: try a lower learning_rate or clip_norm."
            )
        return time.perf_counter() - start

    # The first step is compiled for its width, the second for any width.
    warming = sum(step(places[k]) for k in probed)
    rounds: list[list[float]] = []
    while len(rounds) < _MAX_ROUNDS and sum(map(sum, rounds)) < _MEASURED_SECONDS:
        rounds.append([step(places[k]) for k in probed])
    measured = np.mean(rounds, axis=0)
    compiling = max(warming - measured.sum(), 0.0)
    an_epoch = np.interp(widths, different[probed], measured).sum()
    return float(compiling + an_epoch * sum(prepared.steps_by_epoch) / len(batches))


def _seconds_of_validating(prepared: Prepared) -> tuple[float, float]:
    """Estimated seconds of validation: of the first one in addition, for compiling, and of each.

    A part of each is constant, the rest is proportional to the positions, padding included; two
    subsets of the split determine both.
    """
    task, examples = prepared.task, prepared.task.examples("validation")
    batches = sorted_batches(examples.lengths, EVALUATION_BATCH_SIZE)
    typical = [batches[len(batches) // 2], batches[-1]]

    def score(part, batch_size: int) -> tuple[float, int]:
        start = time.perf_counter()
        task.evaluate(prepared.model, part, batch_size)
        return time.perf_counter() - start, _positions(part, batch_size)

    many = examples.take(np.concatenate(typical))
    warming, _ = score(many, EVALUATION_BATCH_SIZE)
    of_many, many_positions = score(many, EVALUATION_BATCH_SIZE)
    # One text per batch: the same number of batches, of the same widths.
    of_few, few_positions = score(examples.take(np.array([b[-1] for b in typical])), 1)
    a_position = max(of_many - of_few, 0.0) / max(many_positions - few_positions, 1)
    left = _positions(examples, EVALUATION_BATCH_SIZE) - few_positions
    return max(warming - of_many, 0.0), of_few + a_position * left


def _positions(examples, batch_size: int) -> int:
    """Tokens and padding of a split in the batches of evaluation."""
    batches = sorted_batches(examples.lengths, batch_size)
    return int(sum(len(indices) * examples.lengths[indices[-1]] for indices in batches))


# Texts


def _class_shares(task: Task) -> dict[str, float]:
    """Share of each class among the training texts; empty for a task without classes."""
    categories = [name for name, kind in task.columns.items() if kind == "category"]
    if not categories:
        return {}
    labels, names = task.data.dataset.train[categories[0]], task.data.dataset.label_names
    assert names is not None
    shares = np.bincount(labels, minlength=len(names)) / len(labels)
    return dict(zip(names, shares.tolist(), strict=True))


def _lengths(task: Task) -> tuple[np.ndarray, float]:
    """Tokens of training texts without truncation, and the share that truncation affects."""
    most = task.text_to_ids.sequence_length
    if most is None:
        return task.examples("train").sequences.lengths, 0.0
    texts = task.data.texts("train")
    some = texts[:: -(-len(texts) // _MAX_SAMPLED)]
    lengths = task.text_to_ids.variant(sequence_length=None).encode(some).lengths
    return lengths, float(np.mean(lengths > most))


# Room


def _disk(prepared: Prepared, num_seeds: int, quantization: str) -> int:
    """Bytes that are needed at once, while the files of the last seed replace older ones."""
    weights, state = num_bytes(prepared.model.variables), num_bytes(prepared.state())
    checkpoint = state + weights
    no_logs = prepared.settings.dashboards == "none"
    logs = 0 if no_logs else _CURVES + _projected(prepared.model)
    saved_model = weights * _WEIGHT_BYTES[quantization] // 4 + _GRAPHS
    copies = num_seeds + (num_seeds > 1)
    return copies * state + num_seeds * logs + 2 * checkpoint + saved_model


def _projected(model) -> int:
    """Bytes of the word vectors for TensorBoard."""
    if getattr(model, "token_embedding", None) is None:
        return 0
    tokens, width = model.token_embedding.embeddings.shape
    return min(tokens, _PROJECTED_TOKENS) * width * _PROJECTED_NUMBER


def _more_memory(prepared: Prepared) -> int:
    """Bytes that the whole fit needs in addition to what this process uses now.

    The best weights are kept, and a checkpoint holds them and the state; for the export the model
    is made a second time and its graphs are traced. Memory that was freed since the peak is needed
    again. A classifier's probabilities of a whole split are in memory while it is scored, and those
    of validation are kept for the last and for the best epoch.
    """
    weights, state = num_bytes(prepared.model.variables), num_bytes(prepared.state())
    given_back = max(resources.peak_memory() - resources.resident_memory(), 0)
    return given_back + 2 * weights + max(state, 2 * weights + _TRACES) + _scoring(prepared)


def _scoring(prepared: Prepared) -> int:
    """Bytes of the probabilities of all classes, for the texts of a split."""
    task = prepared.task
    num_classes = len(getattr(task, "label_names", ()))
    validation = len(task.data.dataset.validation)
    test = len(task.data.dataset.test) if prepared.settings.test else 0
    scored = _SCORED_NUMBER * max(validation, test) + 2 * _KEPT_NUMBER * validation
    return scored * num_classes


def _need(amount: int, available: int | None, what: str) -> str:
    """An amount of bytes, and what is available."""
    of_available = "" if available is None else f" ({megabytes(available)} {what})"
    return f"about {megabytes(amount)}{of_available}"
