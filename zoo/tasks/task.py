"""The base class of tasks: what a model predicts and how predictions are scored."""

import abc
import dataclasses
from typing import Any

import numpy as np

from zoo.tasks import task_view
from zoo.tasks.batches import Batch
from zoo.tasks.description import Description
from zoo.tasks.metric import Metric
from zoo.tasks.text_reader import TextReader

# Widths of batches are rounded up to a multiple of this: fewer distinct shapes, for backends that
# compile each one.
WIDTH_MULTIPLE = 8


class NotFiniteError(ValueError):
    """Outputs of a model are NaN or infinite."""


class Task(TextReader):
    """A task: columns of a dataset, a head, a loss and metrics.

    A task has a dataset for training and evaluation, or none if it is loaded for inference.

    Args:
        text_to_ids: a `TextToIds`; one without a vocabulary is adapted to the training split.
        dataset: a dataset with the task's columns; None for inference only.

    A subclass also has a class method `from_dataset(dataset, *, ...)`, whose keyword arguments are
    the options of the task.

    Attributes:
        name: the name of the task on the command line.
        head: the required head, one of `zoo.models.heads.HEADS`.
        serving: the kind of its SavedModel, the name of a module in `zoo.serving`.
        pipeline: the name of its pipeline, see `zoo.pipeline`.
        input_length: maximum number of tokens of an input.
        columns: mapping from the name of a required column to its kind, `"text"`,
            `"category"` or `"number"`, see `zoo.datasets.Split`.
        metrics: the scores of `evaluate`, exactly one of them the main one.
        monitor: the validation metric of early stopping and of the best weights, and `"min"` or
            `"max"`.
        description: the text of its model cards.
        default_dataset: the name of the default dataset; None if there is none.
        suggested_optimizer: the name of the default optimizer.
        suggested_steps: the default number of training steps.
    """

    head: str
    serving: str
    pipeline: str
    metrics: tuple[Metric, ...]
    description: Description
    monitor: tuple[str, str]
    default_dataset: str | None
    suggested_optimizer: str
    suggested_steps: int
    input_length: int

    # Batches and losses

    @property
    def has_classes(self) -> bool:
        """Whether a target is one of several classes, the task's `label_names`."""
        return "category" in self.columns.values()

    def model_arguments(self) -> dict[str, Any]:
        """The arguments of a model for this task: `zoo.LSTM(**task.model_arguments())`."""
        self.adapt()
        return {
            "vocabulary_size": len(self.text_to_ids.vocabulary),
            "head": self.head,
            "sequence_length": self.input_length,
        }

    @abc.abstractmethod
    def batch(self, examples: Any, indices: np.ndarray, *, model=None) -> Batch:
        """A batch of evaluation.

        Args:
            examples: the examples of a split.
            indices: which of them, (B,).
            model: the model that reads them, whose `pack` makes the inputs of a task that
                continues texts; other tasks ignore it.
        """

    def training_batch(
        self, examples: Any, indices: np.ndarray, random: np.random.Generator, *, model=None
    ) -> Batch:
        """A batch of training; by default the same as in evaluation.

        Args:
            examples, indices, model: see `batch`.
            random: generator for what is drawn in each step.
        """
        del random
        return self.batch(examples, indices, model=model)

    def training_model(self, model):
        """The Keras model to train: `model` itself, or a wrapper that shares its weights.

        A wrapper has a method `training_inputs(inputs, targets, random)`, which returns its own
        inputs in a training step.
        """
        return model

    @abc.abstractmethod
    def loss(self):
        """The Keras loss of logits."""

    def training_metrics(self) -> list:
        """Keras metrics that are computed during training, next to the loss; by default none."""
        return []

    @abc.abstractmethod
    def evaluate(self, model, examples: Any, batch_size: int) -> "Evaluation":
        """Scores a whole split.

        Args:
            model: a Keras model, inputs of a batch -> logits.
            examples: the split.
            batch_size: examples a call, at most; the scores do not depend on it.

        Raises:
            NotFiniteError: if outputs of the model are NaN or infinite.
        """

    def calibrate(self, model, validation: Any, batch_size: int) -> bool:
        """Calibrates a trained model on the validation split.

        Args:
            model, validation, batch_size: see `evaluate`.

        Returns:
            Whether the model was changed; by default False.
        """
        del model, validation, batch_size
        return False

    def best_possible(self) -> dict[str, float] | None:
        """The best possible test scores by name, if they are known."""
        return None

    def __repr__(self) -> str:
        return task_view.short_view(self)

    def _repr_html_(self) -> str:
        return task_view.html_view(self)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The scores of a model on a split.

    Attributes:
        scores: value of each metric by name; None if it is undefined.
        details: further results as JSON, such as a confusion matrix.
        probabilities: of each class (N, C), for a classifier; not part of a report.
    """

    scores: dict[str, float | None]
    details: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    probabilities: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)
