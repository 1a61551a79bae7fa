"""The training loop: epochs, steps, validation, checkpoints."""

import dataclasses
import math
import signal
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

import zoo
from zoo.tasks.batches import epoch_batches
from zoo.tasks.task import Evaluation, NotFiniteError, Task
from zoo.training.checkpoint import INTERVAL, Checkpoint, Interrupted, StopRequest
from zoo.training.prepare import Prepared
from zoo.training.resume import check_same
from zoo.training.run import FORMAT, Run, check_format

# Examples per call in evaluation: without a backward pass more of them fit into memory.
EVALUATION_BATCH_SIZE = 256


class TrainingError(RuntimeError):
    """A fit cannot continue; the message says where it stopped and what to try."""


@dataclasses.dataclass
class Progress:
    """The progress of a fit: its whole state except for weights.

    Attributes:
        epoch: The current epoch, from 0.
        step: Finished steps of that epoch.
        sums: Sums of the logs of these steps, weighted by the batches.
        weight: Sum of the weights of these batches.
        epoch_seconds: Seconds of training in that epoch.
        tokens: Tokens of all steps of all epochs.
        positions: The same with padding.
        seconds: Seconds of fitting, validating and testing.
        history: One entry per finished epoch.
        best_epoch: The epoch, from 1, whose weights are kept; 0 before the first has finished.
        has_ended: Whether no epoch is left, because of their number or of early stopping.
        was_trained: Whether the model had been trained before its first step.
        validation: The evaluation of the last epoch; at the end, that of the best.
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
    was_trained: bool = False
    validation: Evaluation | None = None

    @property
    def best(self) -> dict[str, Any]:
        """The history's entry of the best epoch; empty before the first has finished."""
        return self.history[self.best_epoch - 1] if self.best_epoch else {}

    @property
    def is_new(self) -> bool:
        """Whether no step has been taken yet."""
        return not (self.epoch or self.step)

    def end_step(self, logs: Mapping[str, Any], weight: float) -> None:
        """Adds the logs of a step to the means of the epoch."""
        for name, value in logs.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value) * weight
        self.weight += weight
        self.step += 1

    def end_epoch(self, entry: dict[str, Any], is_best: bool) -> None:
        """Adds an epoch to the history and starts the next."""
        self.history.append(entry)
        self.best_epoch = entry["epoch"] if is_best else self.best_epoch
        self.epoch, self.step, self.epoch_seconds = self.epoch + 1, 0, 0.0
        self.sums, self.weight = {}, 0.0

    def facts(self) -> dict[str, Any]:
        """The progress for JSON, without the evaluation, which can be computed again."""
        return dataclasses.asdict(dataclasses.replace(self, validation=None))


class Loop:
    """The epochs and steps of one fit with one seed.

    Args:
        prepared: The compiled model, with its task and settings.
        seed: Seed of order and dropout.
        run: The folder to write to, or None.
        arguments: What a fit that resumes this one must have in common with it.

    Attributes:
        progress: The progress so far.
    """

    def __init__(
        self, prepared: Prepared, seed: int, run: Run | None, arguments: Mapping[str, Any]
    ):
        self.prepared = prepared
        self.seed = seed
        self.run = run
        self.progress = Progress(was_trained=prepared.was_trained)
        self._arguments = arguments
        self._best_weights: list[np.ndarray] = []
        self._checkpoint = None if run is None else Checkpoint(run.checkpoint)

    def start(self, resume: bool) -> None:
        """Restores the checkpoint, if there is one and `resume` is set; else removes it."""
        if self.run is None or self._checkpoint is None:
            return
        saved = self._checkpoint.load() if resume else None
        if saved is None:
            self._checkpoint.remove()
            return
        facts, arrays = saved
        check_format(facts, self.run.path)
        check_same(self.run, facts["arguments"], self._arguments)
        for variable, value in zip(self.prepared.state(), arrays["state"], strict=True):
            variable.assign(value)
        self._best_weights = arrays.get("best_weights", [])
        self.progress = Progress(**facts["progress"])

    def fit(self, callbacks: list[keras.callbacks.Callback], request: StopRequest) -> None:
        """Trains for all epochs that are left; the model then holds the best weights."""
        progress, model = self.progress, self.prepared.model
        called = keras.callbacks.CallbackList(
            callbacks,
            model=model,
            epochs=self.prepared.settings.epochs,
            steps=self.prepared.steps_by_epoch[0],
        )
        model.stop_training = False
        best_validation = None
        called.on_train_begin()
        while not progress.has_ended:
            called.on_epoch_begin(progress.epoch)
            means = self._train_epoch(called, request)
            progress.validation = self._validate()
            if self._end_epoch(means, called):
                best_validation = progress.validation
            if self._must_save(request):
                self._save(request)
        model.set_weights(self._best_weights)
        progress.validation = best_validation
        called.on_train_end()

    def evaluate(self, split: str, phase: str) -> Evaluation:
        """Evaluates the model on a split; the seconds are added to those of a phase."""
        task = self.prepared.task
        examples = task.examples(split)
        start = time.perf_counter()
        evaluation = evaluate(self.prepared.model, task, examples)
        self.progress.seconds[phase] += time.perf_counter() - start
        return evaluation

    def end(self) -> None:
        """Removes the checkpoint of a fit that has ended."""
        if self._checkpoint is not None:
            self._checkpoint.remove()

    def _train_epoch(self, called, request: StopRequest) -> dict[str, float]:
        """Takes the steps that are left of an epoch; returns the means of its logs."""
        progress, prepared, epoch = self.progress, self.prepared, self.progress.epoch
        train = prepared.task.data.epoch_examples(self.seed, epoch)
        batches = epoch_batches(train.lengths, prepared.settings.batch_size, self.seed, epoch)
        first_step = sum(prepared.steps_by_epoch[:epoch])
        if progress.step == 0:
            _seed_dropout(prepared.model, self.seed, first_step)
        start = time.perf_counter()
        for index, indices in enumerate(batches):
            if index < progress.step:
                continue
            called.on_train_batch_begin(index)
            random = np.random.default_rng([self.seed, epoch, index])
            step = prepared.train_step(train, indices, random)
            if not math.isfinite(step.logs["loss"]):
                raise TrainingError(
                    f"Loss is {step.logs['loss']} at step {first_step + index + 1}"
                    + self._what_to_try()
                )
            progress.end_step(step.logs, step.weight)
            progress.tokens += int(train.lengths[indices].sum())
            progress.positions += step.positions
            called.on_train_batch_end(index, step.logs)
            if self._must_save(request):
                start = self._count_seconds(start)
                self._save(request)
        self._count_seconds(start)
        return {name: value / progress.weight for name, value in progress.sums.items()}

    def _count_seconds(self, start: float) -> float:
        """Adds the seconds since `start` to those of fitting; returns now."""
        now = time.perf_counter()
        self.progress.seconds["fitting"] += now - start
        self.progress.epoch_seconds += now - start
        return now

    def _validate(self) -> Evaluation:
        try:
            return self.evaluate("validation", "validating")
        except NotFiniteError as error:
            raise TrainingError(
                "Validation loss is NaN or infinite" + self._what_to_try()
            ) from error

    def _end_epoch(self, means: Mapping[str, float], called) -> bool:
        """Adds an epoch to the history; returns whether it is the best so far."""
        progress, model = self.progress, self.prepared.model
        assert progress.validation is not None
        entry: dict[str, Any] = {
            "epoch": progress.epoch + 1,
            **means,
            **{f"val_{name}": value for name, value in progress.validation.scores.items()},
            "learning_rate": float(ops.convert_to_numpy(model.optimizer.learning_rate)),
            "seconds": progress.epoch_seconds,
        }
        metric, mode = self.prepared.task.monitor
        sign = 1 if mode == "min" else -1
        is_best = not progress.best or sign * entry[metric] < sign * progress.best[metric]
        progress.end_epoch(entry, is_best)
        if is_best:
            self._best_weights = model.get_weights()
            if self.run is not None and self.prepared.devices.is_writer:
                # Usable even if the fit is never resumed.
                self.run.save_model(model)
        shown = {k: v for k, v in entry.items() if k != "epoch" and v is not None}
        called.on_epoch_end(progress.epoch - 1, shown)
        patience = self.prepared.settings.early_stopping
        progress.has_ended = bool(
            self.prepared.devices.agree(bool(model.stop_training))
            or progress.epoch == self.prepared.settings.epochs
            or (patience and progress.epoch - progress.best_epoch >= patience)
        )
        return is_best

    def _must_save(self, request: StopRequest) -> bool:
        """Whether a checkpoint is due or a signal came, in any process."""
        if self._checkpoint is None:
            return False
        progress = self.progress
        # What follows the last epoch may take long.
        was_long = progress.has_ended and progress.seconds["fitting"] > INTERVAL
        is_due = bool(request.signal) or self._checkpoint.is_due or was_long
        return self.prepared.devices.agree(is_due)

    def _save(self, request: StopRequest) -> None:
        """Writes a checkpoint; raises `Interrupted` if a signal came."""
        assert self._checkpoint is not None
        progress, devices = self.progress, self.prepared.devices
        if devices.is_writer:
            self._checkpoint.save(
                {
                    **{"format": FORMAT, "zoo": zoo.__version__},
                    **{"arguments": self._arguments, "progress": progress.facts()},
                },
                {
                    "state": [ops.convert_to_numpy(v) for v in self.prepared.state()],
                    "best_weights": self._best_weights,
                },
            )
        if devices.agree(bool(request.signal)):
            raise Interrupted(
                f"Stopped in epoch {progress.epoch + 1}, after step {progress.step}; "
                f"{self._checkpoint.path} holds the state.",
                request.signal or signal.SIGTERM,
            )

    def _what_to_try(self) -> str:
        """The rest of the sentence that says where the loss became NaN or infinite."""
        hint = f" in epoch {self.progress.epoch + 1}: try a lower learning_rate or clip_norm"
        if self.run is None:
            return f"{hint}."
        # Another recipe would be refused in the same folder.
        hint += ", in another folder or with overwrite=True."
        if self.progress.best_epoch:
            best = self.progress.best_epoch
            hint += f" {self.run.model} holds the weights of the best epoch, {best}."
        if self.run.checkpoint.exists():
            hint += f" Resuming from {self.run.checkpoint.name} would fail the same way."
        return hint


def evaluate(model: keras.Model, task: Task, examples) -> Evaluation:
    """Evaluates a model on examples of its task."""
    return task.evaluate(model, examples, EVALUATION_BATCH_SIZE)


def _seed_dropout(model: keras.Model, seed: int, step: int) -> None:
    """Makes dropout a function of seed and step, wherever a fit was started or resumed.

    The state of a seed generator is a pair: a seed, and the number of draws, one per step.
    """
    states = [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]
    for index, state in enumerate(states):
        own_seed = np.random.SeedSequence([seed, index]).generate_state(1)[0]
        state.assign(np.array([own_seed, step], "uint32"))
