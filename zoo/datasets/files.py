"""Datasets from files: tables, JSON, fastText, folders with one folder per class, plain text."""

import dataclasses
import inspect
import itertools
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
from zoo.datasets.file_formats import Column, read_columns
from zoo.datasets.labels import LabelSpellings, missing_texts_note
from zoo.datasets.reading import ReadingOptions
from zoo.datasets.reading.texts import find_splits
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
    encoding: str | None = None,
    delimiter: str | None = None,
    header: str | None = None,
    normalize_labels: bool = False,
    **column_names: str,
) -> TextDataset:
    """Reads a dataset from your own files.

    `path`, `validation_data` and `test_data` are each one of:

    - A table: .csv, .tsv, .xlsx or .parquet (the last two need the extra `tables`). A first line
      names the columns; blank lines, a title and comments may precede it. Without such a line, name
      them with `header`; in a file of two columns of which one has labels that repeat, the columns
      are recognized. In text, the delimiter is the one that fits of comma, semicolon, tab and bar,
      or is named by a first line `sep=;`. In CSV, fields that contain a delimiter, a line end or a
      quote are quoted, and quotes in them are doubled or follow a backslash. In TSV, quotes are
      text, unless the file shows that a CSV writer made it. Quotes that enclose no field are text.
    - JSON: .jsonl with one object per line, or .json with an array of objects or a table as pandas
      writes it. A key in an object within the object is `text_column="data.text"`.
    - A file of lines that start with `__label__`, as fastText reads them.
    - A folder with one folder per class, which contain .txt files of one text each, in subfolders,
      too; files without a suffix if no file is .txt. Hidden folders are no classes, nor are folders
      named "unsup", because IMDb's download keeps its unlabelled texts there.
    - Only for `path`: a folder with such a folder in `train` and optionally in `validation`
      (`valid`, `val`, `dev`) and `test`.
    - If only a text column is read: a .txt file, which is one text, or a folder of .txt files.

    Files may be compressed (.gz, .bz2, .xz). "/dev/stdin" is the standard input. Files with other
    suffixes, or none, are read if their contents show one of these formats.

    Files are in the encoding of their byte order mark, else UTF-8. Invalid bytes are replaced by
    U+FFFD; a file is refused, with a guess at its encoding, if most of its texts have some. Empty
    texts and texts without a label are removed, duplicates are kept. All are counted in `audit`,
    and so is what was left out of a folder or file. Line ends in .txt files are converted to line
    feeds. In other files a text is exactly the content of its field.

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
        encoding: Encoding of the files, such as cp1252, gb18030 or utf-16. None: that of the byte
            order mark, else UTF-8.
        delimiter: The character between the fields of a table, or `tab`. None: the one that fits.
        header: Names of the columns of a table without a header, as in label,text.
        normalize_labels: Merge labels that differ only in case, spaces, invisible marks, Unicode
            form or the spelling of a number, and treat NaN, NULL, NA and None as no label. If
            False, `audit` names them.
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
    options = ReadingOptions(encoding, delimiter, header)
    path = absolute_path(path)
    sought = sought_columns(columns, column_names)
    separate = {
        name: absolute_path(place)
        for name, place in (("validation", validation_data), ("test", test_data))
        if place is not None
    }
    try:
        places, notes = find_splits(path, "category" in columns.values())
        places = {**(places or {"train": path}), **separate}
        collectors = {n: read_columns(place, sought, options) for n, place in places.items()}
        collectors["train"].notes += notes
        for collector, column in itertools.product(collectors.values(), sought):
            if column.kind == "text":
                collector.notes += missing_texts_note(collector.columns[column.name])
    except OSError as error:
        reason = error.strerror or error
        raise DatasetError(f"{error.filename or path} cannot be read: {reason}.") from error

    category = next((column.name for column in sought if column.kind == "category"), None)
    label_names = None
    if category is not None:
        _check_spellings(collectors, category, normalize_labels)
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
        is_continuous=_is_continuous(collectors),
        audit=Audit.of(collectors.values()),
        arguments={
            "path": str(path),
            "columns": dict(columns),
            **column_names,
            **{f"{name}_data": str(place) for name, place in separate.items()},
            "validation_share": validation_share,
            "test_share": test_share,
            "seed": seed,
            **{n: v for n, v in dataclasses.asdict(options).items() if v is not None},
            **({"normalize_labels": True} if normalize_labels else {}),
        },
    )


# Columns and places


def sought_columns(columns: Mapping[str, str], column_names: Mapping[str, str]) -> list[Column]:
    """Returns the columns to read, see `from_files`.

    Raises:
        DatasetError: For a column of an unknown kind, or a name of none.
    """
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


# Classes and splits


def _check_spellings(
    collectors: Mapping[str, TextCollector], category: str, normalize: bool
) -> None:
    """Names spellings of the same label in the notes, or merges them."""
    spellings = LabelSpellings(collectors["train"].columns[category])
    if not normalize:
        collectors["train"].notes += spellings.notes()
        return
    for collector in collectors.values():
        collector.relabel(category, spellings.name)


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


def _is_continuous(collectors: Mapping[str, TextCollector]) -> bool:
    """Whether each split is an excerpt of a continuous text: a .txt file, or cut from one text.

    A split with a single text of a folder or table is still one document. With further columns,
    .txt files are refused and no text is cut, so all texts are documents.
    """
    is_cut = len(collectors["train"]) == 1 and len(collectors) < len(_SPLITS)
    return all(
        collector.is_plain_text or (name == "train" and is_cut)
        for name, collector in collectors.items()
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
