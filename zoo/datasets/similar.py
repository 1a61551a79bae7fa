"""Counts of texts that are nearly equal, and of texts with several labels."""

import itertools
import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

# Of ASCII: lower case, and what is no letter or digit.
_LOWER = bytes(range(128)).lower() + bytes(range(128, 256))
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
_NO_WORD = re.compile(r"[\W_]+")


def count_near_duplicates(
    splits: Mapping[str, Sequence[Hashable]],
) -> dict[str, int]:
    """Counts texts that differ from others in case, white space and punctuation only.

    Args:
        splits: The texts of each split by its name; a tuple for several columns.

    Returns:
        Mapping from a place to a count, as `Audit.duplicates`: "within train" counts the texts with
        the same words as an earlier one, "in both train and test" the different texts of the
        earlier split that have the same words as one of the later. Exact duplicates do not count.
    """
    different = {name: set(texts) for name, texts in splits.items()}
    # Texts with the same words have the same letters, which are faster to compare.
    letters = {text: _letters(text) for text in set().union(*different.values())}
    seen: set[Hashable] = set()
    repeated: set[Hashable] = set()
    for key in letters.values():
        (repeated if key in seen else seen).add(key)
    words = {text: _words(text) for text, key in letters.items() if key in repeated}
    keys = {name: [words[t] for t in texts if t in words] for name, texts in different.items()}
    counts = {
        f"within {name}": len(of_split) - len(set(of_split)) for name, of_split in keys.items()
    }
    for one, other in itertools.combinations(splits, 2):
        shared = set(keys[one]) & set(keys[other])
        equal = {words[text] for text in different[one] & different[other] if text in words}
        counts[f"in both {one} and {other}"] = len(shared - equal)
    return counts


def count_contradictions(
    splits: Iterable[tuple[Sequence[Hashable], Sequence[np.ndarray]]],
) -> int:
    """Counts the different texts that have more than one label.

    Args:
        splits: The texts (N,) and the columns of labels (N,) of each split.
    """
    labels_of: dict[Hashable, Any] = {}
    contradictory = set()
    for texts, columns in splits:
        for labels in columns:
            for text, label in zip(texts, labels.tolist(), strict=True):
                if labels_of.setdefault(text, label) != label:
                    contradictory.add(text)
    return len(contradictory)


def _letters(text: Hashable) -> Hashable:
    """A hash of the letters and digits of a text."""
    if isinstance(text, tuple):
        return tuple(map(_letters, text))
    assert isinstance(text, str)
    if text.isascii():
        return hash(text.encode().translate(_LOWER, _NO_LETTERS))
    return hash(_NO_WORD.sub("", _folded(text)).encode("utf-8", "surrogatepass"))


def _words(text: Hashable) -> Hashable:
    """The words of a text; of one without words the text itself."""
    if isinstance(text, tuple):
        return tuple(map(_words, text))
    assert isinstance(text, str)
    return _NO_WORD.sub(" ", _folded(text)).strip() or text


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
