"""Texts of your own: a CSV, TSV or JSONL file, a folder with one folder a class, or plain text."""

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
    split_off,
    timed,
)
from zoo.datasets.file_formats import (
    Column,
    class_folders,
    is_plain_text,
    listed,
    read_columns,
    text_files,
)
from zoo.registry import unknown_name_message

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
    """Makes a dataset of your own files: texts, and what is known of each.

    What `path`, and likewise `validation_data` and `test_data`, may be:

    - A .csv or .tsv file whose first line names the columns. A field with a delimiter, a line end
      or a quote in it stands in quotes, its own quotes doubled.
    - A .jsonl or .json file with one JSON object a line.
    - A folder with one folder a class, in it .txt files of one text each. A class is not called
      "unsup": that is where IMDb's download has its texts without labels.
    - For `path` only: a folder with such a folder in `train`, and maybe in `validation` and `test`.
    - Where texts alone are asked for: a .txt file, which is one text, or a folder of .txt files.

    All are UTF-8, with or without a byte order mark. Wrong bytes and empty texts do no harm and are
    counted in `audit`: the one are replaced, the other left out. Duplicates, within a split and
    across two, are counted and kept. Line ends in .txt files, of whichever system, are read as
    line feeds; in other files a text is exactly what its field holds.

    Without a file or folder of its own, the test split is carved off the training texts, then the
    validation split off the rest, both as `split_off` does. Where texts alone are asked for, one
    single text is cut in three, at the line ends or spaces nearby: its end is the test text. What
    is cut so, and what a .txt file holds, is a stretch of a running text; everything else is
    documents. See `is_continuous` of `TextDataset`, true where all splits are such stretches.

    The classes are those of `path`, in numerical order where all are numbers, else in alphabetical.

    Args:
        path: what to train on.
        columns: what to read, the kind of each column by its name: `"text"`, `"category"` (one
            column at most; its classes become `label_names`) or `"number"`. Other columns of a file
            are not looked at.
        validation_data, test_data: files or folders for these splits.
        validation_share, test_share: the part to carve off where there are none, above 0 and
            below 1.
        seed: another seed carves other parts.
        **column_names: what the files call a column, where that is not its name:
            `text_column="body"`, `label_column="stars"`.

    Raises:
        DatasetError: where something is missing or malformed; one sentence that says where, what
            was expected and what came.
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
        label_names = _label_names(collectors["train"].columns[category], places["train"])
    splits = {
        name: _to_split(collector, sought, label_names, places[name])
        for name, collector in collectors.items()
    }
    # The test split comes first, so that it stays the same whatever is carved for validation.
    for name, share in (("test", test_share), ("validation", validation_share)):
        if name not in splits:
            splits["train"], splits[name] = _divide(
                splits["train"], share, seed, f"a {name} split off {places['train']}"
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


# What to read, and where the splits are


def _columns(columns: Mapping[str, str], column_names: Mapping[str, str]) -> list[Column]:
    for name, kind in columns.items():
        if kind not in KINDS:
            raise DatasetError(
                f"The kind of column {name!r} must be one of {', '.join(KINDS)}; it is {kind!r}."
            )
    kinds = list(columns.values())
    if "text" not in kinds or kinds.count("category") > 1:
        raise DatasetError(
            f"columns must hold a text and at most one category; it is {dict(columns)}."
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
    """The folder of each split that has one of its own in `path`; or else all of it is "train"."""
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
        raise DatasetError(
            f"{source} has one class only, {names[0]!r}: expected two at least to tell apart."
        )
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
            f"{source} has labels that the training texts do not have: {listed(unknown)}; "
            f"expected some of {listed(label_names)}."
        )
    return np.array([place[label] for label in labels], "int32")


def _is_continuous(places: dict[str, Path], collectors: dict[str, TextCollector]) -> bool:
    """Whether each split is a stretch of a running text: a .txt file, or cut from the only text.

    A carve may leave one text to a split of a folder or a table, which is a document still. Texts
    of which more is known are documents: a .txt file is refused for them, and none is cut.
    """
    is_cut = len(collectors["train"]) == 1 and len(places) < len(_SPLITS)
    return all(
        is_plain_text(place) or (name == "train" and is_cut) for name, place in places.items()
    )


def _divide(split: Split, share: float, seed: int, purpose: str) -> tuple[Split, Split]:
    try:
        if len(split) == 1 and len(split.columns) == 1:
            (name,) = split.columns
            rest, end = _cut(split[name][0], share)
            return Split({name: [rest]}), Split({name: [end]})
        return split_off(split, share, seed)
    except DatasetError as error:
        raise DatasetError(f"Carving {purpose} failed: {error}") from error


def _cut(text: str, share: float) -> tuple[str, str]:
    """Divides one text in two: its end is the share, from a line or at least a word on."""
    if not 0 < share < 1:
        raise DatasetError(f"The share to carve off must lie between 0 and 1, not be {share}.")
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
            f"A text of {len(text)} characters is too short, or has too much white space, to "
            f"cut off a share of {share}."
        )
    return rest, end


def _check_classes_left(labels: np.ndarray, label_names: tuple[str, ...], source: Path) -> None:
    left = set(labels.tolist())
    lost = [name for index, name in enumerate(label_names) if index not in left]
    if lost:
        raise DatasetError(
            f"Too few different texts of {listed(lost)} in {source}: after carving off the other "
            "splits none is left for training."
        )
