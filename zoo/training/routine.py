"""The one routine that fits any architecture to any task, and tells what came of it."""

import contextlib
import dataclasses
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import shlex
import shutil
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.models import is_baseline
from zoo.tasks.batches import epoch_batches
from zoo.tasks.task import SPLITS, Evaluation, NotFiniteError, Task
from zoo.training.checkpoint import (
    INTERVAL,
    Checkpoint,
    Interrupted,
    StopRequest,
    stopping_on_signals,
)
from zoo.training.progress import ProgressBar
from zoo.training.report import Report
from zoo.training.settings import Prepared, Settings, check_seeds, prepare, weights_to_start_from
from zoo.utils import checksums, files, resources

# What of TensorBoard's dashboards is filled.
DASHBOARDS = ("none", "default", "all")

# What a run that has ended consists of, with checksums.
_PARTS = ("model.keras", "task.json", "report.json")

# Characters of a value that a resumed fit compares and shows as it is.
_MAX_COMPARED = 100

# Texts a call while evaluating: nothing is kept for a backward pass, so that more fit.
EVALUATION_BATCH_SIZE = 256


class TrainingError(RuntimeError):
    """A fit could not go on; the message says where and what to try."""


def fit_and_evaluate(
    model: keras.Model | Callable[[], keras.Model],
    task: Task,
    *,
    epochs: int | None = None,
    batch_size: int = 64,
    optimizer: str | keras.optimizers.Optimizer | None = None,
    learning_rate: float | None = None,
    schedule: str = "linear",
    warmup: float = 0.1,
    clip_norm: float | None = 1.0,
    weight_decay: float | None = None,
    class_weights: str | Mapping[str, float] | None = None,
    early_stopping: int | None = None,
    initial_weights: keras.Model | files.StrPath | None = None,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    test: bool = True,
    log_dir: files.StrPath | None = None,
    resume: bool = False,
    dashboards: str = "default",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
    command: str | None = None,
) -> Report:
    """Fits a model to a task's training split and scores it on the others.

    After each epoch the model is scored on the validation split; the weights of the best epoch, by
    the metric that `task.monitor` names, are kept. The test split is looked at once, with these
    weights, at the end.

    Args:
        model: a Keras model for the task, as it is; or a function that makes one, which is
            called once `seed` is set, so that the seed covers the initial weights as well.
        task: what the model is asked, with its dataset.
        epochs: passes over the training split; None for as many as make the steps that the task
            suggests, at most 20: one for sentiment on IMDb.
        batch_size: examples a step. Batches hold examples of nearly one length; they are a
            function of seed and epoch.
        optimizer: `"adam"` and `"adamw"`, both with a beta_2 of 0.99, `"muon"`
            (Jordan et al. 2024; Liu et al. 2025: the update of a matrix is made orthogonal, all
            else gets Adam at half the rate), `"sgd"` (momentum 0.9), or a Keras optimizer as it
            is: `learning_rate`, `schedule`, `warmup`, `clip_norm` and `weight_decay` then stay
            unused. None for what the task suggests.
        learning_rate: the highest rate; None for the model's own
            `suggested_learning_rate`, for Muon 0.01, for SGD 0.3.
        schedule: how the rate falls after the warm-up: `"linear"` or `"cosine"` to 0, or not at
            all, `"constant"`.
        warmup: share of all steps in which the rate rises from 0.
        clip_norm: bound on the norm of all gradients together (Pascanu et al. 2013), or None.
        weight_decay: the share of the rate by which weights shrink a step (Loshchilov and Hutter
            2019), with Muon those of matrices between features alone; None for 0.01 with AdamW,
            for none with the others.
        class_weights: `"balanced"`, or a weight for each class name, or None.
        early_stopping: so many epochs without a better validation score end the fit; None: none do.
        initial_weights: what the model begins with, as far as layers correspond: another model, the
            folder of its run or the name of a shipped one; see `zoo.transfer_weights`. A language
            model may so become a classifier (Dai and Le 2015), if the task reads with its
            vocabulary (`vocabulary_of`).
        seed: of weights (see `model`), order and dropout.
        seeds: several, for several runs; `model` must then be a function. The report gives
            means and spread, and the weights that are written are those of the seed that is best
            on validation.
        test: whether the test split is scored.
        log_dir: the folder of the run, for `model.keras`, `task.json`, `report.json` and
            `logs` for TensorBoard; with several seeds each has a folder `seed_N` of its own in it
            too.
        resume: whether to go on where a fit with these arguments into `log_dir` was broken off, by
            whatever: what comes of it is equal to the bit to what would have, but for measured
            seconds and memory, on one machine. A fit that has ended is not made again. Callbacks of
            your own begin anew.
        dashboards: what `logs` tell: `"default"`, see `zoo.inspection.TensorBoard`; `"all"`, what
            takes longer as well; or `"none"`. On a backend other than TensorFlow there are none.
        callbacks: Keras callbacks; they see every batch and epoch as in `fit`.
        verbose: whether progress is shown, on standard error.
        command: what was run, for the report; None for this process's own arguments.

    Returns:
        A `Report`. The model, where it was given as one, holds the best weights.

    Raises:
        ValueError: for an argument that makes no sense, and where `log_dir` holds a fit with others
            that is to be resumed.
        TrainingError: where the loss is not a finite number.
        Interrupted: a KeyboardInterrupt, once Ctrl-C or SIGTERM has stopped a fit with a `log_dir`
            between two steps; `resume` goes on from there.
        FileError: where `log_dir` cannot be written to, or a checkpoint in it is damaged.
    """
    settings = Settings(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        warmup=warmup,
        clip_norm=clip_norm,
        weight_decay=weight_decay,
        class_weights=class_weights,
        early_stopping=early_stopping,
    )
    check_dashboards(dashboards)
    command = _command() if command is None else command
    log_dir = None if log_dir is None else pathlib.Path(log_dir)
    if resume and log_dir is None:
        raise ValueError("resume asks for log_dir, the folder of the run to go on with.")
    warnings = task.check_data(SPLITS if test else SPLITS[:-1])
    if verbose:
        for sentence in warnings:
            print(f"Note: {sentence}", file=sys.stderr)
    settings = settings.for_task(task)
    source = None if initial_weights is None else weights_to_start_from(initial_weights, task)

    def fitted(seed: int, folder: pathlib.Path | None) -> Report:
        run = _Run(
            task=task,
            settings=settings,
            seed=seed,
            log_dir=folder,
            resume=resume,
            dashboards=dashboards,
            callbacks=callbacks,
            verbose=verbose,
            command=command,
            source=source,
            warnings=warnings,
        )
        return run(model, test)

    if seeds is None:
        return fitted(seed, log_dir)

    if not callable(model) or isinstance(model, keras.Model):
        raise ValueError("With several seeds, model must be a function that makes a model anew.")
    check_seeds(seeds)
    runs = [fitted(each, None if log_dir is None else log_dir / f"seed_{each}") for each in seeds]
    report = Report.over_seeds(runs, command)
    if log_dir is not None:
        best = Report.best_on_validation(runs, task.monitor)
        (log_dir / checksums.MANIFEST).unlink(missing_ok=True)
        for name in ("model.keras", "task.json"):
            with files.atomic_write(log_dir / name) as new:
                new.write_bytes((log_dir / f"seed_{best.seed}" / name).read_bytes())
        report.save(log_dir / "report.json")
        checksums.write_manifest(log_dir, _PARTS)
    return report


def check_dashboards(dashboards: str) -> None:
    """Raises a `ValueError` for what is not in `DASHBOARDS`."""
    if dashboards not in DASHBOARDS:
        raise ValueError(
            f"dashboards must be one of {', '.join(DASHBOARDS)}; it is {dashboards!r}."
        )


@dataclasses.dataclass
class _Progress:
    """How far a fit has come: all that it goes on from, but for weights.

    Attributes:
        epoch: the epoch it is in, from 0.
        step: batches of that epoch that are done.
        sums: of what each of these gave, by the weight of the batch.
        weight: of these batches together.
        tokens: that were trained on in all epochs, each as often as it was.
        positions: tokens and padding.
        seconds: what fitting, validating and testing took.
        history: one entry for each epoch that has ended.
        best_epoch: the one, from 1, whose weights are kept.
        has_ended: whether no epoch is left, by their number or since scores no longer got better.
        validation: what the last epoch came to; at the end, the one whose weights are kept.
    """

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = dataclasses.field(default_factory=dict)
    weight: float = 0.0
    epoch_seconds: float = 0.0
    tokens: int = 0
    positions: int = 0
    seconds: dict[str, float] = dataclasses.field(
        default_factory=lambda: {"fitting": 0.0, "validating": 0.0, "testing": 0.0}
    )
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    best_epoch: int = 0
    has_ended: bool = False
    validation: Evaluation | None = None

    @property
    def best(self) -> dict[str, Any]:
        """The entry of the best epoch; empty before the first has ended."""
        return self.history[self.best_epoch - 1] if self.best_epoch else {}

    def end_epoch(self, entry: dict[str, Any], is_best: bool) -> None:
        """Notes what an epoch came to; the next begins."""
        self.history.append(entry)
        self.best_epoch = entry["epoch"] if is_best else self.best_epoch
        self.epoch, self.step, self.epoch_seconds = self.epoch + 1, 0, 0.0
        self.sums, self.weight = {}, 0.0

    def facts(self) -> dict[str, Any]:
        """All of it as JSON can hold it, but for the evaluation, which can be made again."""
        return dataclasses.asdict(dataclasses.replace(self, validation=None))


@dataclasses.dataclass
class _Run:
    """One fit with one seed, in the order in which it happens."""

    task: Task
    settings: Settings
    seed: int
    log_dir: pathlib.Path | None
    resume: bool
    dashboards: str
    callbacks: Sequence[keras.callbacks.Callback]
    verbose: bool
    command: str
    source: keras.Model | None
    warnings: Sequence[str]

    def __post_init__(self):
        self.progress = _Progress()
        self.best_weights: list[np.ndarray] = []
        self.tensorboard: Any = None
        self.checkpoint = None
        if self.log_dir is not None:
            self.checkpoint = Checkpoint(self.log_dir / "checkpoint.npz")

    def __call__(self, model, test: bool) -> Report:
        prepared = prepare(model, self.task, self.settings, self.seed, self.source)
        model, self.settings = prepared.model, prepared.settings
        train = self.task.examples("train")

        # What was there before
        self._arguments = {**self._told(model), "test": test}
        ended = self._ended_report(model)
        if ended is not None:
            return ended
        self._restore(prepared)

        # Fit
        if self.log_dir is not None:
            # What an earlier fit left here is no longer what stands here.
            for name in (checksums.MANIFEST, "report.json"):
                (self.log_dir / name).unlink(missing_ok=True)
            files.write_json(self.log_dir / "task.json", self.task.get_config())
        # Without a folder there is nothing to go on from: a signal then works as ever.
        never = contextlib.nullcontext(StopRequest())
        with never if self.log_dir is None else stopping_on_signals() as request:
            self._fit(prepared, request)
        history, best = self.progress.history, dict(self.progress.best)

        # Calibration
        if self.task.calibrate(model, self.task.examples("validation"), EVALUATION_BATCH_SIZE):
            scores = self._evaluate(model, "validation", "validating").scores
            best.update({f"val_{name}": value for name, value in scores.items()})

        # Test, once
        tested = Evaluation({})
        if test:
            tested = self._evaluate(model, "test", "testing")

        # Report
        num_epochs = len(history)
        seconds_of_fitting = self.progress.seconds["fitting"]
        report = Report(
            task=self.task.name,
            metrics=self.task.metrics,
            model={
                "name": model.name,
                "parameters": model.count_params(),
                "is_baseline": is_baseline(model.name),
            },
            dataset=_dataset_facts(self.task, self.warnings),
            seed=self.seed,
            training={**self.settings.to_dict(), "best_epoch": best["epoch"]},
            history=history,
            validation=_scores(best, "val_"),
            test=tested.scores,
            details=tested.details,
            best_possible=self.task.best_possible(),
            seconds={**self.task.seconds, **self.progress.seconds},
            throughput={
                "examples_per_second": len(train) * num_epochs / seconds_of_fitting,
                "tokens_per_second": self.progress.tokens / seconds_of_fitting,
            },
            padding_share=1 - self.progress.tokens / self.progress.positions,
            peak_memory_mb=resources.peak_memory() / 1e6,
            versions=_versions(),
            cores=len(os.sched_getaffinity(0)),
            command=self.command,
        )
        if self.log_dir is not None:
            save_model(model, self.log_dir / "model.keras")
            report.save(self.log_dir / "report.json")
            checksums.write_manifest(self.log_dir, _PARTS)
        if self.checkpoint is not None:
            self.checkpoint.remove()
        if self.tensorboard is not None:
            self.tensorboard.write_report(report)
        return report

    def _fit(self, prepared: Prepared, request: StopRequest) -> None:
        """All epochs that are left; leaves the best weights in the model."""
        progress = self.progress
        model, steps_by_epoch = prepared.model, prepared.steps_by_epoch
        callbacks = keras.callbacks.CallbackList(
            self._callbacks(), model=model, epochs=self.settings.epochs, steps=steps_by_epoch[0]
        )
        metric, mode = self.task.monitor
        sign = 1 if mode == "min" else -1
        model.stop_training = False
        best_validation = None
        callbacks.on_train_begin()
        while not progress.has_ended:
            epoch = progress.epoch
            callbacks.on_epoch_begin(epoch)
            first_step = sum(steps_by_epoch[:epoch])
            means = self._train_epoch(prepared, first_step, callbacks, request)
            try:
                validation = self._evaluate(model, "validation", "validating")
            except NotFiniteError as error:
                raise TrainingError(
                    "The validation loss became no finite number" + self._what_to_try()
                ) from error
            progress.validation = validation
            entry = {
                "epoch": epoch + 1,
                **means,
                **{f"val_{name}": value for name, value in validation.scores.items()},
                "learning_rate": float(ops.convert_to_numpy(model.optimizer.learning_rate)),
                "seconds": progress.epoch_seconds,
            }
            is_best = not progress.best or sign * entry[metric] < sign * progress.best[metric]
            progress.end_epoch(entry, is_best)
            if is_best:
                self.best_weights, best_validation = model.get_weights(), validation
                if self.log_dir is not None:
                    # To be used even where the fit is never gone on with.
                    save_model(model, self.log_dir / "model.keras")
            shown = {k: v for k, v in entry.items() if k != "epoch" and v is not None}
            callbacks.on_epoch_end(epoch, shown)
            patience = self.settings.early_stopping
            progress.has_ended = bool(
                model.stop_training
                or progress.epoch == self.settings.epochs
                or (patience and progress.epoch - progress.best_epoch >= patience)
            )
            self._stop_or_save(prepared, request)
        model.set_weights(self.best_weights)
        progress.validation = best_validation
        callbacks.on_train_end()

    def _train_epoch(
        self, prepared: Prepared, first_step: int, callbacks, request: StopRequest
    ) -> dict:
        """What is left of an epoch. Returns the mean of what each of its batches gave."""
        progress = self.progress
        epoch = progress.epoch
        train = self.task.epoch_examples(self.seed, epoch)
        batches = epoch_batches(train.lengths, self.settings.batch_size, self.seed, epoch)
        if progress.step == 0:
            _seed_dropout(prepared.model, self.seed, first_step)
        start = time.perf_counter()
        for index, indices in enumerate(batches):
            if index < progress.step:
                continue
            callbacks.on_train_batch_begin(index)
            random = np.random.default_rng([self.seed, epoch, index])
            step = prepared.train_step(train, indices, random)
            if not math.isfinite(step.logs["loss"]):
                raise TrainingError(
                    f"The loss became {step.logs['loss']} at step {first_step + index + 1}"
                    + self._what_to_try()
                )
            for name, value in step.logs.items():
                progress.sums[name] = progress.sums.get(name, 0.0) + float(value) * step.weight
            progress.weight += step.weight
            progress.tokens += int(train.lengths[indices].sum())
            progress.positions += step.positions
            progress.step = index + 1
            callbacks.on_train_batch_end(index, step.logs)
            if request.signal or (self.checkpoint is not None and self.checkpoint.is_due):
                start = self._count_seconds(start)
                self._stop_or_save(prepared, request)
        self._count_seconds(start)
        return {name: value / progress.weight for name, value in progress.sums.items()}

    def _count_seconds(self, start: float) -> float:
        """Adds the seconds since `start` to those of fitting; returns now."""
        now = time.perf_counter()
        self.progress.seconds["fitting"] += now - start
        self.progress.epoch_seconds += now - start
        return now

    def _what_to_try(self) -> str:
        """The rest of a sentence that says where the loss became no number."""
        told = f" in epoch {self.progress.epoch + 1}: try a lower learning_rate or clip_norm"
        if self.log_dir is None or self.checkpoint is None:
            return f"{told}."
        # A recipe holds for its folder, where another would be refused.
        told += ", in another folder or with --overwrite."
        if self.progress.best_epoch:
            told += (
                f" {self.log_dir / 'model.keras'} has the weights of epoch "
                f"{self.progress.best_epoch}, the best before."
            )
        if self.checkpoint.path.exists():
            told += f" Gone on with from {self.checkpoint.path.name} it would come to the same."
        return told

    # Going on

    def _told(self, model) -> dict[str, Any]:
        """What has to be the same for a fit to be gone on with, as JSON can hold it."""
        assert self.task.dataset is not None
        return {
            **{f"training.{name}": value for name, value in self.settings.to_dict().items()},
            "seed": self.seed,
            "data": self.task.dataset.fingerprint,
            **flat_config(self.task.get_config(), "task"),
            **flat_config(model_config(model), "model"),
        }

    def _ended_report(self, model) -> Report | None:
        """The report of this very fit, where it is to be resumed and has ended.

        The model gets its weights.
        """
        if not self.resume or self.log_dir is None:
            return None
        if not (self.log_dir / "report.json").is_file():
            return None
        checksums.check_manifest(self.log_dir)
        report = Report.load(self.log_dir / "report.json")
        told = {
            **{f"training.{name}": report.training.get(name) for name in self.settings.to_dict()},
            "seed": report.seed,
            "data": report.dataset.get("fingerprint"),
            "test": bool(report.test),
        }
        from zoo.serving import load

        fitted, task = load(self.log_dir)
        told |= flat_config(task.get_config(), "task") | flat_config(model_config(fitted), "model")
        self._check_same(told)
        model.set_weights(fitted.get_weights())
        if not (self.log_dir / checksums.MANIFEST).is_file():
            checksums.write_manifest(self.log_dir, _PARTS)
        return report

    def _restore(self, prepared: Prepared) -> None:
        """Goes back to the last checkpoint, where there is one and it is wanted."""
        if self.checkpoint is None:
            return
        saved = self.checkpoint.load() if self.resume else None
        if saved is None:
            self.checkpoint.remove()
            return
        facts, arrays = saved
        self._check_same(facts["arguments"])
        for variable, value in zip(prepared.state(), arrays["state"], strict=True):
            variable.assign(value)
        self.best_weights = arrays.get("best_weights", [])
        self.progress = _Progress(**facts["progress"])

    def _check_same(self, told: Mapping[str, Any]) -> None:
        """Raises a `ValueError` with the difference, if a fit was told otherwise."""
        now = self._arguments
        differences = [
            f"{name}: {told.get(name)!r} there, {now.get(name)!r} now"
            for name in {**told, **now}
            if told.get(name) != now.get(name)
        ]
        if differences:
            raise ValueError(
                f"{self.log_dir} holds a fit with other arguments, which cannot be gone on with "
                f"({'; '.join(differences)}): choose another folder, or begin anew."
            )

    def _stop_or_save(self, prepared: Prepared, request: StopRequest) -> None:
        """Writes a checkpoint where one is due or a signal came; then this raises `Interrupted`."""
        if self.checkpoint is None:
            return
        progress = self.progress
        # What comes after the last epoch can take long as well.
        was_long = progress.has_ended and progress.seconds["fitting"] > INTERVAL
        if not (request.signal or self.checkpoint.is_due or was_long):
            return
        self.checkpoint.save(
            {"arguments": self._arguments, "progress": progress.facts()},
            {
                "state": [ops.convert_to_numpy(v) for v in prepared.state()],
                "best_weights": self.best_weights,
            },
        )
        if request.signal:
            raise Interrupted(
                f"Stopped in epoch {progress.epoch + 1}, after {progress.step} of its steps, "
                f"which {self.checkpoint.path} keeps.",
                request.signal,
            )

    def _evaluate(self, model, split: str, phase: str) -> Evaluation:
        examples = self.task.examples(split)
        start = time.perf_counter()
        evaluation = _score(model, self.task, examples)
        self.progress.seconds[phase] += time.perf_counter() - start
        return evaluation

    def _callbacks(self) -> list[keras.callbacks.Callback]:
        callbacks = list(self.callbacks)
        if self.log_dir is not None:
            logs = self.log_dir / "logs"
            if not (self.progress.epoch or self.progress.step):
                # The curves of an earlier run here would be drawn over those of this one.
                shutil.rmtree(logs, ignore_errors=True)
            if self.dashboards != "none" and keras.backend.backend() == "tensorflow":
                from zoo.inspection import TensorBoard

                self.tensorboard = TensorBoard(
                    logs,
                    task=self.task,
                    dashboards=self.dashboards,
                    options={**self.settings.to_dict(), "seed": self.seed},
                    progress=self.progress,
                )
                callbacks.append(self.tensorboard)
        if self.verbose:
            assert self.task.dataset is not None
            callbacks.append(ProgressBar(f"{self.task.dataset.name}, seed {self.seed}"))
        return callbacks


def flat_config(config: Any, name: str) -> dict[str, Any]:
    """A nested configuration as one dict: the path of each value, joined by dots, and the value.

    A long value, such as a vocabulary, is replaced by its checksum.
    """
    if isinstance(config, Mapping) and config:
        parts = (flat_config(value, f"{name}.{key}") for key, value in config.items())
        return {key: value for part in parts for key, value in part.items()}
    if isinstance(config, (list, tuple)) and any(isinstance(v, (Mapping, list)) for v in config):
        return flat_config({str(index): value for index, value in enumerate(config)}, name)
    text = json.dumps(config, sort_keys=True, default=str)
    if len(text) > _MAX_COMPARED:
        return {name: f"{len(text):,} characters, CRC {zlib.crc32(text.encode()):08x}"}
    return {name: json.loads(text)}


def model_config(model: keras.Model) -> dict[str, Any]:
    """Name, size and configuration of a model, as far as it has one."""
    try:
        config = model.get_config()
    except NotImplementedError:  # A model of one's own that cannot be saved by its configuration.
        config = {}
    return {"name": model.name, "parameters": model.count_params(), **config}


def evaluate_model(model: keras.Model, task: Task, split: str = "test") -> Evaluation:
    """Scores a Keras model on `"train"`, `"validation"` or `"test"` of its task's dataset."""
    return _score(model, task, task.examples(split))


def _score(model: keras.Model, task: Task, examples) -> Evaluation:
    return task.evaluate(model, examples, EVALUATION_BATCH_SIZE)


def save_model(model: keras.Model, path: files.StrPath) -> None:
    """Writes a model as `.keras`, whole or not at all."""
    with files.atomic_write(path) as new:
        model.save(new)


def _seed_dropout(model: keras.Model, seed: int, step: int) -> None:
    """Makes dropout a function of seed and step, wherever the run has started or gone on.

    A seed generator's state is a pair: a seed, and how often it was drawn from, once a step.
    """
    states = [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]
    for index, state in enumerate(states):
        own_seed = np.random.SeedSequence([seed, index]).generate_state(1)[0]
        state.assign(np.array([own_seed, step], "uint32"))


def _scores(entry: Mapping[str, float | None], prefix: str) -> dict[str, float | None]:
    return {k.removeprefix(prefix): v for k, v in entry.items() if k.startswith(prefix)}


def _dataset_facts(task: Task, warnings: Sequence[str]) -> dict:
    dataset = task.dataset
    assert dataset is not None
    return {
        "name": dataset.name,
        "arguments": dataset.arguments,
        "sizes": {name: len(getattr(dataset, name)) for name in SPLITS},
        "fingerprint": dataset.fingerprint,
        "warnings": [*warnings, *task.notes()],
    }


def _versions() -> dict[str, str]:
    packages = ("language-model-zoo", "keras", "tensorflow", "numpy")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "backend": keras.backend.backend()}


def _command() -> str:
    return shlex.join([pathlib.Path(sys.argv[0]).name or "python", *sys.argv[1:]])
