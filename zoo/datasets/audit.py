"""Counts of defective texts: empty, not valid UTF-8, duplicate."""

import dataclasses
import itertools
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

# An invalid byte, decoded as a surrogate. Halves of JSON's pairs are others.
_INVALID_BYTE = re.compile("[\udc80-\udcff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_NUM_KEPT = 1000


@dataclasses.dataclass(frozen=True)
class Audit:
    """Numbers of defective texts in a dataset.

    Attributes:
        empty: Texts of white space only; they are removed.
        wrong_encoding: Texts that are not valid UTF-8; they are kept, see `sentences`.
        duplicates: Mapping from a place to a count: "within train" counts the texts that repeat an
            earlier one, "in both train and test" the distinct texts that are in both splits. None:
            `TextDataset` counts them.
        unlabelled: Texts without a label; they are removed.
        notes: Sentences on what else was left out, joined or is in doubt.
        near_duplicates: The same for texts that differ in case, white space and punctuation only,
            see `count_near_duplicates`.
        contradictions: Different texts that have more than one label. None: `TextDataset` counts
            them.

    Example:
    >>> zoo.datasets.Audit(empty=2, duplicates={"within train": 7}).sentences()
    ['Texts left out because they are empty: 2.', 'Duplicate texts within train: 7.']
    """

    empty: int = 0
    wrong_encoding: int = 0
    duplicates: Mapping[str, int] | None = None
    unlabelled: int = 0
    notes: Sequence[str] = ()
    near_duplicates: Mapping[str, int] | None = None
    contradictions: int | None = None

    @classmethod
    def of(cls, collectors: Iterable["TextCollector"]) -> "Audit":
        """Returns the sums of the counts of several collectors."""
        collectors = list(collectors)
        return cls(
            empty=sum(collector.empty for collector in collectors),
            unlabelled=sum(collector.unlabelled for collector in collectors),
            wrong_encoding=sum(collector.wrong_encoding for collector in collectors),
            notes=tuple(dict.fromkeys(note for each in collectors for note in each.notes)),
        )

    def sentences(self) -> list[str]:
        """Returns a sentence for each count above zero, and the notes."""
        found = []
        if self.empty:
            found.append(f"Texts left out because they are empty: {self.empty:,}.")
        if self.unlabelled:
            found.append(f"Texts left out because they have no label: {self.unlabelled:,}.")
        if self.wrong_encoding:
            found.append(
                "Texts that are not valid UTF-8, their wrong bytes now U+FFFD: "
                f"{self.wrong_encoding:,}."
            )
        found += self.notes
        for where, count in (self.duplicates or {}).items():
            if count:
                found.append(f"Duplicate texts {where}: {count:,}.")
        for where, count in (self.near_duplicates or {}).items():
            if count:
                found.append(
                    f"Near duplicates {where}, equal but for case, white space and punctuation: "
                    f"{count:,}."
                )
        if self.contradictions:
            found.append(f"Texts that have more than one label: {self.contradictions:,}.")
        return found


def repair(text: str) -> str:
    """Replaces surrogates by U+FFFD. Returns the same object if there are none.

    A surrogate is an invalid byte, decoded with `errors="surrogateescape"`, or half of a pair of
    JSON escapes. Neither can be encoded.
    """
    try:
        text.encode()  # Faster than the regular expression.
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text


class TextCollector:
    """Collects the examples of one split and counts defective ones.

    Readers decode an invalid byte as a surrogate: such texts are counted here and the surrogates
    replaced by U+FFFD. Examples with an empty text or without a label are counted and removed.

    Args:
        columns: Mapping from a column's name to its kind, see `Split`.

    Attributes:
        columns: The same names, each with the list of its values.
        empty, unlabelled, wrong_encoding: See `Audit`.
        notes: See `Audit`; readers add to them.
        is_plain_text: Whether the one text is a file of plain text; a reader says so.
        not_ascii: Number of texts that are not ASCII.
        misread: Number of texts in which most characters that are not ASCII are invalid bytes.
        invalid_bytes: The first of these texts, as bytes.
    """

    def __init__(self, columns: Mapping[str, str]):
        self.columns: dict[str, list] = {name: [] for name in columns}
        self.empty = self.unlabelled = self.wrong_encoding = 0
        self.not_ascii = self.misread = 0
        self.notes: list[str] = []
        self.invalid_bytes: list[bytes] = []
        self.is_plain_text = False
        self._kinds = list(columns.values())

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def add(self, *values: Any) -> None:
        """Adds an example, one value per column, unless a text is empty or a label is None."""
        kinds = self._kinds
        if any(k == "text" and not v.strip() for k, v in zip(kinds, values, strict=True)):
            self.empty += 1
            return
        if any(k == "category" and v is None for k, v in zip(kinds, values, strict=True)):
            self.unlabelled += 1
            return
        for column, kind, value in zip(self.columns.values(), kinds, values, strict=True):
            column.append(self._repaired(value) if kind == "text" else value)

    def relabel(self, column: str, name: Callable[[str], str | None]) -> None:
        """Renames the labels of a column; removes the examples whose label becomes None."""
        labels = [name(label) for label in self.columns[column]]
        self.unlabelled += labels.count(None)
        self.columns[column] = labels
        for other, values in self.columns.items():
            kept = [v for v, label in zip(values, labels, strict=True) if label is not None]
            self.columns[other] = kept

    def _repaired(self, text: str) -> str:
        if text.isascii():
            return text
        self.not_ascii += 1
        repaired = repair(text)
        if repaired is not text:
            self.wrong_encoding += 1
            invalid = _INVALID_BYTE.findall(text)
            if len(invalid) >= len(_NOT_ASCII.findall(text)) / 2:
                self.misread += 1
                if len(self.invalid_bytes) < _NUM_KEPT:
                    self.invalid_bytes.append(text.encode("utf-8", "surrogateescape"))
        return repaired


def count_duplicates(splits: Mapping[str, Sequence[Hashable]]) -> dict[str, int]:
    """Counts duplicates within and across named splits, see `Audit.duplicates`."""
    different = {name: set(texts) for name, texts in splits.items()}
    duplicates = {
        f"within {name}": len(texts) - len(different[name]) for name, texts in splits.items()
    }
    for one, other in itertools.combinations(splits, 2):
        duplicates[f"in both {one} and {other}"] = len(different[one] & different[other])
    return duplicates
