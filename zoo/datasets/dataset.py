"""`Split`: named columns of examples. `TextDataset`: the splits that every dataset returns."""

import dataclasses
import functools
import hashlib
import os
import re
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.audit import Audit, count_duplicates
from zoo.datasets.similar import count_contradictions, count_near_duplicates
from zoo.utils.text import list_names


class DatasetError(ValueError):
    """Data or arguments cannot be used. The message says what was expected and what was found."""


# The kinds of columns: strings, indices into `TextDataset.label_names`, float32 numbers.
KINDS = ("text", "category", "number")


class Split:
    """Named columns of N examples.

    A column has one of three kinds: `"text"`, a sequence of N strings; `"category"`, an `int32`
    array (N,) of indices into `TextDataset.label_names`; `"number"`, a `float32` array (N,). Lists
    of numbers and arrays of other types are converted.

    Args:
        columns: Mapping from a column's name to its values.

    Attributes:
        columns: The same mapping, after conversion.

    Raises:
        ValueError: If the columns differ in length.

    Example:
    >>> split = zoo.datasets.Split({"text": ["Fine.", "Dull."], "label": [1, 0]})
    >>> len(split), split["text"], split.kinds
    (2, ['Fine.', 'Dull.'], {'text': 'text', 'label': 'category'})
    """

    def __init__(self, columns: Mapping[str, Any]):
        self.columns = {name: _as_column(values) for name, values in columns.items()}
        if len({len(values) for values in self.columns.values()}) > 1:
            lengths = ", ".join(f"{name} {len(v):,}" for name, v in self.columns.items())
            raise ValueError(f"The columns of a split must be equally long; they are: {lengths}.")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def __repr__(self) -> str:
        return f"Split({', '.join(self.columns) or 'no columns'}: {len(self):,} examples)"

    @property
    def kinds(self) -> dict[str, str]:
        """Mapping from a column's name to its kind: "text", "category" or "number"."""
        return {name: _kind_of(values) for name, values in self.columns.items()}

    @property
    def texts(self) -> Sequence[Hashable]:
        """The text of each example; a tuple of texts if there are several text columns."""
        texts = self.of_kind("text")
        return texts[0] if len(texts) == 1 else list(zip(*texts, strict=True))

    def of_kind(self, kind: str) -> list[Any]:
        """The values of all columns of one kind."""
        return [values for values in self.columns.values() if _kind_of(values) == kind]

    def take(self, indices: Sequence[int] | np.ndarray) -> "Split":
        """Returns the examples at `indices`, in that order."""
        return Split(
            {
                name: values[indices]
                if isinstance(values, np.ndarray)
                else [values[i] for i in indices]
                for name, values in self.columns.items()
            }
        )


def _as_column(values) -> Sequence[str] | np.ndarray:
    if isinstance(values, (str, bytes, Mapping)):
        raise ValueError(
            "The values of a column must be a list, an array or another iterable; they are of type "
            f"{type(values).__name__}."
        )
    if not hasattr(values, "__len__"):
        values = list(values)  # A generator, which can be read once.
    if not isinstance(values, np.ndarray):
        if not len(values) or isinstance(values[0], str):
            return values
        values = np.asarray(values)
    if values.dtype.kind in "iub":
        return values.astype("int32", copy=False)
    return values.astype("float32", copy=False) if values.dtype.kind == "f" else values.tolist()


def _kind_of(values: Sequence[str] | np.ndarray) -> str:
    if not isinstance(values, np.ndarray):
        return "text"
    return "category" if values.dtype.kind == "i" else "number"


@dataclasses.dataclass(frozen=True)
class BestPossible:
    """The best scores that any model can reach, for data from a known distribution.

    Attributes:
        accuracy: Expected accuracy of the Bayes classifier.
        loss: Expected cross-entropy of the Bayes classifier, in nats per text.
        accuracy_on_test: Accuracy of the Bayes classifier on this test split.
        nats_per_token: Cross-entropy of the test texts under their true distribution, in nats per
            token (words, punctuation and one end token per text).
        nats_per_character: The same in nats per character (the end token counts as one).
    """

    accuracy: float
    loss: float
    accuracy_on_test: float
    nats_per_token: float
    nats_per_character: float


class TextDataset:
    """Train, validation and test splits, and optionally a split of unlabelled texts.

    Args:
        name: Name in reports and on the command line.
        train, validation, test: The splits. No example of train is in validation.
        label_names: The name of each class; None if there is no category column.
        unlabelled: Function that reads a split of texts only. It is called at most once.
        is_continuous: True if each split is one excerpt of a continuous text, False if it consists
            of documents. An excerpt has no start and end to be learned.
        audit: Counts of defective texts. Duplicates and contradictory labels are counted on first
            use if the audit has no counts of them.
        best_possible: The best possible scores, if they are known.
        arguments: Arguments that create the dataset again:
            `zoo.datasets.load(name, **arguments)`.
        seconds: Seconds that reading took.

    Example:
    >>> split = zoo.datasets.Split({"text": ["Fine.", "Dull."], "label": [1, 0]})
    >>> zoo.datasets.TextDataset(
    ...     "two", train=split, validation=split, test=split, label_names=["negative", "positive"]
    ... )
    TextDataset('two': train 2, validation 2, test 2; labels 'negative', 'positive')
    """

    def __init__(
        self,
        name: str,
        *,
        train: Split,
        validation: Split,
        test: Split,
        label_names: Sequence[str] | None = None,
        unlabelled: Callable[[], Split] | None = None,
        is_continuous: bool = False,
        audit: Audit | None = None,
        best_possible: BestPossible | None = None,
        arguments: Mapping | None = None,
        seconds: float = 0.0,
    ):
        self.name = name
        self.train = train
        self.validation = validation
        self.test = test
        self.label_names = None if label_names is None else tuple(label_names)
        self.is_continuous = is_continuous
        self._audit = audit or Audit()
        self.best_possible = best_possible
        self.arguments = dict(arguments or {})
        self.seconds = seconds
        self._read_unlabelled = unlabelled

    @functools.cached_property
    def audit(self) -> Audit:
        """Counts of defective texts."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        texts = {name: split.texts for name, split in splits.items()}
        counts = dataclasses.asdict(self._audit)
        if self._audit.duplicates is None:
            counts["duplicates"] = count_duplicates(texts)
        if self._audit.near_duplicates is None:
            counts["near_duplicates"] = count_near_duplicates(texts)
        if self._audit.contradictions is None:
            counts["contradictions"] = count_contradictions(
                [(texts[name], split.of_kind("category")[:1]) for name, split in splits.items()]
            )
        return Audit(**counts)

    @property
    def columns(self) -> dict[str, str]:
        """Mapping from a column's name to its kind: "text", "category" or "number"."""
        return self.train.kinds

    def check_columns(self, columns: Mapping[str, str]) -> None:
        """Raises a `DatasetError` unless the dataset has these columns, given as name -> kind."""
        for name, kind in columns.items():
            if self.columns.get(name) != kind:
                found = ", ".join(f"{n!r} ({k})" for n, k in self.columns.items())
                raise DatasetError(
                    f"{self.name} has no column {name!r} of kind {kind}: its columns are {found}."
                )

    @functools.cached_property
    def unlabelled(self) -> Split:
        """Texts without labels; empty if the dataset has none."""
        if self._read_unlabelled is not None:
            return self._read_unlabelled()
        return Split({name: [] for name, kind in self.columns.items() if kind == "text"})

    def texts_for_language_modelling(self) -> tuple[list[str], int]:
        """Returns the training texts of a language model: train, followed by the unlabelled texts.

        Texts that are also in validation or test are removed, because a model scores too well on
        texts that it has memorized. Duplicates among the training texts are kept.

        Returns:
            (texts, number of texts removed).

        Raises:
            DatasetError: If no text is left.
        """
        held_out = {*self.validation["text"], *self.test["text"]}
        candidates = [*self.train["text"], *self.unlabelled["text"]]
        texts = [text for text in candidates if text not in held_out]
        if not texts:
            raise DatasetError(
                f"{self.name} has no training text: expected at least one that is not in "
                f"validation or test, found none among {len(candidates):,}."
            )
        return texts, len(candidates) - len(texts)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of all columns of the three splits and of their order."""
        digest = hashlib.blake2b(digest_size=16)
        for split in (self.train, self.validation, self.test):
            # Texts first, then numbers, each by name.
            for _, name in sorted((k != "text", name) for name, k in split.kinds.items()):
                if name not in ("text", "label"):
                    digest.update(f"column {name}".encode())
                _digest_column(digest, split[name])
            digest.update(b"end of split")
        return digest.hexdigest()

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{name} {len(getattr(self, name)):,}" for name in ("train", "validation", "test")
        )
        names = self.label_names
        labels = "" if names is None else f"; labels {list_names(names, limit=5)}"
        return f"TextDataset({self.name!r}: {sizes}{labels})"


def _digest_column(digest, values: Sequence[str] | np.ndarray) -> None:
    if isinstance(values, np.ndarray):
        digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
        return
    for text in values:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)


def absolute_path(path: str | os.PathLike) -> Path:
    """Returns the path independent of the working directory, for a dataset's arguments.

    Raises:
        DatasetError: For an address such as "gs://bucket/file", which is no path.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", os.fspath(path)) and not os.path.exists(path):
        raise DatasetError(
            f"The data must be files on this machine; {os.fspath(path)!r} is an address: download "
            "it first."
        )
    return Path(os.path.abspath(os.path.expanduser(path)))


def timed(read: Callable[..., TextDataset]) -> Callable[..., TextDataset]:
    """Decorates a function to set `seconds` of the dataset that it returns."""

    @functools.wraps(read)
    def read_in_time(*positional, **arguments):
        start = time.perf_counter()
        dataset = read(*positional, **arguments)
        dataset.seconds = time.perf_counter() - start
        return dataset

    return read_in_time
