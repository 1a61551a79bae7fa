"""The examples of a dataset as a task reads them: tokenized once, split by split."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from zoo.datasets import TextDataset
from zoo.preprocessing import TokenSequences
from zoo.tasks.checks import check_texts, check_tokens

SPLITS = ("train", "validation", "test")


class AnyExamples(Protocol):
    """The examples of a split, as training reads them."""

    def __len__(self) -> int: ...

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each example, (N,)."""

    @property
    def sequences(self) -> TokenSequences:
        """The token ids of the texts that the examples are made of."""

    def take(self, indices: np.ndarray) -> "AnyExamples":
        """The examples at `indices`, in that order."""


@dataclasses.dataclass(frozen=True)
class Examples:
    """Token ids and one target per text.

    Attributes:
        sequences: N sequences of token ids.
        targets: (N,), or None if the tokens are their own targets.
        texts: N texts, for the analysis of errors; or None.
    """

    sequences: TokenSequences
    targets: Any = None
    texts: Sequence[str] | None = dataclasses.field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each example, (N,)."""
        return self.sequences.lengths

    def take(self, indices: np.ndarray) -> "Examples":
        """The examples at `indices`, in that order."""
        return Examples(
            self.sequences.take(indices),
            None if self.targets is None else self.targets[indices],
            None if self.texts is None else [self.texts[index] for index in indices],
        )


class TaskData:
    """The examples of a dataset, each split tokenized when it is first requested.

    Args:
        dataset: where the texts come from.
        text_to_ids: a `TextToIds`; one without a vocabulary is adapted to the training split.
        target: the column with the target of each text; None if the tokens are the targets.

    Attributes:
        seconds: the time that reading and tokenizing took so far.
    """

    def __init__(self, dataset: TextDataset, text_to_ids, target: str | None = None):
        self.dataset = dataset
        self.text_to_ids = text_to_ids
        self.target = target
        self.seconds = {"reading": dataset.seconds, "tokenizing": 0.0}
        self._examples: dict[str, Any] = {}
        self._measures: dict[str, tuple[int, Mapping[bytes, int]]] = {}

    def examples(self, split: str) -> Any:
        """The examples of `"train"`, `"validation"` or `"test"`."""
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}; it is {split!r}.")
        if split not in self._examples:
            if split != "train" and self.text_to_ids.table is None:
                self.examples("train")  # The vocabulary comes from the training split.
            start = time.perf_counter()
            texts = self.texts(split)
            read = time.perf_counter()
            has_vocabulary = self.text_to_ids.table is not None
            tokenize = self.text_to_ids.encode if has_vocabulary else self.text_to_ids.adapt
            self._examples[split] = self.make_examples(tokenize(texts), split)
            self.seconds["reading"] += read - start
            self.seconds["tokenizing"] += time.perf_counter() - read
        return self._examples[split]

    def is_read(self, split: str) -> bool:
        """Whether the examples of a split have been made."""
        return split in self._examples

    def texts(self, split: str) -> Sequence[str]:
        """The texts that the examples of a split are made of."""
        return getattr(self.dataset, split)["text"]

    def targets(self, split: str) -> Any:
        """The target of each text of a split, (N,); None if the tokens are the targets."""
        return None if self.target is None else getattr(self.dataset, split)[self.target]

    def make_examples(self, sequences: TokenSequences, split: str) -> AnyExamples:
        """The examples of a split, from the token ids of its texts."""
        return Examples(sequences, self.targets(split), self.texts(split))

    def epoch_examples(self, seed: int, epoch: int) -> AnyExamples:
        """The training examples of an epoch, a function of seed and epoch; by default all."""
        del seed, epoch
        return self.examples("train")

    def check(self, splits: Sequence[str] = SPLITS) -> list[str]:
        """Checks the dataset before a fit.

        Args:
            splits: the splits that are needed, `"train"` among them.

        Returns:
            Warnings, one sentence each.

        Raises:
            DatasetError: if nothing can be learned or a split cannot be scored.
        """
        check_texts({name: self.texts(name) for name in splits})
        return [
            *self.dataset.audit.sentences(),
            *check_tokens(self.examples("train").sequences),
        ]

    def measure(self, split: str) -> tuple[int, Mapping[bytes, int]]:
        """Number of characters of a split, and its words without an id with their counts.

        The end of a text counts as a character where it is a token.
        """
        if split not in self._measures:
            texts = self.texts(split)
            num_characters, unknown = self.text_to_ids.measure(texts)
            ends = len(texts) if self.text_to_ids.add_end else 0
            self._measures[split] = (num_characters + ends, unknown)
        return self._measures[split]

    def notes(self) -> list[str]:
        """Sentences about how the dataset was used, for the report."""
        return []
