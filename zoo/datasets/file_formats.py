"""Readers of files and folders of texts. Errors name the file and the line."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from zoo.datasets.audit import TextCollector, repair
from zoo.datasets.dataset import DatasetError
from zoo.utils.text import list_names

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".json")
FILE_SUFFIXES = (*_DELIMITERS, *_JSON_LINES, ".txt")

# The folder of unlabelled texts in IMDb's download.
_NOT_A_CLASS = "unsup"


class Column(NamedTuple):
    """A column to read: its name and kind in the dataset, and its name in the file."""

    name: str
    kind: str
    header: str

    def parse(self, field: str) -> str | float:
        """Converts a field of a file to a value.

        Raises:
            ValueError: If the field is not of the column's kind.
        """
        if self.kind == "text":
            return field
        if self.kind == "category":
            if not (label := repair(field.strip())):
                raise ValueError(f"expected a label in {self.header!r}, found none")
            return label
        try:
            number = float(field)
        except ValueError:
            number = np.nan
        if not abs(number) <= float(np.finfo("float32").max):
            raise ValueError(f"expected a number in {self.header!r}, found {list_names([field])}")
        return number


class _Row(NamedTuple):
    """The fields of one example, one per column, and their line in the file."""

    line: int
    fields: Sequence[str]


def read_columns(source: Path, columns: Sequence[Column]) -> TextCollector:
    """Reads columns of a file or folder. Categories are read as their labels.

    Raises:
        DatasetError: If something is missing or malformed.
        OSError: If the file cannot be read.
    """
    collector = TextCollector({column.name: column.kind for column in columns})
    for line, fields in _rows(source, columns):
        values: Sequence[str | float] = fields
        # The collector removes examples with an empty text, whatever their other fields hold.
        if all(f.strip() for f, c in zip(fields, columns, strict=True) if c.kind == "text"):
            try:
                values = [c.parse(f) for f, c in zip(fields, columns, strict=True)]
            except ValueError as error:
                raise DatasetError(f"{source}, line {line}: {error}.") from None
        collector.add(*values)
    if not len(collector):
        raise DatasetError(f"{source} has no text: expected at least one that is not empty.")
    return collector


def _rows(source: Path, columns: Sequence[Column]) -> Iterator[_Row]:
    if not source.exists():
        raise DatasetError(f"There is no file or folder {source}.")
    if source.is_dir():
        return _folder_rows(source, columns)
    suffix = source.suffix.lower()
    if suffix in _DELIMITERS:
        return _selected_rows(source, columns, _DELIMITERS[suffix])
    if suffix in _JSON_LINES:
        return _json_rows(source, columns)
    kinds = _kinds(columns)
    if is_plain_text(source) and kinds == ["text"]:
        return _plain_text(source)
    what = f"has the suffix {suffix!r}"
    if is_plain_text(source):
        what = f"is plain text without {list_names(c.header for c in columns if c.kind != 'text')}"
        what = "is one plain text" if set(kinds) == {"text"} else what
    expected = "a .csv, .tsv or .jsonl file"
    if kinds == ["text"]:
        expected = "a .csv, .tsv, .jsonl or .txt file or a folder of .txt files"
    elif kinds == ["category", "text"]:
        expected += " or a folder with one folder per class"
    raise DatasetError(f"{source} {what}: expected {expected}.")


def _kinds(columns: Sequence[Column]) -> list[str]:
    return sorted(column.kind for column in columns)


def is_plain_text(source: Path) -> bool:
    """Whether the suffix of a file says that it is a single text."""
    return source.suffix.lower() == ".txt" and not source.is_dir()


def _open(file: Path, newline: str | None = None) -> TextIO:
    # With or without a byte order mark. The collector counts and replaces invalid bytes.
    return open(file, encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def _read_text(file: Path) -> str:
    with _open(file) as opened:
        text = opened.read()
    if "\0" in text:
        raise _nul_error(file, text.count("\n", 0, text.index("\0")) + 1)
    return text


def read_table(source: Path, text_column: str) -> tuple[list[str], list[list[str]], int]:
    """Reads all columns of a CSV or TSV file. Invalid bytes are replaced by U+FFFD.

    Returns:
        (header, rows, index of `text_column`).

    Raises:
        DatasetError: If something is missing or malformed.
    """
    delimiter = delimiter_of(source)
    if not source.is_file():
        raise DatasetError(f"There is no file {source}.")
    header, rows = _table(source, delimiter)
    place = _place(text_column, header, source)
    return [*map(repair, header)], [[*map(repair, row)] for _, row in rows], place


def delimiter_of(file: Path) -> str:
    """Returns the delimiter of a table by the suffix of its name."""
    if file.suffix.lower() not in _DELIMITERS:
        raise DatasetError(f"{file}: expected a name that ends in {' or '.join(_DELIMITERS)}.")
    return _DELIMITERS[file.suffix.lower()]


def _selected_rows(source: Path, columns: Sequence[Column], delimiter: str) -> Iterator[_Row]:
    header, rows = _table(source, delimiter)
    places = [_place(column.header, header, source) for column in columns]
    for line, row in rows:
        yield _Row(line, [row[place] for place in places])


def _table(source: Path, delimiter: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Returns the header and the rows with their lines; all are equally long."""
    rows = _table_rows(source, delimiter)
    _, header = next(rows, (0, None))
    if header is None:
        raise DatasetError(f"{source} is empty: expected a first line that names the columns.")

    def checked(header=header):
        for line, row in rows:
            if len(row) != len(header):
                raise DatasetError(
                    f"{source}, line {line}: expected {len(header)} fields, as the first line "
                    f"has, found {len(row)}."
                )
            yield line, row

    return header, checked()


def _table_rows(source: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows that are not blank, each with its first line."""
    # newline="" leaves the line ends inside quotes to the csv module.
    with _open(source, newline="") as file, _LongFields():
        rows = csv.reader(_without_nul(file, source), delimiter=delimiter, strict=True)
        line = 1
        try:
            for row in rows:
                if row:
                    yield line, row
                line = rows.line_num + 1
        except csv.Error as error:
            raise DatasetError(
                f"{source}, line {line}: expected quotes to be closed, and doubled within a "
                f"field ({error})."
            ) from error


class _LongFields:
    """Context in which the csv module reads fields above 128 KiB. Its limit is global."""

    def __enter__(self):
        self._limit = csv.field_size_limit(2**31 - 1)

    def __exit__(self, *_):
        csv.field_size_limit(self._limit)


def _without_nul(lines: Iterable[str], source: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise _nul_error(source, number)
        yield line


def _nul_error(source: Path, line: int) -> DatasetError:
    return DatasetError(
        f"{source}, line {line}: expected UTF-8 text, found a NUL byte; is it UTF-16, or damaged?"
    )


def _place(name: str, header: list[str], source: Path) -> int:
    names = [column.strip() for column in header]
    if names.count(name) > 1:
        raise DatasetError(f"{source} has {names.count(name)} columns {name!r}: expected one.")
    if name not in names:
        raise DatasetError(
            f"{source} has no column {name!r}: its first line, which should name the columns, "
            f"has {list_names(names)}."
        )
    return names.index(name)


def _json_rows(source: Path, columns: Sequence[Column]) -> Iterator[_Row]:
    with _open(source) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{source}, line {number}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", error)
                raise DatasetError(
                    f"{where}: expected one JSON object per line, found what is not JSON: {reason}."
                ) from error
            if not isinstance(row, dict):
                raise DatasetError(
                    f"{where}: expected a JSON object with {columns[0].header!r}, "
                    f"found {_kind(row)}."
                )
            yield _Row(number, [_json_field(row, column, where) for column in columns])


def _json_field(row: dict, column: Column, where: str) -> str:
    name = column.header
    if name not in row:
        raise DatasetError(f"{where}: expected {name!r}, found only {list_names(row)}.")
    value = row[name]
    if column.kind == "category" and value is None:
        return ""
    if column.kind == "category" and isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        wanted = "a number" if column.kind == "number" else "a text"
        raise DatasetError(f"{where}: expected {wanted} in {name!r}, found {_kind(value)}.")
    return str(value)


def _kind(value) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _plain_text(source: Path) -> Iterator[_Row]:
    yield _Row(1, [_read_text(source)])


def _folder_rows(folder: Path, columns: Sequence[Column]) -> Iterator[_Row]:
    kinds = _kinds(columns)
    if kinds == ["text"]:
        files = text_files(folder)
        expected = ".txt files in it"
    elif kinds == ["category", "text"]:
        files = [file for inner in class_folders(folder) for file in text_files(inner)]
        expected = "one folder per class in it, with .txt files of one text each"
    else:
        names = list_names(column.header for column in columns)
        raise DatasetError(f"{folder} is a folder: expected a file with the columns {names}.")
    if not files:
        found = list_names(sorted(inner.name for inner in folder.iterdir()))
        raise DatasetError(f"{folder}: expected {expected}, found {found}.")
    for file in files:
        field = {"text": _read_text(file), "category": file.parent.name}
        yield _Row(1, [field[column.kind] for column in columns])


def class_folders(folder: Path) -> list[Path]:
    """Returns the folders in `folder` that contain .txt files, in alphabetical order."""
    return [
        inner
        for inner in sorted(folder.iterdir())
        if inner.is_dir() and inner.name != _NOT_A_CLASS and text_files(inner)
    ]


def text_files(folder: Path) -> list[Path]:
    """Returns the .txt files in `folder` that are not hidden, in alphabetical order."""
    return sorted(file for file in folder.glob("*.txt") if not file.name.startswith("."))
