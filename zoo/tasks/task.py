"""What every task is: what a model is asked, and how its answers are scored."""

import abc
import dataclasses
import functools
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from zoo.datasets import TextDataset
from zoo.preprocessing import TokenSequences
from zoo.tasks.checks import check_texts, check_tokens
from zoo.tasks.metric import Metric

SPLITS = ("train", "validation", "test")

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
    """What a model answers is no number, or an infinite one, and cannot be scored."""


class AnyExamples(Protocol):
    """What the routine needs to know of a task's examples."""

    def __len__(self) -> int: ...

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, (N,)."""

    @property
    def sequences(self) -> TokenSequences:
        """The ids of the texts that the examples are made of."""

    def take(self, indices: np.ndarray) -> "AnyExamples":
        """The examples at `indices`, in that order."""


@dataclasses.dataclass(frozen=True)
class Examples:
    """The examples of a split: token ids, and what is to be said of each.

    Attributes:
        sequences: N sequences of token ids.
        targets: (N,), or None where the tokens are their own targets.
        texts: N texts, to tell of the kinds of text that a model fails on; or None.
    """

    sequences: TokenSequences
    targets: Any = None
    texts: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, (N,)."""
        return self.sequences.lengths

    def take(self, indices: np.ndarray) -> "Examples":
        """The examples at `indices`, in that order."""
        return Examples(
            self.sequences.take(indices),
            None if self.targets is None else self.targets[indices],
            None if self.texts is None else [self.texts[index] for index in indices],
        )


class Task(abc.ABC):
    """Examples of a dataset as a model sees them, with loss and metrics.

    A task is made with a dataset to fit on, or without one, read back from a run, to be used.

    Args:
        text_to_ids: a `TextToIds`, how texts are read; without a vocabulary it is adapted on the
            training split, and on nothing else, when that is first wanted.
        dataset: where the examples come from; None for use alone.

    A subclass has a class method `from_dataset(dataset, *, ...)` too, whose keyword arguments are
    the options of the task.

    Attributes:
        name: how the task is called on the command line.
        head: the head that it asks of a model, one of `zoo.models.heads.HEADS`.
        serving: the kind of its SavedModel, the name of a module in `zoo.serving`.
        pipeline: what `zoo.pipeline` calls it, the name that is usual elsewhere.
        columns: the columns that it reads of a dataset: the kind of each by its name, `"text"`,
            `"category"` or `"number"`, see `zoo.datasets.Split`.
        metrics: the scores of `evaluate`, exactly one of them the main one.
        monitor: the validation metric that early stopping and the best weights go by, and
            `"min"` or `"max"`.
        default_dataset: the name of the dataset that is taken where nobody names one.
        suggested_optimizer: the name of the optimizer that is taken where nobody names one.
        suggested_steps: how many steps a fit takes where nobody says how many epochs.
        seconds: what reading and tokenizing took, so far.
    """

    name: str
    head: str
    serving: str
    pipeline: str
    columns: ClassVar[Mapping[str, str]]
    metrics: tuple[Metric, ...]
    monitor: tuple[str, str]
    default_dataset: str
    suggested_optimizer: str
    suggested_steps: int

    def __init__(self, text_to_ids, dataset: TextDataset | None = None):
        if dataset is not None:
            dataset.check_columns(self.columns)
        self.text_to_ids = text_to_ids
        self.dataset = dataset
        self.seconds = {"reading": dataset.seconds if dataset else 0.0, "tokenizing": 0.0}

    # Examples

    def examples(self, split: str) -> Any:
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
    def _train(self) -> AnyExamples:
        is_new = self.text_to_ids.table is None
        return self._timed(self.text_to_ids.adapt if is_new else self.text_to_ids.encode, "train")

    @functools.cached_property
    def _validation(self) -> AnyExamples:
        return self._timed(self.text_to_ids.encode, "validation")

    @functools.cached_property
    def _test(self) -> AnyExamples:
        return self._timed(self.text_to_ids.encode, "test")

    def _timed(self, tokenize: Callable, split: str) -> AnyExamples:
        start = time.perf_counter()
        texts = self.texts(split)
        read = time.perf_counter()
        examples = self._make_examples(tokenize(texts), split)
        self.seconds["reading"] += read - start
        self.seconds["tokenizing"] += time.perf_counter() - read
        return examples

    def texts(self, split: str) -> Sequence[str]:
        """The texts that the examples of a split are made of."""
        return getattr(self.dataset, split)["text"]

    @abc.abstractmethod
    def _make_examples(self, sequences: TokenSequences, split: str) -> AnyExamples:
        """Puts token ids and what the dataset knows of them together."""

    def epoch_examples(self, seed: int, epoch: int) -> AnyExamples:
        """What an epoch trains on: a function of seed and epoch. By default all of it, as it is."""
        del seed, epoch
        return self.examples("train")

    def check_data(self, splits: Sequence[str] = SPLITS) -> list[str]:
        """Looks for what is wrong with the dataset, before a fit takes long.

        Args:
            splits: those that are wanted, `"train"` among them.

        Returns:
            A sentence for each thing that should be known and does not stop a fit; for the report
            as well.

        Raises:
            DatasetError: where nothing could be learned, or not be scored.
        """
        assert self.dataset is not None
        check_texts({name: self.texts(name) for name in splits})
        return [
            *self.dataset.audit.sentences(),
            *check_tokens(self.examples("train").sequences),
        ]

    # What a model is asked

    @abc.abstractmethod
    def model_arguments(self) -> dict[str, Any]:
        """The arguments that every factory needs to know of the task: `zoo.LSTM(**...)`."""

    def batch(
        self,
        examples: Any,
        indices: np.ndarray,
        *,
        model=None,
        random: np.random.Generator | None = None,
    ):
        """Some examples as `train_on_batch` takes them.

        Args:
            examples: all of them.
            indices: which, (B,).
            model: the model that reads them, whose `pack` makes the inputs of a task that
                continues texts; other tasks ignore it.
            random: for what is drawn anew in training; None in evaluation, where nothing is.

        Returns:
            (inputs, targets, weights): ids `int32` (B, T), padded right with 0; targets; and the
            weight of each target in the loss, or None where all weigh the same.
        """
        del model, random
        inputs = examples.sequences.padded(indices, multiple_of=WIDTH_MULTIPLE)
        return inputs, examples.targets[indices], None

    def training_model(self, model):
        """What is fitted so that `model` learns: the model itself, or a Keras model around it.

        It shares the model's weights. Its inputs are those of a training batch, see `batch`: a dict
        in which the model's own are called `inputs`.
        """
        return model

    @abc.abstractmethod
    def loss(self):
        """The Keras loss of logits."""

    @abc.abstractmethod
    def training_metrics(self) -> list:
        """The Keras metrics that are shown while training."""

    @abc.abstractmethod
    def evaluate(self, model, examples: Any, batch_size: int) -> "Evaluation":
        """Scores a whole split.

        Args:
            model: a Keras model, inputs of a batch -> logits.
            examples: the split.
            batch_size: examples a call, at most; the scores do not depend on it.

        Raises:
            NotFiniteError: where the model's answers are no finite numbers.
        """

    def calibrate(self, model, validation: Any, batch_size: int) -> bool:
        """Makes a fitted model as sure as it is right, by the validation split.

        Args:
            model, validation, batch_size: see `evaluate`.

        Returns:
            Whether the model was changed; by default it is not.
        """
        del model, validation, batch_size
        return False

    def class_weights(self, examples: Examples, weights: str | Mapping | None) -> np.ndarray | None:
        """The weight of each class, (C,), or None where the task has no classes."""
        del examples
        if weights is not None:
            raise ValueError(f"{self.name} has no classes to weigh.")
        return None

    def notes(self) -> list[str]:
        """Sentences on what it made of its dataset, for the report."""
        return []

    def best_possible(self) -> dict[str, float] | None:
        """The best possible test scores, by the names of `evaluate`, where they are known."""
        return None

    def reading(self) -> dict[str, Any]:
        """How its texts become ids, for another task that is to share the vocabulary.

        Arguments of `TextToIds`, without those that say how much of a text is read.
        """
        if self.dataset is not None:
            self.examples("train")
        config = self.text_to_ids.get_config()
        return {name: config[name] for name in _READING}

    # Config

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """What makes the task again, without its dataset, as JSON can hold it."""

    @classmethod
    @abc.abstractmethod
    def from_config(cls, config: Mapping[str, Any], dataset: TextDataset | None = None) -> "Task":
        """The task that `get_config` told of."""


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

    return TextToIds(**{**arguments, **(vocabulary_of.reading() if vocabulary_of else {})})


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How a model did on a split.

    Attributes:
        scores: metrics by name; floats, or None where one is not defined.
        details: further facts that JSON can hold, such as a confusion matrix.
        probabilities: of each class (N, C), for a classifier; not part of a report.
    """

    scores: dict[str, float | None]
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    probabilities: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)
