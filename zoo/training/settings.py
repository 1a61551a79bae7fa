"""What stands before the first step of a fit: checked arguments, and a compiled model."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from zoo.models.weights import transfer_weights
from zoo.tasks.task import Task
from zoo.training.optimizers import OPTIMIZERS, RATES, SCHEDULES, WEIGHT_DECAYS, WarmupDecay
from zoo.utils import files

# The most epochs of a fit where nobody says how many.
_MAX_DEFAULT_EPOCHS = 20


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of a fit, checked. See `zoo.fit_and_evaluate`, which has them too."""

    epochs: int | None = None
    batch_size: int = 64
    optimizer: str | keras.optimizers.Optimizer | None = None
    learning_rate: float | None = None
    schedule: str = "linear"
    warmup: float = 0.1
    clip_norm: float | None = 1.0
    weight_decay: float | None = None
    class_weights: str | Mapping[str, float] | None = None
    early_stopping: int | None = None

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

    def for_task(self, task: Task) -> "Settings":
        """These settings with what a task suggests, where nothing was asked for."""
        epochs, optimizer = self.epochs, self.optimizer
        if epochs is None:
            steps = math.ceil(len(task.examples("train")) / self.batch_size)
            epochs = min(math.ceil(task.suggested_steps / steps), _MAX_DEFAULT_EPOCHS)
        if optimizer is None:
            optimizer = task.suggested_optimizer
        return dataclasses.replace(self, epochs=epochs, optimizer=optimizer)

    def for_model(self, model: keras.Model) -> "Settings":
        """These settings with what suits model and optimizer, where nothing was asked for."""
        rate, weight_decay = self.learning_rate, self.weight_decay
        if rate is None:
            rate = getattr(model, "suggested_learning_rate", 1e-3)
            if isinstance(self.optimizer, str):
                rate = RATES.get(self.optimizer, rate)
        if weight_decay is None and isinstance(self.optimizer, str):
            weight_decay = WEIGHT_DECAYS.get(self.optimizer)
        return dataclasses.replace(self, learning_rate=rate, weight_decay=weight_decay)

    def make_optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """The optimizer of a fit of so many steps, once task and model are known."""
        if isinstance(self.optimizer, keras.optimizers.Optimizer):
            return self.optimizer
        assert self.optimizer is not None and self.learning_rate is not None
        return OPTIMIZERS[self.optimizer](
            WarmupDecay(self.learning_rate, steps, warmup=self.warmup, decay=self.schedule),
            global_clipnorm=self.clip_norm,
            weight_decay=self.weight_decay,
        )

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if isinstance(self.optimizer, keras.optimizers.Optimizer):
            entries["optimizer"] = type(self.optimizer).__name__.lower()
        return entries


class Step(NamedTuple):
    """What one step of training came to.

    Attributes:
        logs: the loss and the metrics of the batch, by name.
        weight: of the batch, beside others.
        positions: tokens and padding.
    """

    logs: dict[str, Any]
    weight: float
    positions: int


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A model that is ready for its first step.

    Attributes:
        task: what it is asked.
        settings: of the fit, all of them known.
        model: compiled.
        objective: what is fitted so that the model learns, see `Task.training_model`; compiled.
        class_weights: the weight of each class, (C,), or None.
        steps_by_epoch: of each epoch.
    """

    task: Task
    settings: Settings
    model: keras.Model
    training_model: keras.Model
    class_weights: np.ndarray | None
    steps_by_epoch: list[int]

    def train_step(self, examples, indices: np.ndarray, random: np.random.Generator) -> Step:
        """Trains on the examples at `indices`.

        Args:
            examples: of an epoch.
            indices: which, (B,).
            random: for what is drawn anew in each step.
        """
        inputs, targets, weights = self.task.batch(
            examples, indices, model=self.model, random=random
        )
        batch_weight = len(indices) if weights is None else float(weights.sum())
        if self.class_weights is not None:
            weights = self.class_weights[targets]
        logs = self.training_model.train_on_batch(inputs, targets, weights, return_dict=True)
        read = inputs if self.training_model is self.model else inputs["inputs"]
        return Step(logs, batch_weight, sum(map(np.size, keras.tree.flatten(read))))

    def state(self) -> list[keras.Variable]:
        """All that changes in a step: weights, seeds of dropout, and what the optimizer keeps."""
        model, training_model = self.model, self.training_model
        # As the first step would, in whose order its variables are.
        if not model.optimizer.built:
            model.optimizer.build(training_model.trainable_variables)
        of_metrics = {id(v) for v in [*model.metrics_variables, *training_model.metrics_variables]}
        variables = [*model.variables, *training_model.variables, *model.optimizer.variables]
        return list({id(v): v for v in variables if id(v) not in of_metrics}.values())


def check_seeds(seeds: Sequence[int]) -> None:
    """Raises a `ValueError` where seeds are not different numbers, one at least."""
    if len(set(seeds)) != len(seeds) or not seeds:
        raise ValueError(f"seeds must be different numbers, one at least; they are {list(seeds)}.")


def prepare(
    model: keras.Model | Callable[[], keras.Model],
    task: Task,
    settings: Settings,
    seed: int,
    source: keras.Model | None = None,
) -> Prepared:
    """Makes and compiles a model for a fit.

    Args:
        model: a Keras model, or a function that makes one, called once `seed` is set.
        task: with its dataset.
        settings: as `Settings.for_task` gives them.
        seed: of the weights.
        source: a model whose weights it begins with, as far as layers correspond.
    """
    assert settings.epochs is not None
    train = task.examples("train")
    class_weights = task.class_weights(train, settings.class_weights)
    # An epoch of windows of text may have one batch more than another.
    steps_by_epoch = [
        math.ceil(len(task.epoch_examples(seed, epoch)) / settings.batch_size)
        for epoch in range(settings.epochs)
    ]
    keras.utils.set_random_seed(seed)
    if not isinstance(model, keras.Model):
        model = model()
    if task.head == "language_model" and not getattr(model, "causal", True):
        raise ValueError(
            f"{task.name} needs a model that reads from left to right; {model.name} reads in both "
            "directions and would see the tokens that it has to predict: build it with "
            "bidirectional=False."
        )
    if hasattr(model, "adapt"):
        model.adapt(train.sequences, train.targets)
    if source is not None:
        transfer_weights(source, model)
    settings = settings.for_model(model)
    model.compile(
        settings.make_optimizer(sum(steps_by_epoch)),
        loss=task.loss(),
        metrics=task.training_metrics(),
        # XLA would compile anew for each width of a batch, which on a CPU never pays.
        jit_compile=keras.backend.backend() == "jax",
    )
    training_model = task.training_model(model)
    if training_model is not model:
        training_model.compile(
            model.optimizer, metrics=task.training_metrics(), jit_compile=model.jit_compile
        )
    return Prepared(task, settings, model, training_model, class_weights, steps_by_epoch)


def weights_to_start_from(given: keras.Model | files.StrPath, task: Task) -> keras.Model:
    """A model to copy weights from.

    Args:
        given: the model, the folder of its run or the name of a shipped one.
        task: what the model that gets the weights is asked.

    Raises:
        ValueError: where it was trained with another vocabulary than the task's.
    """
    if isinstance(given, keras.Model):
        return given
    from zoo.serving import load

    model, its_task = load(given)
    if task.dataset is not None:
        task.examples("train")
    if its_task.text_to_ids.vocabulary != task.text_to_ids.vocabulary:
        raise ValueError(
            f"The weights of {given} belong to another vocabulary: expected a task that was made "
            "with vocabulary_of= the task of that model."
        )
    return model
