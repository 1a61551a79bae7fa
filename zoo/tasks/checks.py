"""Checks of a dataset before a fit: errors if nothing can be learned, warnings otherwise.

Errors are `DatasetError`s, warnings are sentences. Duplicates and other defects that are counted
while texts are read are in the `Audit` of a dataset.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from zoo.datasets import DatasetError
from zoo.preprocessing import TokenSequences
from zoo.utils.special_tokens import SPECIAL_TOKENS
from zoo.utils.text import list_names

# Labels of this many classes with fewer training texts each may be ids or dates.
_MIN_TEXTS_PER_CLASS, _MANY_CLASSES = 3, 10

# Share of the largest class above which a warning recommends class weights.
_VERY_UNBALANCED = 0.95


def check_texts(splits: Mapping[str, Sequence[str]]) -> None:
    """Refuses a split without texts, and training texts that are all one.

    A single training text is continuous text for a language model, and is allowed.

    Args:
        splits: the texts of each split by its name, `"train"` among them.

    Raises:
        DatasetError: with one sentence.
    """
    for name, texts in splits.items():
        if not len(texts):
            raise DatasetError(f"The {name} split is empty: expected at least one text.")
    train = splits["train"]
    if len(train) > 1 and all(text == train[0] for text in train):
        raise DatasetError(
            f"All {len(train):,} training texts are equal: expected texts that differ."
        )


def check_labels(labels: Mapping[str, np.ndarray], label_names: Sequence[str]) -> list[str]:
    """Refuses labels that nothing can be learned from, or that training never shows.

    Args:
        labels: the class of each text, (N,), of each split by its name, `"train"` among them.
        label_names: the name of each class.

    Returns:
        A sentence for each split that lacks classes, one for a class with nearly all texts, and
        one for labels of which few are equal.

    Raises:
        DatasetError: where all training texts are of one class, or another split holds a class
            that they do not have.
    """
    counts = {
        name: np.bincount(of_split, minlength=len(label_names)) for name, of_split in labels.items()
    }
    train = counts["train"]
    most = label_names[int(train.argmax())]
    if np.count_nonzero(train) == 1:
        raise DatasetError(
            f"All training texts are labelled {most!r}: expected at least two classes."
        )
    sentences = []
    for name, of_split in counts.items():
        unseen = (of_split > 0) & (train == 0)
        if unseen.any():
            raise DatasetError(
                f"The {name} split has labels that are not in the training split: "
                f"{_chosen(label_names, unseen)}."
            )
        if not of_split.all():
            lacking = _chosen(label_names, of_split == 0)
            sentences.append(f"The {name} split has no text labelled {lacking}.")
    num_classes = np.count_nonzero(train)
    if num_classes >= _MANY_CLASSES and train.sum() < _MIN_TEXTS_PER_CLASS * num_classes:
        sentences.append(
            f"{num_classes:,} different labels for {train.sum():,} training texts: is this the "
            "right column?"
        )
    share = train.max() / train.sum()
    if share >= _VERY_UNBALANCED:
        sentences.append(
            f"{share:.1%} of the training texts are labelled {most!r}; consider class_weights."
        )
    return sentences


def check_tokens(sequences: TokenSequences) -> list[str]:
    """Refuses training texts in which no token is known.

    Args:
        sequences: the ids of the training texts, one of them at least.

    Returns:
        A sentence, where there are some texts of unknown tokens alone.

    Raises:
        DatasetError: where there are no others.
    """
    is_known = sequences.ids >= len(SPECIAL_TOKENS)
    has_known = np.logical_or.reduceat(is_known, sequences.starts[:-1])
    unread = len(has_known) - np.count_nonzero(has_known)
    if unread == len(has_known):
        raise DatasetError("The training texts contain no token of the vocabulary.")
    return [f"Training texts with out-of-vocabulary tokens only: {unread:,}."] if unread else []


def _chosen(names: Sequence[str], is_chosen: np.ndarray) -> str:
    return list_names(itertools.compress(names, is_chosen), limit=5)
