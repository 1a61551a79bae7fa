"""The base class of tasks: what a model predicts and how predictions are scored."""

import abc
import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from zoo.datasets import TextDataset
from zoo.tasks.batches import Batch
from zoo.tasks.data import TaskData
from zoo.tasks.description import Description
from zoo.tasks.metric import Metric

# Widths of batches are rounded up to a multiple of this: fewer distinct shapes, for backends that
# compile each one.
WIDTH_MULTIPLE = 8


# What of a `TextToIds` belongs to its vocabulary.
_READING = (
    "tokenizer",
    "vocabulary",
    "vocabulary_size",
    "min_frequency",
)


class NotFiniteError(ValueError):
    """Outputs of a model are NaN or infinite."""


class Task(abc.ABC):
    """What is asked of a model: columns of a dataset, a head, a loss and metrics.

    A task has a dataset, to fit and to evaluate, or none, when it is loaded to be used.

    Args:
        text_to_ids: a `TextToIds`; one without a vocabulary is adapted to the training split.
        dataset: a dataset with the task's columns; None for use alone.

    A subclass also has a class method `from_dataset(dataset, *, ...)`, whose keyword arguments are
    the options of the task.

    Attributes:
        name: the name of the task on the command line.
        head: the head that it needs, one of `zoo.models.heads.HEADS`.
        serving: the kind of its SavedModel, the name of a module in `zoo.serving`.
        pipeline: the name of its pipeline, see `zoo.pipeline`.
        columns: the columns that it reads of a dataset: the kind of each by its name, `"text"`,
            `"category"` or `"number"`, see `zoo.datasets.Split`.
        metrics: the scores of `evaluate`, exactly one of them the main one.
        monitor: the validation metric of early stopping and of the best weights, and `"min"` or
            `"max"`.
        description: the words of its model cards.
        default_dataset: the name of the default dataset; None if there is none.
        suggested_optimizer: the name of the default optimizer.
        suggested_steps: the default number of training steps.
    """

    name: str
    head: str
    serving: str
    pipeline: str
    columns: ClassVar[Mapping[str, str]]
    metrics: tuple[Metric, ...]
    description: Description
    monitor: tuple[str, str]
    default_dataset: str | None
    suggested_optimizer: str
    suggested_steps: int

    def __init__(self, text_to_ids, dataset: TextDataset | None = None):
        if dataset is not None:
            dataset.check_columns(self.columns)
        self.text_to_ids = text_to_ids
        self._data = None if dataset is None else self.make_data(dataset)

    # Data

    @abc.abstractmethod
    def make_data(self, dataset: TextDataset) -> TaskData:
        """The examples of a dataset as this task reads them."""

    @property
    def has_data(self) -> bool:
        """Whether the task has a dataset."""
        return self._data is not None

    @property
    def data(self) -> TaskData:
        """The examples of the task's dataset.

        Raises:
            ValueError: if the task has no dataset.
        """
        if self._data is None:
            raise ValueError(
                f"This {self.name} task was loaded without a dataset: make one with a dataset to "
                "fit or to evaluate."
            )
        return self._data

    def examples(self, split: str) -> Any:
        """The examples of `"train"`, `"validation"` or `"test"`, see `TaskData.examples`."""
        return self.data.examples(split)

    def adapt(self) -> None:
        """Learns the vocabulary from the training split, if there is one and this was not done."""
        if self.has_data:
            self.examples("train")

    # What a model is asked

    @abc.abstractmethod
    def model_arguments(self) -> dict[str, Any]:
        """The arguments of a model for this task: `zoo.LSTM(**task.model_arguments())`."""

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

    @abc.abstractmethod
    def training_metrics(self) -> list:
        """Keras metrics that are computed during training."""

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

    def tokenizer_settings(self) -> dict[str, Any]:
        """Tokenizer settings and vocabulary, for reuse by another task.

        Arguments of `TextToIds`, without those of truncation.
        """
        self.adapt()
        config = self.text_to_ids.get_config()
        return {name: config[name] for name in _READING}

    # Config

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """The arguments of `from_config` as JSON, without the dataset."""

    @classmethod
    @abc.abstractmethod
    def from_config(cls, config: Mapping[str, Any], dataset: TextDataset | None = None) -> "Task":
        """The task whose `get_config` returned `config`."""


def choose_tokenizer(maker: Callable, level, **options):
    """The tokenizer of a task's argument `level`, a registered name or a `Tokenizer`.

    Args:
        maker: the function whose arguments they are. An option that the tokenizer lacks is ignored
            if it has the default value there.
        level: the argument.
        **options: the options that `maker` takes for its tokenizer.

    Raises:
        UnknownNameError: for an unknown name, or an option that the tokenizer lacks.
    """
    from zoo.preprocessing import make_tokenizer, tokenizer_options

    defaults = inspect.signature(maker).parameters
    own = tokenizer_options(level)
    return make_tokenizer(
        level,
        **{
            name: value
            for name, value in options.items()
            if name in own or name not in defaults or value != defaults[name].default
        },
    )


def make_text_to_ids(vocabulary_of: Task | None, **arguments):
    """A `TextToIds`, with the tokenizer and vocabulary of another task if one is given.

    Args:
        vocabulary_of: that task, or None.
        **arguments: of `TextToIds`; those of the task take precedence.
    """
    from zoo.preprocessing import TextToIds

    return TextToIds(
        **{**arguments, **(vocabulary_of.tokenizer_settings() if vocabulary_of else {})}
    )


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The scores of a model on a split.

    Attributes:
        scores: value of each metric by name; None if it is undefined.
        details: further results as JSON, such as a confusion matrix.
        probabilities: of each class (N, C), for a classifier; not part of a report.
    """

    scores: dict[str, float | None]
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    probabilities: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)
