"""What is wrong with the texts of a dataset, as they were read."""

import dataclasses
import itertools
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Audit:
    """What was wrong with the texts as they were read. All are counts of texts.

    Attributes:
        empty: texts of nothing but white space; no split holds them.
        wrong_encoding: texts that are not valid UTF-8; they were kept, see `sentences`.
        duplicates: where, and how many: "within train" counts the texts that repeat an earlier
            one, "in both train and test" the different texts that both splits hold. None where
            nobody counted; `TextDataset` then does.
    """

    empty: int = 0
    wrong_encoding: int = 0
    duplicates: Mapping[str, int] | None = None

    @classmethod
    def of(cls, collectors: Iterable["TextCollector"]) -> "Audit":
        """Sums up what collectors counted."""
        collectors = list(collectors)
        return cls(
            empty=sum(collector.empty for collector in collectors),
            wrong_encoding=sum(collector.wrong_encoding for collector in collectors),
        )

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
        for where, count in (self.duplicates or {}).items():
            if count:
                found.append(f"Duplicate texts {where}: {count:,}.")
        return found


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
    """Gathers the examples of one split as a reader finds them, and counts what is wrong with them.

    A reader decodes with `errors="surrogateescape"`; the bytes that were not UTF-8 are then seen
    here, counted, and become U+FFFD. Examples with a text of nothing but white space are counted
    and left out.

    Args:
        columns: the kind of each column by its name, see `Split.kinds`.

    Attributes:
        columns: the values so far, a list for each name.
        empty, wrong_encoding: counts of texts, as in `Audit`.
    """

    def __init__(self, columns: Mapping[str, str]):
        self.columns: dict[str, list] = {name: [] for name in columns}
        self.empty = 0
        self.wrong_encoding = 0
        self._is_text = [kind == "text" for kind in columns.values()]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def add(self, *values: Any) -> None:
        """Takes in one example, a value for each column in their order, unless a text is empty."""
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
    """Counts what comes again within and across named splits, as `Audit.duplicates` has it."""
    different = {name: set(texts) for name, texts in splits.items()}
    duplicates = {
        f"within {name}": len(texts) - len(different[name]) for name, texts in splits.items()
    }
    for one, other in itertools.combinations(splits, 2):
        duplicates[f"in both {one} and {other}"] = len(different[one] & different[other])
    return duplicates
