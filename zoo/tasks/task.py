"""What every task is: what a model is asked, and how its answers are scored."""

import abc
import dataclasses
import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoo.datasets import TextDataset
from zoo.preprocessing import TokenSequences

SPLITS = ("train", "validation", "test")

# Widths of batches are rounded up to a multiple of this: fewer distinct shapes, for backends that
# compile each one.
_WIDTH_MULTIPLE = 8


@dataclasses.dataclass(frozen=True)
class Examples:
    """The examples of a split: token ids, and what is to be said of each.

    Attributes:
        sequences: N sequences of token ids.
        targets: (N,), or None where the tokens are their own targets.
    """

    sequences: TokenSequences
    targets: Any = None

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, (N,)."""
        return self.sequences.lengths


class Task(abc.ABC):
    """Examples of a dataset as a model sees them, with loss and metrics.

    A task is made with a dataset to fit on, or without one, read back from a run, to be used.

    Args:
        text_to_ids: a `TextToIds`, how texts are read; without a vocabulary it is adapted on the
        training split,
            and on nothing else, when that is first wanted.
        dataset: where the examples come from; None for use alone.

    A subclass has a class method `from_dataset(dataset, *, ...)` too, whose keyword arguments are
    the options of the task.

    Attributes:
        name: how the task is called on the command line.
        output: what the model gives: one answer a `"text"` or one a `"token"`.
        monitor: the validation metric that early stopping and the best weights go by, and
            `"min"` or `"max"`.
        seconds: what reading and tokenizing took, so far.
    """

    name: str
    output: str
    monitor: tuple[str, str]

    def __init__(self, text_to_ids, dataset: TextDataset | None = None):
        self.text_to_ids = text_to_ids
        self.dataset = dataset
        self.seconds = {"reading": dataset.seconds if dataset else 0.0, "tokenizing": 0.0}

    # Examples

    def examples(self, split: str) -> Examples:
        """The examples of `"train"`, `"validation"` or `"test"`, tokenized when first wanted."""
        if self.dataset is None:
            raise ValueError(
                f"This {self.name} task was loaded without a dataset: make one with a dataset to "
                "fit or to evaluate."
            )
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}; it is {split!r}.")
        if split != "train":
            self._train  # noqa: B018  The vocabulary comes from the training split first.
        return getattr(self, f"_{split}")

    @functools.cached_property
    def _train(self) -> Examples:
        is_new = not self.text_to_ids.has_vocabulary
        return self._timed(self.text_to_ids.adapt if is_new else self.text_to_ids.encode, "train")

    @functools.cached_property
    def _validation(self) -> Examples:
        return self._timed(self.text_to_ids.encode, "validation")

    @functools.cached_property
    def _test(self) -> Examples:
        return self._timed(self.text_to_ids.encode, "test")

    def _timed(self, tokenize: Callable, split: str) -> Examples:
        start = time.perf_counter()
        texts_and_labels = getattr(self.dataset, split)
        examples = self._make_examples(tokenize(texts_and_labels.texts), texts_and_labels)
        self.seconds["tokenizing"] += time.perf_counter() - start
        return examples

    @abc.abstractmethod
    def _make_examples(self, sequences: TokenSequences, split) -> Examples:
        """Puts token ids and what the dataset knows of them together."""

    # What a model is asked

    @abc.abstractmethod
    def model_arguments(self) -> dict[str, Any]:
        """The arguments that every factory needs to know of the task: `zoo.LSTM(**...)`."""

    def batch(self, examples: Examples, indices: np.ndarray):
        """Some examples as `train_on_batch` takes them.

        Returns:
            (inputs, targets, weights): ids `int32` (B, T), padded right with 0; targets; and the
            weight of each target in the loss, or None where all weigh the same.
        """
        inputs = examples.sequences.padded(indices, multiple_of=_WIDTH_MULTIPLE)
        return inputs, examples.targets[indices], None

    @abc.abstractmethod
    def loss(self):
        """The Keras loss of logits."""

    @abc.abstractmethod
    def metrics(self) -> list:
        """The Keras metrics that are shown while training."""

    @abc.abstractmethod
    def evaluate(self, predict: Callable, examples: Examples, batch_size: int) -> "Evaluation":
        """Scores a whole split.

        Args:
            predict: inputs of a batch -> logits, as a NumPy array.
            examples: the split.
            batch_size: examples a call; the scores do not depend on it.
        """

    def class_weights(self, examples: Examples, weights: str | Mapping | None) -> np.ndarray | None:
        """The weight of each class, (C,), or None where the task has no classes."""
        del examples
        if weights is not None:
            raise ValueError(f"{self.name} has no classes to weigh.")
        return None

    def optimum(self) -> dict[str, float] | None:
        """The best possible test scores, by the names of `evaluate`, where they are known."""
        return None

    # Config

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """What makes the task again, without its dataset, as JSON can hold it."""

    @classmethod
    @abc.abstractmethod
    def from_config(cls, config: Mapping[str, Any], dataset: TextDataset | None = None) -> "Task":
        """The task that `get_config` told of."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How a model did on a split.

    Attributes:
        scores: metrics by name; floats, or None where one is not defined.
        details: further facts that JSON can hold, such as a confusion matrix.
    """

    scores: dict[str, float | None]
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
