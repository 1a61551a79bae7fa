"""Texts of your own: a CSV, TSV or JSONL file, a folder with one folder a class, or plain text."""

import os
import re
from pathlib import Path

import numpy as np

from zoo.datasets.dataset import (
    DatasetError,
    Split,
    TextCollector,
    TextDataset,
    absolute_path,
    audit,
    split_off,
    timed,
)
from zoo.datasets.file_formats import (
    Columns,
    class_folders,
    is_plain_text,
    listed,
    read_texts,
    text_files,
)

_SPLITS = ("train", "validation", "test")


@timed
def from_files(
    path: str | os.PathLike,
    *,
    text_column: str = "text",
    label_column: str = "label",
    validation_data: str | os.PathLike | None = None,
    test_data: str | os.PathLike | None = None,
    validation_share: float = 0.1,
    test_share: float = 0.1,
    seed: int = 0,
    labelled: bool = True,
) -> TextDataset:
    """Makes a dataset of your own files, with two classes or more or without labels.

    What `path`, and likewise `validation_data` and `test_data`, may be:

    - A .csv or .tsv file whose first line names the columns. A field with a delimiter, a line end
      or a quote in it stands in quotes, its own quotes doubled.
    - A .jsonl or .json file with one JSON object a line.
    - A folder with one folder a class, in it .txt files of one text each. A class is not called
      "unsup": that is where IMDb's download has its texts without labels.
    - For `path` only: a folder with such a folder in `train`, and maybe in `validation` and `test`.
    - Where `labelled` is False: a .txt file, which is one text, a folder of .txt files, or a file
      as above without a label column.

    All are UTF-8, with or without a byte order mark. Wrong bytes and empty texts do no harm and are
    counted in `audit`: the one are replaced, the other left out. Duplicates, within a split and
    across two, are counted and kept. Line ends in .txt files, of whichever system, are read as
    line feeds; in other files a text is exactly what its field holds.

    Without a file or folder of its own, the test split is carved off the training texts, then the
    validation split off the rest, both as `split_off` does. One single text without labels is cut
    in three, at the line ends or spaces nearby: its end is the test text. What is cut so, and what
    a .txt file holds, is a stretch of a running text; everything else is documents. See
    `is_continuous` of `TextDataset`, which is true where all splits are such stretches.

    The classes are those of `path`, in numerical order where all are numbers, else in alphabetical.

    Args:
        path: what to train on.
        text_column, label_column: names of columns, or of what a JSON object holds.
        validation_data, test_data: files or folders for these splits.
        validation_share, test_share: the part to carve off where there are none, above 0 and
            below 1.
        seed: another seed carves other parts.
        labelled: False for texts alone, as text generation wants them.

    Raises:
        DatasetError: where something is missing or malformed; one sentence that says where, what
            was expected and what came.
    """
    path = absolute_path(path)
    columns = Columns(text_column, label_column if labelled else None)
    separate = {
        name: absolute_path(place)
        for name, place in (("validation", validation_data), ("test", test_data))
        if place is not None
    }
    try:
        places = {**_places(path, labelled), **separate}
        collectors = {name: read_texts(place, columns) for name, place in places.items()}
    except OSError as error:
        reason = error.strerror or error
        raise DatasetError(f"{error.filename or path} cannot be read: {reason}.") from error

    label_names = _label_names(collectors["train"].labels, places["train"]) if labelled else None
    splits = {
        name: _to_split(collector, label_names, places[name])
        for name, collector in collectors.items()
    }
    # The test split comes first, so that it stays the same whatever is carved for validation.
    for name, share in (("test", test_share), ("validation", validation_share)):
        if name not in splits:
            splits["train"], splits[name] = _divide(
                splits["train"], share, seed, f"a {name} split off {places['train']}"
            )
    if label_names is not None:
        _check_classes_left(splits["train"], label_names, places["train"])

    train, validation, test = (splits[name] for name in _SPLITS)
    return TextDataset(
        path.name,
        train=train,
        validation=validation,
        test=test,
        label_names=label_names,
        is_continuous=_is_continuous(places, collectors),
        audit=audit(collectors.values(), train=train, validation=validation, test=test),
        arguments={
            "path": str(path),
            "text_column": text_column,
            "label_column": label_column,
            **{f"{name}_data": str(place) for name, place in separate.items()},
            "validation_share": validation_share,
            "test_share": test_share,
            "seed": seed,
            "labelled": labelled,
        },
    )


# Where the splits are


def _places(path: Path, labelled: bool) -> dict[str, Path]:
    """The folder of each split that has one of its own in `path`; or else all of it is "train"."""
    if not _is_folder_of_texts(path / "train", labelled):
        return {"train": path}
    return {name: path / name for name in _SPLITS if (path / name).is_dir()}


def _is_folder_of_texts(folder: Path, labelled: bool) -> bool:
    if not folder.is_dir():
        return False
    return bool(class_folders(folder) if labelled else text_files(folder))


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


def _to_split(collector: TextCollector, label_names: tuple[str, ...] | None, source: Path) -> Split:
    if label_names is None:
        return Split(collector.texts)
    place = {name: index for index, name in enumerate(label_names)}
    unknown = sorted(set(collector.labels) - set(place))
    if unknown:
        raise DatasetError(
            f"{source} has labels that the training texts do not have: {listed(unknown)}; "
            f"expected some of {listed(label_names)}."
        )
    return Split(collector.texts, np.array([place[label] for label in collector.labels], "int32"))


def _is_continuous(places: dict[str, Path], collectors: dict[str, TextCollector]) -> bool:
    """Whether each split is a stretch of a running text: a .txt file, or cut from the only text.

    A carve may leave one text to a split of a folder or a table, which is a document still. Texts
    with labels are documents: there are two at least, and a .txt file is refused for them.
    """
    is_cut = len(collectors["train"].texts) == 1 and len(places) < len(_SPLITS)
    return all(
        is_plain_text(place) or (name == "train" and is_cut) for name, place in places.items()
    )


def _divide(split: Split, share: float, seed: int, purpose: str) -> tuple[Split, Split]:
    try:
        if len(split) == 1 and split.labels is None:
            return _cut(split.texts[0], share)
        return split_off(split, share, seed)
    except DatasetError as error:
        raise DatasetError(f"Carving {purpose} failed: {error}") from error


def _cut(text: str, share: float) -> tuple[Split, Split]:
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
    return Split([rest]), Split([end])


def _check_classes_left(train: Split, label_names: tuple[str, ...], source: Path) -> None:
    left = set() if train.labels is None else set(train.labels.tolist())
    lost = [name for index, name in enumerate(label_names) if index not in left]
    if lost:
        raise DatasetError(
            f"Too few different texts of {listed(lost)} in {source}: after carving off the other "
            "splits none is left for training."
        )
