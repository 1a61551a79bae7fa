"""Counts of defective texts: empty, not valid UTF-8, duplicate."""

import dataclasses
import itertools
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Audit:
    """Numbers of defective texts in a dataset.

    Attributes:
        empty: Texts of white space only; they are removed.
        wrong_encoding: Texts that are not valid UTF-8; they are kept, see `sentences`.
        duplicates: Mapping from a place to a count: "within train" counts the texts that repeat an
            earlier one, "in both train and test" the distinct texts that are in both splits. None:
            `TextDataset` counts them.

    Example:
    >>> zoo.datasets.Audit(empty=2, duplicates={"within train": 7}).sentences()
    ['Texts left out because they are empty: 2.', 'Duplicate texts within train: 7.']
    """

    empty: int = 0
    wrong_encoding: int = 0
    duplicates: Mapping[str, int] | None = None

    @classmethod
    def of(cls, collectors: Iterable["TextCollector"]) -> "Audit":
        """Returns the sums of the counts of several collectors."""
        collectors = list(collectors)
        return cls(
            empty=sum(collector.empty for collector in collectors),
            wrong_encoding=sum(collector.wrong_encoding for collector in collectors),
        )

    def sentences(self) -> list[str]:
        """Returns a sentence for each count above zero."""
        found = []
        if self.empty:
            found.append(f"Texts left out because they are empty: {self.empty:,}.")
        if self.wrong_encoding:
            found.append(
                "Texts that are not valid UTF-8, their wrong bytes now U+FFFD: "
                f"{self.wrong_encoding:,}."
            )
        for where, count in (self.duplicates or {}).items():
            if count:
                found.append(f"Duplicate texts {where}: {count:,}.")
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

    Readers decode with `errors="surrogateescape"`: invalid bytes are counted here and replaced by
    U+FFFD. Examples with an empty text are counted and removed.

    Args:
        columns: Mapping from a column's name to its kind, see `Split`.

    Attributes:
        columns: Mapping from a column's name to the list of its values.
        empty, wrong_encoding: See `Audit`.
    """

    def __init__(self, columns: Mapping[str, str]):
        self.columns: dict[str, list] = {name: [] for name in columns}
        self.empty = 0
        self.wrong_encoding = 0
        self._is_text = [kind == "text" for kind in columns.values()]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def add(self, *values: Any) -> None:
        """Adds an example, one value per column, unless a text is empty."""
        if any(is_text and not v.strip() for is_text, v in zip(self._is_text, values, strict=True)):
            self.empty += 1
            return
        for column, is_text, value in zip(
            self.columns.values(), self._is_text, values, strict=True
        ):
            if is_text:
                repaired = repair(value)
                self.wrong_encoding += repaired is not value
                value = repaired
            column.append(value)


def count_duplicates(splits: Mapping[str, Sequence[Hashable]]) -> dict[str, int]:
    """Counts duplicates within and across named splits, see `Audit.duplicates`."""
    different = {name: set(texts) for name, texts in splits.items()}
    duplicates = {
        f"within {name}": len(texts) - len(different[name]) for name, texts in splits.items()
    }
    for one, other in itertools.combinations(splits, 2):
        duplicates[f"in both {one} and {other}"] = len(different[one] & different[other])
    return duplicates
