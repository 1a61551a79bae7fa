"""The options of a fit: documented, checked and completed in one place."""

import dataclasses
import inspect
import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import keras

from zoo.registry import did_you_mean
from zoo.tasks.task import Task
from zoo.training.optimizers import OPTIMIZERS, RATES, SCHEDULES, WEIGHT_DECAYS, WarmupDecay
from zoo.utils import files

# Which of TensorBoard's dashboards are filled.
DASHBOARDS = ("none", "default", "all")

# The largest seed of Python, NumPy and TensorFlow alike.
_MAX_SEED = 2**32 - 1

# The most epochs of a fit whose number of epochs is not given.
_MAX_DEFAULT_EPOCHS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a fit, checked: keyword arguments of `fit_and_evaluate` and of `dry_run`.

    Args:
        epochs: Passes over the training split; None takes as many as the task's
            `suggested_steps` require, at most 20.
        batch_size: Examples per step. Batches hold examples of similar length and depend on seed
            and epoch only.
        optimizer: Optimizer: `"adam"` or `"adamw"` (beta_2 = 0.99); `"muon"` (Jordan et al. 2024;
            Liu et al. 2025), which orthogonalizes the updates of matrices and applies Adam at half
            the learning rate to other weights; or `"sgd"` (momentum = 0.9); None takes the task's
            `suggested_optimizer`. A Keras optimizer is used as it is, without `learning_rate`,
            `schedule`, `warmup`, `clip_norm` and `weight_decay`.
        learning_rate: Peak learning rate; None takes the model's `suggested_learning_rate`, or 0.01
            with Muon and 0.3 with SGD.
        schedule: Decay of the learning rate after warmup: `"linear"` or `"cosine"` to 0, or
            `"constant"`.
        warmup: Fraction of all steps in which the learning rate increases linearly from 0.
        clip_norm: Maximum global norm of the gradients (Pascanu et al. 2013); None
            disables clipping.
        weight_decay: Decoupled weight decay (Loshchilov and Hutter 2019), as a share of the
            learning rate; None takes 0.01 with AdamW and 0 otherwise. Muon applies it only to the
            matrices that it updates.
        early_stopping: Stop after this many epochs without improvement; None for no early
            stopping.
        initial_weights: Model whose weights are copied where layers correspond: a Keras model, the
            folder of a run or the name of a pretrained model; see `zoo.transfer_weights`. A
            language model can become a classifier (Dai and Le 2015) if the task uses its vocabulary
            (`vocabulary_of`).
        seed: Seed of the initial weights, the order of the examples and dropout.
        seeds: Several seeds, one run each. `model` must then be a function. The report holds
            means and standard deviations, and the weights of the seed that is best on validation
            are kept.
        test: Whether to evaluate the test split.
        dashboards: TensorBoard dashboards to write: `"default"`, see `zoo.inspection.TensorBoard`;
            `"all"`, including the slow ones; or `"none"`. Other backends than TensorFlow write
            none.

    Raises:
        ValueError: If a value is out of range.

    >>> from zoo.training.settings import Settings
    >>> Settings(epochs=3).epochs
    3
    """

    epochs: int | None = None
    batch_size: int = 64
    optimizer: str | keras.optimizers.Optimizer | None = None
    learning_rate: float | None = None
    schedule: str = "linear"
    warmup: float = 0.1
    clip_norm: float | None = 1.0
    weight_decay: float | None = None
    early_stopping: int | None = None
    initial_weights: keras.Model | files.StrPath | None = None
    seed: int = 0
    seeds: Sequence[int] | None = None
    test: bool = True
    dashboards: str = "default"

    def __post_init__(self):
        for name in ("epochs", "batch_size", "early_stopping"):
            value = getattr(self, name)
            if value is not None:
                _check(name, "a whole number", repr(value), _is_whole(value))
                _check(name, "at least 1", value, value >= 1)
        if isinstance(self.optimizer, str) and self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer must be one of {', '.join(OPTIMIZERS)}, or a Keras optimizer; "
                f"it is {self.optimizer!r}.{did_you_mean(self.optimizer, OPTIMIZERS)}"
            )
        for name, names in (("schedule", SCHEDULES), ("dashboards", DASHBOARDS)):
            value = getattr(self, name)
            if value not in names:
                raise ValueError(
                    f"{name} must be one of {', '.join(names)}; it is {value!r}."
                    f"{did_you_mean(str(value), names)}"
                )
        _check("warmup", "at least 0 and below 1", self.warmup, 0 <= self.warmup < 1)
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            _check(name, "above 0", value, value is None or 0 < value < math.inf)
        decay = self.weight_decay
        _check("weight_decay", "0 or more", decay, decay is None or 0 <= decay < math.inf)
        for seed in (self.seed, *(self.seeds or ())):
            is_seed = _is_whole(seed) and 0 <= seed <= _MAX_SEED
            _check("seed", f"a whole number from 0 to {_MAX_SEED}", repr(seed), is_seed)
        if self.seeds is not None and (not self.seeds or len(set(self.seeds)) != len(self.seeds)):
            raise ValueError(
                f"seeds must be different numbers, one at least; they are {list(self.seeds)}."
            )

    def for_task(self, task: Task) -> "Settings":
        """These settings, with the task's suggestions for `epochs` and `optimizer`."""
        epochs, optimizer = self.epochs, self.optimizer
        if epochs is None:
            steps = math.ceil(len(task.examples("train")) / self.batch_size)
            epochs = min(math.ceil(task.suggested_steps / steps), _MAX_DEFAULT_EPOCHS)
        if optimizer is None:
            optimizer = task.suggested_optimizer
        return dataclasses.replace(self, epochs=epochs, optimizer=optimizer)

    def for_model(self, model: keras.Model) -> "Settings":
        """These settings, with the defaults of model and optimizer for rate and weight decay."""
        rate, weight_decay = self.learning_rate, self.weight_decay
        if rate is None:
            rate = getattr(model, "suggested_learning_rate", 1e-3)
            if isinstance(self.optimizer, str):
                rate = RATES.get(self.optimizer, rate)
        if weight_decay is None and isinstance(self.optimizer, str):
            weight_decay = WEIGHT_DECAYS.get(self.optimizer)
        return dataclasses.replace(self, learning_rate=rate, weight_decay=weight_decay)

    def make_optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """The optimizer of a fit of `steps` steps; `for_task` and `for_model` come first."""
        if isinstance(self.optimizer, keras.optimizers.Optimizer):
            return self.optimizer
        assert self.optimizer is not None and self.learning_rate is not None
        return OPTIMIZERS[self.optimizer](
            WarmupDecay(self.learning_rate, steps, warmup=self.warmup, decay=self.schedule),
            global_clipnorm=self.clip_norm,
            weight_decay=self.weight_decay,
        )

    def to_dict(self) -> dict[str, Any]:
        """The settings that a report holds, and that a resumed fit compares, for JSON."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in _NOT_IN_REPORT]
        entries = {name: getattr(self, name) for name in names}
        if isinstance(self.optimizer, keras.optimizers.Optimizer):
            entries["optimizer"] = type(self.optimizer).__name__.lower()
        return entries


# A report has its own entries for the seed and the scores of the test split; what the others change
# is seen in the weights or the logs.
_NOT_IN_REPORT = ("initial_weights", "seed", "seeds", "test", "dashboards")


def takes_settings(function: Callable) -> Callable:
    """Replaces `**settings` in the signature and the docstring of a function by those options.

    Options are then documented once, and `inspect.signature` and `help` show all of them.
    """
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    options = inspect.signature(Settings).parameters.values()
    function.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    if function.__doc__ and Settings.__doc__:  # Python may run without docstrings.
        entries = Settings.__doc__.partition("Args:\n")[2].partition("\n\n")[0]
        before, _, after = function.__doc__.partition("        **settings:")
        function.__doc__ = f"{before}{entries}\n" + after.partition("\n")[2]
    return function


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _check(name: str, expected: str, value: Any, is_right: bool) -> None:
    if not is_right:
        raise ValueError(f"{name} must be {expected}; it is {value}.")
