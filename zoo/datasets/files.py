"""Datasets from files: CSV, TSV, JSON lines, folders with one folder per class, plain text."""

import inspect
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from zoo.datasets.audit import Audit, TextCollector
from zoo.datasets.dataset import (
    KINDS,
    DatasetError,
    Split,
    TextDataset,
    absolute_path,
    timed,
)
from zoo.datasets.file_formats import (
    Column,
    class_folders,
    is_plain_text,
    read_columns,
    text_files,
)
from zoo.datasets.splitting import check_repetition, check_share, split_off
from zoo.registry import unknown_name_message
from zoo.utils.text import list_names

LABELLED_TEXTS: Mapping[str, str] = MappingProxyType({"text": "text", "label": "category"})

_SPLITS = ("train", "validation", "test")


@timed
def from_files(
    path: str | os.PathLike,
    *,
    columns: Mapping[str, str] = LABELLED_TEXTS,
    validation_data: str | os.PathLike | None = None,
    test_data: str | os.PathLike | None = None,
    validation_share: float = 0.1,
    test_share: float = 0.1,
    seed: int = 0,
    **column_names: str,
) -> TextDataset:
    """Reads a dataset from your own files.

    `path`, `validation_data` and `test_data` are each one of:

    - A .csv or .tsv file. The first line names the columns. Fields that contain a delimiter, a line
      end or a quote are quoted, and quotes in them are doubled.
    - A .jsonl or .json file with one JSON object per line.
    - A folder with one folder per class, which contain .txt files of one text each. Folders named
      "unsup" are skipped, because IMDb's download keeps its unlabelled texts there.
    - Only for `path`: a folder with such a folder in `train` and optionally in `validation` and
      `test`.
    - If only a text column is read: a .txt file, which is one text, or a folder of .txt files.

    Files are UTF-8, with or without a byte order mark. Invalid bytes are replaced by U+FFFD, empty
    texts are removed, duplicates are kept; all are counted in `audit`. Line ends in .txt files are
    converted to line feeds. In other files a text is exactly the content of its field.

    Without `test_data`, the test split is split off `path`; without `validation_data`, the
    validation split is split off the rest; see `split_off`. If only a text column is read and
    `path` is a single text, the text is cut in three near line ends or spaces, and its end is the
    test split. Such parts, and .txt files, are continuous text; everything else is documents. See
    `TextDataset.is_continuous`.

    The classes are those of `path`, in numerical order if all are numbers, else in alphabetical
    order.

    Args:
        path: File or folder of the training split.
        columns: Mapping from a column's name to its kind: `"text"`, `"category"` (at most one; its
            classes are `label_names`) or `"number"`. Other columns of a file are ignored.
        validation_data: File or folder of the validation split.
        test_data: File or folder of the test split.
        validation_share: Share of the texts to hold out for validation without `validation_data`,
            above 0 and below 1.
        test_share: Share of the texts to hold out for testing without `test_data`, above 0 and
            below 1.
        seed: Seed of the splits.
        **column_names: Names of columns in the files, if they differ: `text_column="body"`,
            `label_column="stars"`.

    Raises:
        DatasetError: If something is missing or malformed. The message names file and line, what
            was expected and what was found.

    Example:
    >>> with open("films.csv", "w") as file:
    ...     print("body,stars", *(f"Film {n},{n % 3}" for n in range(60)), sep=chr(10), file=file)
    >>> films = zoo.datasets.from_files("films.csv", text_column="body", label_column="stars")
    >>> films.label_names, len(films.train)
    (('0', '1', '2'), 48)
    """
    path = absolute_path(path)
    sought = _columns(columns, column_names)
    separate = {
        name: absolute_path(place)
        for name, place in (("validation", validation_data), ("test", test_data))
        if place is not None
    }
    try:
        places = {**_places(path, sought), **separate}
        collectors = {name: read_columns(place, sought) for name, place in places.items()}
    except OSError as error:
        reason = error.strerror or error
        raise DatasetError(f"{error.filename or path} cannot be read: {reason}.") from error

    category = next((column.name for column in sought if column.kind == "category"), None)
    label_names = None
    if category is not None:
        labels = collectors["train"].columns[category]
        label_names = _label_names(labels, places["train"])
        header = next(column.header for column in sought if column.kind == "category")
        check_repetition(labels, header, places["train"])
    splits = {
        name: _to_split(collector, sought, label_names, places[name])
        for name, collector in collectors.items()
    }
    # The test split comes first, so that it does not depend on validation_share.
    for name, share in (("test", test_share), ("validation", validation_share)):
        if name not in splits:
            splits["train"], splits[name] = _divide(
                splits["train"], share, seed, f"{name} off {places['train']}"
            )
    if category is not None and label_names is not None:
        _check_classes_left(splits["train"][category], label_names, places["train"])

    train, validation, test = (splits[name] for name in _SPLITS)
    return TextDataset(
        path.name,
        train=train,
        validation=validation,
        test=test,
        label_names=label_names,
        is_continuous=_is_continuous(places, collectors),
        audit=Audit.of(collectors.values()),
        arguments={
            "path": str(path),
            "columns": dict(columns),
            **column_names,
            **{f"{name}_data": str(place) for name, place in separate.items()},
            "validation_share": validation_share,
            "test_share": test_share,
            "seed": seed,
        },
    )


# Columns and places


def _columns(columns: Mapping[str, str], column_names: Mapping[str, str]) -> list[Column]:
    for name, kind in columns.items():
        if kind not in KINDS:
            raise DatasetError(
                f"The kind of column {name!r} must be one of {', '.join(KINDS)}; it is {kind!r}."
            )
    kinds = list(columns.values())
    if "text" not in kinds or kinds.count("category") > 1:
        raise DatasetError(
            f"columns must have a text and at most one category; it is {dict(columns)}."
        )
    known = [f"{name}_column" for name in columns]
    for argument in column_names:
        if argument not in known:
            options = inspect.signature(from_files).parameters.values()
            known += [option.name for option in options if option.kind is option.KEYWORD_ONLY]
            raise DatasetError(unknown_name_message("argument of from_files", argument, known))
    return [
        Column(name, kind, column_names.get(f"{name}_column", name))
        for name, kind in columns.items()
    ]


def _places(path: Path, columns: Sequence[Column]) -> dict[str, Path]:
    """Returns the folders of the splits in `path`, or `path` as the training split."""
    has_classes = any(column.kind == "category" for column in columns)
    if not _is_folder_of_texts(path / "train", has_classes):
        return {"train": path}
    return {name: path / name for name in _SPLITS if (path / name).is_dir()}


def _is_folder_of_texts(folder: Path, has_classes: bool) -> bool:
    if not folder.is_dir():
        return False
    return bool(class_folders(folder) if has_classes else text_files(folder))


# Classes and splits


def _label_names(labels: list[str], source: Path) -> tuple[str, ...]:
    names = sorted(set(labels))
    if len(names) < 2:
        raise DatasetError(f"{source} has only one class, {names[0]!r}: expected two or more.")
    if all(re.fullmatch(r"[+-]?\d+(\.\d+)?", name) for name in names):
        names.sort(key=float)
    return tuple(names)


def _to_split(
    collector: TextCollector,
    columns: Sequence[Column],
    label_names: tuple[str, ...] | None,
    source: Path,
) -> Split:
    values: dict[str, list | np.ndarray] = dict(collector.columns)
    for name, kind, _ in columns:
        if kind == "category":
            values[name] = _indices(collector.columns[name], label_names or (), source)
    return Split(values)


def _indices(labels: Sequence[str], label_names: tuple[str, ...], source: Path) -> np.ndarray:
    place = {name: index for index, name in enumerate(label_names)}
    unknown = sorted(set(labels) - set(place))
    if unknown:
        raise DatasetError(
            f"{source} has labels that the training split does not have: {list_names(unknown)}; "
            f"expected {list_names(label_names)}."
        )
    return np.array([place[label] for label in labels], "int32")


def _is_continuous(places: dict[str, Path], collectors: dict[str, TextCollector]) -> bool:
    """Whether each split is an excerpt of a continuous text: a .txt file, or cut from one text.

    A split with a single text of a folder or table is still one document. With further columns,
    .txt files are refused and no text is cut, so all texts are documents.
    """
    is_cut = len(collectors["train"]) == 1 and len(places) < len(_SPLITS)
    return all(
        is_plain_text(place) or (name == "train" and is_cut) for name, place in places.items()
    )


def _divide(split: Split, share: float, seed: int, parts: str) -> tuple[Split, Split]:
    try:
        if len(split) == 1 and len(split.columns) == 1:
            (name,) = split.columns
            rest, end = _cut(split[name][0], share)
            return Split({name: [rest]}), Split({name: [end]})
        return split_off(split, share, seed)
    except DatasetError as error:
        raise DatasetError(f"Cannot split {parts}: {error}") from error


def _cut(text: str, share: float) -> tuple[str, str]:
    """Cuts a text in two, at the start of a line or at least of a word; the end is the share."""
    check_share(share)
    place = round(len(text) * (1 - share))
    earliest = place - (len(text) - place) // 2
    for separator in ("\n", " "):
        found = text.rfind(separator, earliest, place)
        if found >= 0:
            place = found + 1
            break
    rest, end = text[:place], text[place:]
    if not (rest.strip() and end.strip()):
        raise DatasetError(
            f"A text of {len(text)} characters is too short, or has too much white space, to split "
            f"off a share of {share}."
        )
    return rest, end


def _check_classes_left(labels: np.ndarray, label_names: tuple[str, ...], source: Path) -> None:
    left = set(labels.tolist())
    lost = [name for index, name in enumerate(label_names) if index not in left]
    if lost:
        raise DatasetError(
            f"Too few different texts of {list_names(lost)} in {source}: none is left for training "
            "after the other splits."
        )
