"""The one routine that fits any architecture to any task, and tells what came of it."""

import dataclasses
import importlib.metadata
import math
import os
import pathlib
import platform
import resource
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import files
from zoo.progress import ProgressBar
from zoo.report import Report
from zoo.tasks.batches import epoch_batches
from zoo.tasks.task import SPLITS, Evaluation, Task
from zoo.transfer import transfer_weights


class _FiniteGradients:
    """For an optimizer that takes a gradient which is too large for a float as none at all.

    Through a hundred steps of a recurrence with large weights a gradient can overflow; clipped by
    an infinite norm it would be NaN, and so would be all weights from there on.

    Attributes:
        gradient_norm: variable, the norm of all gradients together in the last step, before any
            clipping; on the TensorFlow backend.
    """

    gradient_norm: keras.Variable

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        # Set in the usual way, it would become part of what is saved of the optimizer.
        object.__setattr__(self, "gradient_norm", keras.Variable(0.0, name="gradient_norm"))

    def apply(self, grads, trainable_variables=None):
        grads = [ops.convert_to_tensor(gradient) for gradient in grads]
        squares = sum(ops.sum(ops.square(gradient)) for gradient in grads)
        self.gradient_norm.assign(ops.sqrt(squares))
        is_finite = ops.isfinite(squares)
        grads = [ops.where(is_finite, gradient, 0.0) for gradient in grads]
        return super().apply(grads, trainable_variables)  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="zoo")
class FiniteAdam(_FiniteGradients, keras.optimizers.Adam):
    """Adam without steps along gradients that have overflowed."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteAdamW(_FiniteGradients, keras.optimizers.AdamW):
    """AdamW likewise."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteMuon(_FiniteGradients, keras.optimizers.Muon):
    """Muon likewise."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteSGD(_FiniteGradients, keras.optimizers.SGD):
    """Stochastic gradient descent likewise."""


# A fit takes some hundreds of steps: squared gradients are averaged over the last hundred, where
# Adam's own 0.999 would average over a thousand and let the first steps rule the rest.
_ADAM = {"beta_2": 0.99}
OPTIMIZERS = {
    "adam": lambda rate, **options: FiniteAdam(rate, **_ADAM, **options),
    "adamw": lambda rate, **options: FiniteAdamW(rate, **_ADAM, **options),
    # Bias, embeddings and logits are no matrices between features: they get Adam at half the rate.
    "muon": lambda rate, **options: FiniteMuon(
        rate,
        adam_beta_2=_ADAM["beta_2"],
        adam_lr_ratio=0.5,
        adam_weight_decay=None,
        exclude_layers=["logits", "bias"],
        **options,
    ),
    "sgd": lambda rate, **options: FiniteSGD(rate, momentum=0.9, **options),
}
# The highest rates of those that are not Adam's kin.
_RATES = {"sgd": 0.3, "muon": 1e-2}
_WEIGHT_DECAYS = {"adamw": 0.01}
SCHEDULES = ("linear", "cosine", "constant")

# The most epochs of a fit where nobody says how many.
_MOST_DEFAULT_EPOCHS = 20

# What of TensorBoard's dashboards is filled.
DASHBOARDS = ("none", "default", "all")

# Texts a call while evaluating: nothing is kept for a backward pass, so that more fit.
_EVALUATION_BATCH_SIZE = 256


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
    initial_weights: keras.Model | files.Path | None = None,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    test: bool = True,
    log_dir: files.Path | None = None,
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
        dashboards: what `logs` tell: `"default"`, see `zoo.inspection.TensorBoard`; `"all"`, what
            takes longer as well; or `"none"`. On a backend other than TensorFlow there are none.
        callbacks: Keras callbacks; they see every batch and epoch as in `fit`.
        verbose: whether progress is shown, on standard error.
        command: what was run, for the report; None for this process's own arguments.

    Returns:
        A `Report`. The model, where it was given as one, holds the best weights.

    Raises:
        ValueError: for an argument that makes no sense.
        TrainingError: where the loss is not a finite number.
        FileError: where `log_dir` cannot be written to.
    """
    if epochs is None:
        steps = math.ceil(len(task.examples("train")) / max(batch_size, 1))
        epochs = min(math.ceil(task.suggested_steps / steps), _MOST_DEFAULT_EPOCHS)
    settings = _Settings(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=task.suggested_optimizer if optimizer is None else optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        warmup=warmup,
        clip_norm=clip_norm,
        weight_decay=weight_decay,
        class_weights=class_weights,
        early_stopping=early_stopping,
    )
    if dashboards not in DASHBOARDS:
        raise ValueError(
            f"dashboards must be one of {', '.join(DASHBOARDS)}; it is {dashboards!r}."
        )
    command = _command() if command is None else command
    source = None if initial_weights is None else _weights_to_start_from(initial_weights, task)
    log_dir = None if log_dir is None else pathlib.Path(log_dir)
    if seeds is None:
        run = _Run(task, settings, seed, log_dir, dashboards, callbacks, verbose, command, source)
        return run(model, test)

    if not callable(model) or isinstance(model, keras.Model):
        raise ValueError("With several seeds, model must be a function that makes a model anew.")
    if len(set(seeds)) != len(seeds) or not seeds:
        raise ValueError(f"seeds must be different numbers, one at least; they are {list(seeds)}.")
    runs = []
    for each in seeds:
        folder = None if log_dir is None else log_dir / f"seed_{each}"
        run = _Run(task, settings, each, folder, dashboards, callbacks, verbose, command, source)
        runs.append(run(model, test))
    report = Report.over_seeds(runs, command)
    if log_dir is not None:
        best = Report.best_on_validation(runs, task.monitor)
        for name in ("model.keras", "task.json"):
            with files.appearing(log_dir / name) as new:
                new.write_bytes((log_dir / f"seed_{best.seed}" / name).read_bytes())
        report.save(log_dir / "report.json")
    return report


def _weights_to_start_from(given: keras.Model | files.Path, task: Task) -> keras.Model:
    """A model to copy from; one that was trained with another vocabulary is refused."""
    if isinstance(given, keras.Model):
        return given
    from zoo.inference import load

    model, its_task = load(given)
    if task.dataset is not None:
        task.examples("train")
    if its_task.text_to_ids.vocabulary != task.text_to_ids.vocabulary:
        raise ValueError(
            f"The weights of {given} belong to another vocabulary: expected a task that was made "
            "with vocabulary_of= the task of that model."
        )
    return model


@dataclasses.dataclass(frozen=True)
class _Settings:
    """The arguments of a fit, checked."""

    epochs: int
    batch_size: int
    optimizer: str | keras.optimizers.Optimizer
    learning_rate: float | None
    schedule: str
    warmup: float
    clip_norm: float | None
    weight_decay: float | None
    class_weights: str | Mapping[str, float] | None
    early_stopping: int | None

    def __post_init__(self):
        for name in ("epochs", "batch_size", "early_stopping"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; it is {value}.")
        if isinstance(self.optimizer, str) and self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer must be one of {', '.join(OPTIMIZERS)}, or a Keras optimizer; "
                f"it is {self.optimizer!r}."
            )
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"schedule must be one of {', '.join(SCHEDULES)}; it is {self.schedule!r}."
            )
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup must be at least 0 and below 1; it is {self.warmup}.")
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be above 0; it is {value}.")
        if self.weight_decay is not None and not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be 0 or more; it is {self.weight_decay}.")

    def for_model(self, model: keras.Model) -> "_Settings":
        """These settings with what suits model and optimizer, where nothing was asked for."""
        rate, weight_decay = self.learning_rate, self.weight_decay
        if rate is None:
            rate = getattr(model, "suggested_learning_rate", 1e-3)
            if isinstance(self.optimizer, str):
                rate = _RATES.get(self.optimizer, rate)
        if weight_decay is None and isinstance(self.optimizer, str):
            weight_decay = _WEIGHT_DECAYS.get(self.optimizer)
        return dataclasses.replace(self, learning_rate=rate, weight_decay=weight_decay)

    def make_optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        if not isinstance(self.optimizer, str):
            return self.optimizer
        assert self.learning_rate is not None
        return OPTIMIZERS[self.optimizer](
            WarmupDecay(self.learning_rate, steps, warmup=self.warmup, decay=self.schedule),
            global_clipnorm=self.clip_norm,
            weight_decay=self.weight_decay,
        )

    def to_dict(self) -> dict:
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if not isinstance(self.optimizer, str):
            entries["optimizer"] = type(self.optimizer).__name__.lower()
        return entries


@keras.saving.register_keras_serializable(package="zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises linearly and then falls, linearly, as a cosine, or not at all.

    Args:
        peak: the highest rate.
        steps: steps in all; the rate would be 0 at the step after the last.
        warmup: share of the steps in which it rises.
        decay: `"linear"`, `"cosine"` (Loshchilov and Hutter 2017, equation 5) or `"constant"`.
    """

    def __init__(self, peak: float, steps: int, *, warmup: float = 0.1, decay: str = "linear"):
        self.peak = peak
        self.steps = steps
        self.warmup = warmup
        self.decay = decay

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising_steps = max(round(self.warmup * self.steps), 1)
        rising = (step + 1) / rising_steps
        left = (self.steps - step) / max(self.steps - rising_steps, 1)
        falling = {
            "linear": left,
            "cosine": (1 - ops.cos(math.pi * ops.clip(left, 0, 1))) / 2,
            "constant": ops.ones_like(left),
        }[self.decay]
        return self.peak * ops.clip(ops.minimum(rising, falling), 0, 1)

    def get_config(self):
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "decay": self.decay,
        }


@dataclasses.dataclass
class _Progress:
    """How far a fit has come.

    Attributes:
        tokens: that were trained on, each as often as it was.
        positions: tokens and padding.
        validation: what the last epoch came to; at the end, the one whose weights are kept.
    """

    tokens: int = 0
    positions: int = 0
    validation: Evaluation | None = None


class _Run:
    """One fit with one seed, in the order in which it happens."""

    def __init__(
        self, task, settings, seed, log_dir, dashboards, callbacks, verbose, command, source=None
    ):
        self.task = task
        self.settings = settings
        self.seed = seed
        self.log_dir = log_dir
        self.dashboards = dashboards
        self.callbacks = callbacks
        self.verbose = verbose
        self.command = command
        self.source = source
        self.seconds = {"fitting": 0.0, "validating": 0.0, "testing": 0.0}
        self.progress = _Progress()
        self.tensorboard: Any = None

    def __call__(self, model, test: bool) -> Report:
        # Data
        train = self.task.examples("train")
        class_weights = self.task.class_weights(train, self.settings.class_weights)
        # An epoch of windows of text may have one batch more than another.
        steps_by_epoch = [
            math.ceil(len(self.task.epoch_examples(self.seed, epoch)) / self.settings.batch_size)
            for epoch in range(self.settings.epochs)
        ]

        # Model
        keras.utils.set_random_seed(self.seed)
        if not isinstance(model, keras.Model):
            model = model()
        if hasattr(model, "adapt"):
            model.adapt(train.sequences, train.targets)
        if self.source is not None:
            transfer_weights(self.source, model)
        self.settings = self.settings.for_model(model)
        model.compile(
            self.settings.make_optimizer(sum(steps_by_epoch)),
            loss=self.task.loss(),
            metrics=self.task.metrics(),
            # XLA would compile anew for each width of a batch, which on a CPU never pays.
            jit_compile=keras.backend.backend() == "jax",
        )
        objective = self.task.objective(model)
        if objective is not model:
            objective.compile(
                model.optimizer, metrics=self.task.metrics(), jit_compile=model.jit_compile
            )
        if self.log_dir is not None:
            files.write_json(self.log_dir / "task.json", self.task.get_config())

        # Fit
        history, best = self._fit(model, objective, class_weights, steps_by_epoch)

        # Calibration
        if self.task.calibrate(model, self.task.examples("validation"), _EVALUATION_BATCH_SIZE):
            scores = self._evaluate(model, "validation", "validating").scores
            best.update({f"val_{name}": value for name, value in scores.items()})

        # Test, once
        tested = Evaluation({})
        if test:
            tested = self._evaluate(model, "test", "testing")

        # Report
        num_epochs = len(history)
        report = Report(
            task=self.task.name,
            model={"name": model.name, "parameters": model.count_params()},
            dataset=_dataset_facts(self.task),
            seed=self.seed,
            training={**self.settings.to_dict(), "best_epoch": best["epoch"]},
            history=history,
            validation=_scores(best, "val_"),
            test=tested.scores,
            details=tested.details,
            optimum=self.task.optimum(),
            seconds={**self.task.seconds, **self.seconds},
            throughput={
                "examples_per_second": len(train) * num_epochs / self.seconds["fitting"],
                "tokens_per_second": self.progress.tokens / self.seconds["fitting"],
            },
            padding_share=1 - self.progress.tokens / self.progress.positions,
            peak_memory_mb=_peak_memory_mb(),
            versions=_versions(),
            cores=len(os.sched_getaffinity(0)),
            command=self.command,
        )
        if self.log_dir is not None:
            save_model(model, self.log_dir / "model.keras")
            report.save(self.log_dir / "report.json")
        if self.tensorboard is not None:
            self.tensorboard.write_report(report)
        return report

    def _fit(self, model, objective, class_weights, steps_by_epoch: Sequence[int]):
        """All epochs; leaves the best weights in the model. Returns history and its best entry."""
        callbacks = keras.callbacks.CallbackList(
            self._callbacks(), model=model, epochs=self.settings.epochs, steps=steps_by_epoch[0]
        )
        metric, mode = self.task.monitor
        sign = 1 if mode == "min" else -1
        history: list[dict] = []
        best: dict = {}
        best_weights = best_validation = None
        model.stop_training = False
        callbacks.on_train_begin()
        for epoch in range(self.settings.epochs):
            callbacks.on_epoch_begin(epoch)
            start = time.perf_counter()
            first_step = sum(steps_by_epoch[:epoch])
            means = self._train_epoch(model, objective, class_weights, epoch, first_step, callbacks)
            seconds = time.perf_counter() - start
            self.seconds["fitting"] += seconds
            validation = self._evaluate(model, "validation", "validating")
            self.progress.validation = validation
            entry = {
                "epoch": epoch + 1,
                **means,
                **{f"val_{name}": value for name, value in validation.scores.items()},
                "learning_rate": float(ops.convert_to_numpy(model.optimizer.learning_rate)),
                "seconds": seconds,
            }
            history.append(entry)
            if not best or sign * entry[metric] < sign * best[metric]:
                best, best_weights, best_validation = entry, model.get_weights(), validation
                if self.log_dir is not None:
                    # What a run that is broken off leaves.
                    save_model(model, self.log_dir / "model.keras")
            shown = {k: v for k, v in entry.items() if k != "epoch" and v is not None}
            callbacks.on_epoch_end(epoch, shown)
            patience = self.settings.early_stopping
            if model.stop_training or (patience and entry["epoch"] - best["epoch"] >= patience):
                break
        model.set_weights(best_weights)
        self.progress.validation = best_validation
        callbacks.on_train_end()
        return history, best

    def _train_epoch(
        self, model, objective, class_weights, epoch: int, first_step: int, callbacks
    ) -> dict:
        """One pass over the training split. Returns the mean of what each batch gave."""
        train = self.task.epoch_examples(self.seed, epoch)
        batches = epoch_batches(train.lengths, self.settings.batch_size, self.seed, epoch)
        with_source = getattr(model, "reads_source", False)
        _seed_dropout(model, self.seed, first_step)
        sums: dict[str, float] = {}
        weight = 0.0
        for index, indices in enumerate(batches):
            callbacks.on_train_batch_begin(index)
            inputs, targets, weights = self.task.batch(
                train,
                indices,
                with_source=with_source,
                random=np.random.default_rng([self.seed, epoch, index]),
            )
            batch_weight = len(indices) if weights is None else float(weights.sum())
            if class_weights is not None:
                weights = class_weights[targets]
            logs = objective.train_on_batch(inputs, targets, weights, return_dict=True)
            if not math.isfinite(logs["loss"]):
                raise TrainingError(
                    f"The loss became {logs['loss']} at step {first_step + index + 1}: try a lower "
                    "learning_rate or a lower clip_norm."
                )
            for name, value in logs.items():
                sums[name] = sums.get(name, 0.0) + float(value) * batch_weight
            weight += batch_weight
            self.progress.tokens += int(train.lengths[indices].sum())
            read = inputs if objective is model else inputs["inputs"]
            self.progress.positions += sum(map(np.size, keras.tree.flatten(read)))
            callbacks.on_train_batch_end(index, logs)
        return {name: value / weight for name, value in sums.items()}

    def _evaluate(self, model, split: str, phase: str) -> Evaluation:
        examples = self.task.examples(split)
        start = time.perf_counter()
        evaluation = _score(model, self.task, examples)
        self.seconds[phase] += time.perf_counter() - start
        return evaluation

    def _callbacks(self) -> list[keras.callbacks.Callback]:
        callbacks = list(self.callbacks)
        if self.log_dir is not None:
            logs = self.log_dir / "logs"
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
            name = self.task.dataset.name
            callbacks.append(ProgressBar(f"{name}, seed {self.seed}"))
        return callbacks


def evaluate_model(model: keras.Model, task: Task, split: str = "test") -> Evaluation:
    """Scores a Keras model on `"train"`, `"validation"` or `"test"` of its task's dataset."""
    return _score(model, task, task.examples(split))


def _score(model: keras.Model, task: Task, examples) -> Evaluation:
    return task.evaluate(model, examples, _EVALUATION_BATCH_SIZE)


def save_model(model: keras.Model, path: files.Path) -> None:
    """Writes a model as `.keras`, whole or not at all."""
    with files.appearing(path) as new:
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


def _dataset_facts(task: Task) -> dict:
    dataset = task.dataset
    assert dataset is not None
    return {
        "name": dataset.name,
        "arguments": dataset.arguments,
        "sizes": {name: len(getattr(dataset, name)) for name in SPLITS},
        "fingerprint": dataset.fingerprint,
        "faults": [*dataset.audit.sentences(), *task.notes()],
    }


def _peak_memory_mb() -> float:
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * (1 if sys.platform == "darwin" else 1024) / 1e6


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
