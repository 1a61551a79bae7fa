"""What every dataset of the zoo is: splits of named columns, one of texts at least."""

import dataclasses
import functools
import hashlib
import os
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.audit import Audit, count_duplicates


class DatasetError(ValueError):
    """What was asked of a dataset cannot be had; it says what was expected and what came."""


# What a column holds: strings, indices into `TextDataset.label_names`, or float32 numbers.
KINDS = ("text", "category", "number")


class Split:
    """Named columns of N examples.

    A column is a sequence of N Python strings, or an array (N,): `int32` for categories, indices
    into `TextDataset.label_names`, or `float32` for numbers. Lists of numbers and arrays of other
    types are converted.

    Args:
        columns: the values of each column by its name: `{"text": [...], "label": [...]}`.

    Attributes:
        columns: the same, with arrays where values are numbers.

    Raises:
        ValueError: where one column is longer than another.
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
        """The kind of each column by its name: "text", "category" or "number"."""
        return {name: _kind_of(values) for name, values in self.columns.items()}

    @property
    def texts(self) -> Sequence[Hashable]:
        """The text of each example: a string, or a tuple where there are several text columns."""
        texts = self.of_kind("text")
        return texts[0] if len(texts) == 1 else list(zip(*texts, strict=True))

    def of_kind(self, kind: str) -> list[Any]:
        """The columns of one kind."""
        return [values for values in self.columns.values() if _kind_of(values) == kind]

    def take(self, indices: Sequence[int] | np.ndarray) -> "Split":
        """The examples at `indices`, in that order."""
        return Split(
            {
                name: values[indices]
                if isinstance(values, np.ndarray)
                else [values[i] for i in indices]
                for name, values in self.columns.items()
            }
        )


def _as_column(values) -> Sequence[str] | np.ndarray:
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
    """The best that any model can do, known where we wrote the process that makes the texts.

    Attributes:
        accuracy: the expected accuracy of the best classifier.
        loss: its expected cross-entropy, in nats a text.
        accuracy_on_test: what the best classifier gets on this very test split.
        nats_per_token: the true cross-entropy of the test texts, in nats a token
            (words, punctuation and one end token a text), for language models.
        nats_per_character: the same, a character (one end token a text counted as one).
    """

    accuracy: float
    loss: float
    accuracy_on_test: float
    nats_per_token: float
    nats_per_character: float


class TextDataset:
    """Train, validation and test splits, and where there is one a split of unlabelled texts.

    Args:
        name: how the dataset is called in reports and on the command line.
        train, validation, test: the splits. Validation is never part of train.
        label_names: the name of each class, or None where no column is of categories.
        unlabelled: a function that reads a split of texts alone; called at most once.
        is_continuous: whether each split is one stretch of a running text, without a beginning or
            an end of its own, rather than documents.
        audit: what was wrong with the texts; duplicates are counted where it does not say them.
        best_possible: the best possible scores, where they are known.
        arguments: what makes the dataset again: `zoo.datasets.load(name, **arguments)`.
        seconds: what reading took, for reports.
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
        self.audit = audit or Audit()
        if self.audit.duplicates is None:
            texts = {"train": train.texts, "validation": validation.texts, "test": test.texts}
            self.audit = dataclasses.replace(self.audit, duplicates=count_duplicates(texts))
        self.best_possible = best_possible
        self.arguments = dict(arguments or {})
        self.seconds = seconds
        self._read_unlabelled = unlabelled

    @property
    def columns(self) -> dict[str, str]:
        """The kind of each column by its name: "text", "category" or "number"."""
        return self.train.kinds

    def check_columns(self, columns: Mapping[str, str]) -> None:
        """Raises a `DatasetError` for the first column, by name and kind, that it does not have."""
        for name, kind in columns.items():
            if self.columns.get(name) != kind:
                found = ", ".join(f"{n!r} ({k})" for n, k in self.columns.items())
                raise DatasetError(
                    f"{self.name} has no column {name!r} of kind {kind}: its columns are {found}."
                )

    @functools.cached_property
    def unlabelled(self) -> Split:
        """Texts alone; empty where the dataset has none."""
        if self._read_unlabelled is not None:
            return self._read_unlabelled()
        return Split({name: [] for name, kind in self.columns.items() if kind == "text"})

    def texts_for_language_modelling(self) -> tuple[list[str], int]:
        """All texts that a language model may learn from: those of train, then the unlabelled.

        Texts that validation or test hold as well, exactly equal, are left out: what a model has
        learned by heart it would predict too well. Texts that repeat each other are kept.

        Returns:
            (the texts, in order; how many were left out).

        Raises:
            DatasetError: where none would be left.
        """
        held_out = {*self.validation["text"], *self.test["text"]}
        candidates = [*self.train["text"], *self.unlabelled["text"]]
        texts = [text for text in candidates if text not in held_out]
        if not texts:
            raise DatasetError(
                f"{self.name} leaves no text to learn from: expected one at least that validation "
                f"and test do not hold as well, found none in {len(candidates):,}."
            )
        return texts, len(candidates) - len(texts)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of all columns of the three splits, in order: equal data, equal fingerprint."""
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
        return f"TextDataset({self.name!r}: {sizes}; labels {self.label_names})"


def _digest_column(digest, values: Sequence[str] | np.ndarray) -> None:
    if isinstance(values, np.ndarray):
        digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
        return
    for text in values:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)


def split_off(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Divides a split into what is left for training and what is carved off, for validation say.

    The carve is a function of the texts, their categories, `share` and `seed` alone. It does not
    depend on the order in which the texts were read, keeps the proportion of each class, and puts
    equal texts on the same side, so that validation holds no text that training has seen. Of
    several text columns the first one counts.

    Args:
        split: what to divide.
        share: the part to carve off, above 0 and below 1.
        seed: another seed carves another part.

    Returns:
        (rest, carved), each in the order of `split`.

    Raises:
        DatasetError: where `share` is out of range, or either side would be empty.
    """
    if not 0 < share < 1:
        raise DatasetError(f"The share to carve off must lie between 0 and 1, not be {share}.")
    key = int(seed).to_bytes(8, "little", signed=True)
    place = [
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
        for text in split.of_kind("text")[0]
    ]
    # One stratum for each combination of classes.
    categories = np.stack([np.zeros(len(split), "int32"), *split.of_kind("category")])
    _, strata = np.unique(categories, axis=1, return_inverse=True)
    carved_places: set[bytes] = set()
    for stratum in np.unique(strata):
        members = sorted(place[i] for i in np.flatnonzero(strata == stratum))
        carved_places.update(members[: round(share * len(members))])
    is_carved = np.array([p in carved_places for p in place], bool)
    if is_carved.all() or not is_carved.any():
        raise DatasetError(f"{len(split)} texts are too few to carve off a share of {share}.")
    return split.take(np.flatnonzero(~is_carved)), split.take(np.flatnonzero(is_carved))


def absolute_path(path: str | os.PathLike) -> Path:
    """The path as it stays true from every working directory, for a dataset's arguments."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def timed(read: Callable[..., TextDataset]) -> Callable[..., TextDataset]:
    """Notes in the dataset that a function makes how long it took."""

    @functools.wraps(read)
    def read_in_time(*positional, **arguments):
        start = time.perf_counter()
        dataset = read(*positional, **arguments)
        dataset.seconds = time.perf_counter() - start
        return dataset

    return read_in_time
