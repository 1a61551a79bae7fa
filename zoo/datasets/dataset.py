"""What every dataset of the zoo is: named splits of texts, with or without labels."""

import dataclasses
import functools
import hashlib
import itertools
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np


class DatasetError(ValueError):
    """What was asked of a dataset cannot be had; it says what was expected and what came."""


@dataclasses.dataclass(frozen=True)
class Split:
    """Texts, and the class of each.

    Attributes:
        texts: N Python strings.
        labels: `int32` array (N,) of indices into `TextDataset.label_names`, or None.
    """

    texts: Sequence[str]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices) -> "Split":
        """The examples at `indices`, in that order."""
        labels = None if self.labels is None else self.labels[indices]
        return Split([self.texts[i] for i in indices], labels)


@dataclasses.dataclass(frozen=True)
class Audit:
    """What was wrong with the texts as they were read. All are counts of texts.

    Attributes:
        empty: texts of nothing but white space; no split holds them.
        wrong_encoding: texts that are not valid UTF-8; they were kept, see `sentences`.
        duplicates: where, and how many: "within train" counts the texts that repeat an earlier
            one, "in both train and test" the different texts that both splits hold.
    """

    empty: int = 0
    wrong_encoding: int = 0
    duplicates: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def sentences(self) -> list[str]:
        """One sentence for each thing found; none for clean data."""
        found = []
        if self.empty:
            found.append(f"Texts left out because they are empty: {self.empty:,}.")
        if self.wrong_encoding:
            found.append(
                "Texts that are not valid UTF-8, their wrong bytes now U+FFFD: "
                f"{self.wrong_encoding:,}."
            )
        for where, count in self.duplicates.items():
            if count:
                found.append(f"Duplicate texts {where}: {count:,}.")
        return found


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
    """Train, validation and test splits of texts, and where there is one an unlabelled split.

    Args:
        name: how the dataset is called in reports and on the command line.
        train, validation, test: the splits. Validation is never part of train.
        label_names: the name of each class, or None for texts without labels.
        unlabelled: a function that reads the texts without labels; called at most once.
        is_continuous: whether each split is one stretch of a running text, without a beginning or
            an end of its own, rather than documents.
        audit: what was wrong with the texts; None counts the duplicates.
        optimum: the best possible scores, where they are known.
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
        self.audit = audit or Audit(
            duplicates=_duplicates({"train": train, "validation": validation, "test": test})
        )
        self.best_possible = best_possible
        self.arguments = dict(arguments or {})
        self.seconds = seconds
        self._read_unlabelled = unlabelled

    @functools.cached_property
    def unlabelled(self) -> Split:
        """Texts without labels; empty where the dataset has none."""
        return Split([]) if self._read_unlabelled is None else self._read_unlabelled()

    def texts_for_language_modelling(self) -> tuple[list[str], int]:
        """All texts that a language model may learn from: those of train, then the unlabelled.

        Texts that validation or test hold as well, exactly equal, are left out: what a model has
        learned by heart it would predict too well. Texts that repeat each other are kept.

        Returns:
            (the texts, in order; how many were left out).

        Raises:
            DatasetError: where none would be left.
        """
        held_out = {*self.validation.texts, *self.test.texts}
        candidates = [*self.train.texts, *self.unlabelled.texts]
        texts = [text for text in candidates if text not in held_out]
        if not texts:
            raise DatasetError(
                f"{self.name} leaves no text to learn from: expected one at least that validation "
                f"and test do not hold as well, found none in {len(candidates):,}."
            )
        return texts, len(candidates) - len(texts)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of the three splits, texts, labels and order: equal data, equal fingerprint."""
        digest = hashlib.blake2b(digest_size=16)
        for split in (self.train, self.validation, self.test):
            for text in split.texts:
                encoded = text.encode("utf-8", "surrogatepass")
                digest.update(len(encoded).to_bytes(8, "little"))
                digest.update(encoded)
            if split.labels is not None:
                digest.update(np.ascontiguousarray(split.labels, dtype="<i4").tobytes())
            digest.update(b"end of split")
        return digest.hexdigest()

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{name} {len(getattr(self, name)):,}" for name in ("train", "validation", "test")
        )
        return f"TextDataset({self.name!r}: {sizes}; labels {self.label_names})"


def repair(text: str) -> str:
    """The text with U+FFFD for each surrogate; the very same object where there is none.

    Surrogates stand for wrong bytes after decoding with `errors="surrogateescape"`, and for half
    a character after a JSON escape; neither can be encoded again.
    """
    try:
        text.encode()  # Much faster than the regular expression, and nearly always enough.
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text


class TextCollector:
    """Gathers the texts of one split as a reader finds them, and counts what is wrong with them.

    A reader decodes with `errors="surrogateescape"`; the bytes that were not UTF-8 are then seen
    here, counted, and become U+FFFD. Texts of nothing but white space are counted and left out.

    Attributes:
        texts: the texts so far.
        labels: what `add` was given as the label of each.
        empty, wrong_encoding: counts of texts, as in `Audit`.
    """

    def __init__(self):
        self.texts: list[str] = []
        self.labels: list = []
        self.empty = 0
        self.wrong_encoding = 0

    def add(self, text: str, label=None) -> None:
        """Takes in one text, unless it is empty."""
        if not text.strip():
            self.empty += 1
            return
        repaired = repair(text)
        self.wrong_encoding += repaired is not text
        self.texts.append(repaired)
        self.labels.append(label)


def audit(collectors: Iterable[TextCollector], **splits: Split) -> Audit:
    """Sums up what the collectors counted, and counts the duplicates in and across named splits."""
    collectors = list(collectors)
    return Audit(
        empty=sum(collector.empty for collector in collectors),
        wrong_encoding=sum(collector.wrong_encoding for collector in collectors),
        duplicates=_duplicates(splits),
    )


def _duplicates(splits: Mapping[str, Split]) -> dict[str, int]:
    """Counts the duplicates in and across splits, as `Audit` has them."""
    different = {name: set(split.texts) for name, split in splits.items()}
    duplicates = {
        f"within {name}": len(split) - len(different[name]) for name, split in splits.items()
    }
    for one, other in itertools.combinations(splits, 2):
        duplicates[f"in both {one} and {other}"] = len(different[one] & different[other])
    return duplicates


def split_off(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Divides a split into what is left for training and what is carved off, for validation say.

    The carve is a function of the texts, their labels, `share` and `seed` alone. It does not
    depend on the order in which the texts were read, keeps the proportion of each class, and puts
    equal texts on the same side, so that validation holds no text that training has seen.

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
        for text in split.texts
    ]
    labels = np.zeros(len(split), "int32") if split.labels is None else split.labels
    carved_places: set[bytes] = set()
    for label in np.unique(labels):
        members = sorted(place[i] for i in np.flatnonzero(labels == label))
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
