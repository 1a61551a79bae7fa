"""From a model and a task to a compiled model that is ready for its first training step."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

import zoo
from zoo.models.suited_model import suited_model
from zoo.models.weights import transfer_weights
from zoo.tasks.data import SPLITS
from zoo.tasks.task import Task
from zoo.training.devices import Devices, current
from zoo.training.given_model import make_model, mark_trained, was_trained
from zoo.training.settings import Settings
from zoo.utils import files


class Step(NamedTuple):
    """The result of one training step.

    Attributes:
        logs: Loss and metrics of the batch, by name.
        weight: Weight of the batch in means over batches.
        positions: Number of tokens in the batch, padding included.
    """

    logs: dict[str, Any]
    weight: float
    positions: int


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A compiled model, its task and the complete settings of its fit.

    Attributes:
        task: The task.
        settings: Complete settings.
        model: The compiled model.
        training_model: What is trained so that `model` learns, see `Task.training_model`; compiled.
        was_trained: Whether the model had been trained before.
        steps_by_epoch: Number of steps of each epoch.
        devices: The processes of the fit.
    """

    task: Task
    settings: Settings
    model: keras.Model
    training_model: keras.Model
    was_trained: bool
    steps_by_epoch: list[int]
    devices: Devices

    def train_step(self, examples, indices: np.ndarray, random: np.random.Generator) -> Step:
        """Trains on the examples at `indices`.

        Args:
            examples: The examples of an epoch.
            indices: Which of them, (B,).
            random: Generator for everything that is drawn in this step.
        """
        batch = self.task.training_batch(examples, indices, random, model=self.model)
        num_positions = sum(map(np.size, keras.tree.flatten(batch.inputs)))
        inputs, targets, weights = self.devices.shard((batch.inputs, batch.targets, batch.weights))
        if self.training_model is not self.model:
            inputs = self.training_model.training_inputs(inputs, targets, random)
        logs = self.training_model.train_on_batch(inputs, targets, weights, return_dict=True)
        return Step(logs, batch.num_targets, num_positions)

    def state(self) -> list[keras.Variable]:
        """All variables that a step changes: weights, seeds of dropout, optimizer variables."""
        model, training_model = self.model, self.training_model
        # In the order of variables that the first step would choose.
        if not model.optimizer.built:
            model.optimizer.build(training_model.trainable_variables)
        of_metrics = {id(v) for v in [*model.metrics_variables, *training_model.metrics_variables]}
        variables = [*model.variables, *training_model.variables, *model.optimizer.variables]
        return list({id(v): v for v in variables if id(v) not in of_metrics}.values())


def check_data(task: Task, settings: Settings) -> list[str]:
    """Warnings about the splits that a fit reads, one sentence each.

    Raises:
        DatasetError: If nothing can be learned from them.
    """
    return task.data.check(SPLITS if settings.test else SPLITS[:-1])


def complete(settings: Settings, task: Task) -> Settings:
    """Settings with the task's suggestions, and with `initial_weights` as a loaded model."""
    settings = settings.for_task(task)
    if settings.initial_weights is None:
        return settings
    source = _model_of(settings.initial_weights, task)
    return dataclasses.replace(settings, initial_weights=source)


def prepare(
    model: keras.Model | Callable[[], keras.Model], task: Task, settings: Settings, seed: int
) -> Prepared:
    """Makes and compiles a model for a fit.

    Args:
        model: A Keras model, or a function that makes one, called once `seed` is set.
        task: The task, with its dataset.
        settings: The result of `complete`.
        seed: Seed of the initial weights.

    Raises:
        ValueError: If the model does not suit the task.
    """
    assert settings.epochs is not None
    train = task.examples("train")
    # The number of windows of text differs from epoch to epoch.
    steps_by_epoch = [
        math.ceil(len(task.data.epoch_examples(seed, epoch)) / settings.batch_size)
        for epoch in range(settings.epochs)
    ]
    keras.utils.set_random_seed(seed)
    given = make_model(model)
    had_been_trained = was_trained(given)
    model = suited_model(given, **task.model_arguments())
    _check_direction(model, task)
    if hasattr(model, "adapt"):
        model.adapt(train.sequences, train.targets)
    if isinstance(settings.initial_weights, keras.Model):
        transfer_weights(settings.initial_weights, model)
    settings = settings.for_model(model)
    # XLA would compile each width of a batch, which takes longer than it saves on a CPU.
    jit_compile = keras.backend.backend() == "jax"
    model.compile(
        settings.make_optimizer(sum(steps_by_epoch)),
        loss=task.loss(),
        metrics=task.training_metrics(),
        jit_compile=jit_compile,
    )
    training_model = task.training_model(model)
    if training_model is not model:
        training_model.compile(
            model.optimizer, metrics=task.training_metrics(), jit_compile=jit_compile
        )
    mark_trained(given)
    return Prepared(
        task, settings, model, training_model, had_been_trained, steps_by_epoch, current()
    )


def _check_direction(model: keras.Model, task: Task) -> None:
    if task.head == "language_model" and not getattr(model, "causal", True):
        raise ValueError(
            f"{task.name} requires a causal model; {model.name} is bidirectional and would read "
            "the tokens that it predicts: create it with bidirectional=False."
        )


def _model_of(given: keras.Model | files.StrPath, task: Task) -> keras.Model:
    """The model to copy weights from: `given`, or the one at a path or with a name."""
    if isinstance(given, keras.Model):
        return given
    model, its_task = zoo.load(given)
    task.adapt()
    if its_task.text_to_ids.vocabulary != task.text_to_ids.vocabulary:
        raise ValueError(
            f"The weights of {given} belong to another vocabulary: expected a task created with "
            "vocabulary_of=, the task of that model."
        )
    return model
