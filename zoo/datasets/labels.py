"""Spellings of labels: which of them mean the same, and which mean that there is none."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from zoo.utils.text import list_names, list_words

# What programs write for a missing value, in lower case.
MISSING = frozenset(("nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none", "nil", "nat"))

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII)
_VARIATION_SELECTORS = "\ufe0e\ufe0f"
_MAX_NAMED = 5
_MAX_LENGTH = 2 * max(map(len, MISSING))


def clean_label(label: str) -> str:
    """Returns a label in NFC, without invisible marks, spaces around it and repeated spaces."""
    visible = "".join(
        character
        for character in label
        if unicodedata.category(character) != "Cf" and character not in _VARIATION_SELECTORS
    )
    return " ".join(unicodedata.normalize("NFC", visible).split())


def label_key(label: str) -> str:
    """Returns what labels with the same meaning share: `"1"`, `"1.0"` and `"+1"` do.

    Case, spaces, invisible marks, the Unicode form, width and minus signs make no difference.
    """
    key = unicodedata.normalize("NFKC", clean_label(label)).casefold().replace("\u2212", "-")
    key = unicodedata.normalize("NFC", key)
    if _NUMBER.fullmatch(key):
        return str(Decimal(key).normalize() + 0)
    return key


def missing_texts_note(texts: Iterable[str]) -> list[str]:
    """Returns a sentence on texts that are what programs write for a missing value, if any."""
    found = Counter(text for text in texts if len(text) <= _MAX_LENGTH and is_missing(text))
    if not found:
        return []
    named = list_names(found, _MAX_NAMED)
    return [f"Texts that look like missing values and are kept: {found.total():,}, {named}."]


def is_missing(label: str) -> bool:
    """Whether a label is what programs write for a missing value, such as `NaN`."""
    return clean_label(label).casefold() in MISSING


class LabelSpellings:
    """The spellings of the labels of a split.

    Args:
        labels: The label of each text.

    Attributes:
        names: Mapping from a key, see `label_key`, to the name of the class: the most frequent
            spelling, of equally frequent ones the shortest.

    Example:
    >>> from zoo.datasets.labels import LabelSpellings
    >>> spellings = LabelSpellings(["Good", "good", "good", "bad", "NaN"])
    >>> spellings.names["good"], spellings.name("GOOD"), spellings.name("null")
    ('good', 'good', None)
    """

    def __init__(self, labels: Iterable[str]):
        self._counts = Counter(labels)
        self._groups: dict[str, list[str]] = {}
        for label in sorted(self._counts, key=lambda la: (-self._counts[la], len(la), la)):
            self._groups.setdefault(label_key(label), []).append(label)
        self.names: Mapping[str, str] = {
            key: clean_label(spellings[0]) for key, spellings in self._groups.items()
        }

    def name(self, label: str) -> str | None:
        """Returns the name of the class of a label; None if it says that there is none."""
        return None if is_missing(label) else self.names.get(label_key(label), label)

    def notes(self) -> list[str]:
        """Returns sentences on spellings that are different classes, and on doubtful labels."""
        notes = []
        missing = [label for label in self._counts if is_missing(label)]
        if missing:
            notes.append(
                f"Labels that look like missing values and are classes: {self._listed(missing)}; "
                "normalize_labels leaves their texts out."
            )
        single = [label for label, count in self._counts.items() if count == 1]
        if single and len(single) < len(self._counts):
            notes.append(f"Labels of a single text: {list_names(single, _MAX_NAMED)}.")
        variants = [
            self._listed(group)
            for group in self._groups.values()
            if len(group) > 1 and not is_missing(group[0])
        ]
        if variants:
            more = len(variants) - _MAX_NAMED
            named = "; ".join(variants[:_MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")
            notes.append(
                "Labels that differ only in case, spaces, invisible marks or the spelling of a "
                f"number, and are different classes: {named}; normalize_labels merges them."
            )
        return notes

    def _listed(self, labels: list[str]) -> str:
        return list_words([f"{_shown(label)} ({self._counts[label]:,})" for label in labels])


def _shown(label: str) -> str:
    """Returns a label in quotes; escaped if it looks like its clean form."""
    is_plain = label == clean_label(label)
    return repr(label) if is_plain else ascii(label)
