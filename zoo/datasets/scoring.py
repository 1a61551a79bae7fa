"""Files of examples that are all scored, with the classes of a model."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import DatasetError, Split, TextDataset, absolute_path, timed
from zoo.datasets.file_formats import read_columns
from zoo.datasets.files import LABELLED_TEXTS, sought_columns
from zoo.datasets.labels import LabelSpellings
from zoo.datasets.reading import ReadingOptions
from zoo.datasets.reading.texts import find_splits
from zoo.utils.text import list_names

# The most characters of a part in which a running text is scored.
_MAX_CHARACTERS = 100_000


@timed
def read_to_score(
    path: str | os.PathLike,
    *,
    columns: Mapping[str, str] = LABELLED_TEXTS,
    label_names: Sequence[str] | None = None,
    split: str = "test",
    encoding: str | None = None,
    delimiter: str | None = None,
    header: str | None = None,
    normalize_labels: bool = False,
    **column_names: str,
) -> TextDataset:
    """Reads a file to be scored: all its examples are one split, and the others are empty.

    It may be small, and lack some of the classes.

    Args:
        path: file or folder; of a folder with one folder per split, that of `split` is read.
        columns: see `from_files`.
        label_names: the classes of the model; None without a category.
        split: the split to make, `"train"`, `"validation"` or `"test"`.
        encoding, delimiter, header, normalize_labels: see `from_files`.
        **column_names: names of columns in the file, if they differ, such as `text_column="body"`.

    Raises:
        DatasetError: if something is missing or malformed, or a label is no class of the model.

    Example:
    >>> with open("one.csv", "w") as file:
    ...     print("text,label", "Fine.,good", sep=chr(10), file=file)
    >>> from zoo.datasets.scoring import read_to_score
    >>> len(read_to_score("one.csv", label_names=["bad", "good"]).test)
    1
    """
    path = absolute_path(path)
    sought = sought_columns(columns, column_names)
    options = ReadingOptions(encoding, delimiter, header)
    try:
        places, notes = find_splits(path, "category" in columns.values())
        if places and split not in places:
            raise DatasetError(f"{path} has no folder for the {split} split.")
        collector = read_columns(places.get(split, path), sought, options)
    except OSError as error:
        reason = error.strerror or error
        raise DatasetError(f"{error.filename or path} cannot be read: {reason}.") from error
    collector.notes += notes
    values: dict[str, Any] = dict(collector.columns)
    if collector.is_plain_text:
        values = {name: _parts(text) for name, (text,) in values.items()}
    for column in sought:
        if column.kind == "category":
            names = tuple(label_names or ())
            if normalize_labels:
                collector.relabel(column.name, LabelSpellings(names).name)
                values = dict(collector.columns)
            values[column.name] = class_indices(collector.columns[column.name], names, path)
        elif column.kind == "number":
            values[column.name] = np.array(values[column.name], "float32")
    empty = {name: values[name][:0] for name in values}
    splits = {name: Split(empty) for name in ("train", "validation", "test")}
    splits[split] = Split(values)
    return TextDataset(
        path.name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        label_names=label_names,
        is_continuous=collector.is_plain_text,
        audit=Audit.of([collector]),
    )


def is_split_off(dataset: TextDataset) -> bool:
    """Whether the test split of a dataset is a share of the one file that it was read from."""
    path = dataset.arguments.get("path")
    if path is None or "test_data" in dataset.arguments:
        return False
    return "test" not in find_splits(Path(path), dataset.label_names is not None)[0]


def with_classes(dataset: TextDataset, label_names: Sequence[str]) -> TextDataset:
    """A dataset with the classes of a model, which include all classes of the dataset.

    Raises:
        DatasetError: if a class of the dataset is none of the model.
    """
    label_names = tuple(label_names)
    if dataset.label_names is None or dataset.label_names == label_names:
        return dataset
    place = class_indices(dataset.label_names, label_names, dataset.name)

    def relabelled(split: Split) -> Split:
        kinds = split.kinds.items()
        return Split({n: place[split[n]] if k == "category" else split[n] for n, k in kinds})

    return TextDataset(
        dataset.name,
        train=relabelled(dataset.train),
        validation=relabelled(dataset.validation),
        test=relabelled(dataset.test),
        label_names=label_names,
        is_continuous=dataset.is_continuous,
        audit=dataset.audit,
    )


def class_indices(labels: Sequence[str], label_names: Sequence[str], source: Any) -> np.ndarray:
    """The index of the class of each label, `int32` (N,).

    Raises:
        DatasetError: for a label that is no class of the model.
    """
    place = {name: index for index, name in enumerate(label_names)}
    unknown = sorted({*labels} - {*place})
    if unknown:
        raise DatasetError(
            f"{source} has labels that the model does not know: {list_names(unknown)}; expected "
            f"{list_names(label_names)}."
        )
    return np.array([place[label] for label in labels], "int32")


def _parts(text: str) -> list[str]:
    """A long text in parts that end with a line or a word if possible."""
    parts = []
    while len(text) > _MAX_CHARACTERS:
        end = text.rfind("\n", _MAX_CHARACTERS // 2, _MAX_CHARACTERS)
        end = end if end >= 0 else text.rfind(" ", _MAX_CHARACTERS // 2, _MAX_CHARACTERS)
        end = end + 1 if end >= 0 else _MAX_CHARACTERS
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text]
