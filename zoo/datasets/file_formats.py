"""Reading one file or folder of texts, whatever its format, with errors that name the line."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from zoo.datasets.dataset import DatasetError, TextCollector, repair

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".json")
FILE_SUFFIXES = (*_DELIMITERS, *_JSON_LINES, ".txt")

# A folder of this name holds texts without labels, in the download of IMDb's reviews.
_NOT_A_CLASS = "unsup"


class Columns(NamedTuple):
    """Which columns of a file to read; `label` is None where texts have no labels."""

    text: str
    label: str | None


class _Example(NamedTuple):
    line: int
    text: str
    label: str | None


def read_texts(source: Path, columns: Columns) -> TextCollector:
    """Reads a file or folder: texts, and their labels as they are written there.

    Raises:
        DatasetError: for all that can be wrong in it.
        OSError: where the system refuses to read it.
    """
    collector = TextCollector()
    for line, text, label in _examples(source, columns):
        if label == "" and text.strip():
            raise DatasetError(
                f"{source}, line {line}: expected a label in {columns.label!r}, found none."
            )
        collector.add(text, None if label is None else repair(label))
    if not collector.texts:
        raise DatasetError(f"{source} holds no text: expected at least one that is not empty.")
    return collector


def _examples(source: Path, columns: Columns) -> Iterator[_Example]:
    if not source.exists():
        raise DatasetError(f"There is no file or folder {source}.")
    if source.is_dir():
        return _folder_examples(source, columns)
    suffix = source.suffix.lower()
    if suffix in _DELIMITERS:
        return _table_examples(source, columns, _DELIMITERS[suffix])
    if suffix in _JSON_LINES:
        return _json_examples(source, columns)
    if is_plain_text(source) and columns.label is None:
        return _plain_text(source)
    what = "is plain text without labels" if is_plain_text(source) else f"has the suffix {suffix!r}"
    expected = (
        "a .csv, .tsv, .jsonl or .txt file or a folder of .txt files."
        if columns.label is None
        else "a .csv, .tsv or .jsonl file or a folder with one folder a class, or plain text with "
        "labelled=False."
    )
    raise DatasetError(f"{source} {what}: expected {expected}")


def is_plain_text(source: Path) -> bool:
    """Whether a file holds one text and nothing else, by the suffix of its name."""
    return source.suffix.lower() == ".txt" and not source.is_dir()


def _open(file: Path, newline: str | None = None) -> TextIO:
    # With or without a byte order mark. The collector counts and repairs the wrong bytes.
    return open(file, encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def _read_text(file: Path) -> str:
    with _open(file) as opened:
        text = opened.read()
    if "\0" in text:
        raise _nul_error(file, text.count("\n", 0, text.index("\0")) + 1)
    return text


def read_table(source: Path, text_column: str) -> tuple[list[str], list[list[str]], int]:
    """Reads a CSV or TSV file as it is, to write it again with more columns.

    Returns:
        (header, rows, the place of `text_column` in them). Wrong bytes become U+FFFD.

    Raises:
        DatasetError: for all that can be wrong in it.
    """
    delimiter = delimiter_of(source)
    if not source.is_file():
        raise DatasetError(f"There is no file {source}.")
    header, rows = _table(source, delimiter)
    place = _place(text_column, header, source)
    return [*map(repair, header)], [[*map(repair, row)] for _, row in rows], place


def delimiter_of(file: Path) -> str:
    """What stands between the fields of a table, by the suffix of its name."""
    if file.suffix.lower() not in _DELIMITERS:
        raise DatasetError(f"{file}: expected a name that ends in {' or '.join(_DELIMITERS)}.")
    return _DELIMITERS[file.suffix.lower()]


def _table_examples(source: Path, columns: Columns, delimiter: str) -> Iterator[_Example]:
    header, rows = _table(source, delimiter)
    text_place = _place(columns.text, header, source)
    label_place = None if columns.label is None else _place(columns.label, header, source)
    for line, row in rows:
        label = None if label_place is None else row[label_place].strip()
        yield _Example(line, row[text_place], label)


def _table(source: Path, delimiter: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The header, and the rows, each as long as it and with its line."""
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
    """The rows that are not blank, each with the line that it starts on."""
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
    """Lets the csv module read fields above 128 KiB while it is entered; the limit is global."""

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
            f"holds {listed(names)}."
        )
    return names.index(name)


def _json_examples(source: Path, columns: Columns) -> Iterator[_Example]:
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
                    f"{where}: expected one JSON object a line, found what is not JSON: {reason}."
                ) from error
            if not isinstance(row, dict):
                raise DatasetError(
                    f"{where}: expected a JSON object with {columns.text!r}, found {_kind(row)}."
                )
            text = _json_field(row, columns.text, where)
            if columns.label is None:
                yield _Example(number, text, None)
            else:
                yield _Example(number, text, _json_label(row, columns.label, where))


def _json_label(row: dict, name: str, where: str) -> str:
    label = row.get(name, "absent")
    if label is None:
        return ""
    if isinstance(label, bool):
        return json.dumps(label)
    return _json_field(row, name, where).strip()


def _json_field(row: dict, name: str, where: str) -> str:
    if name not in row:
        raise DatasetError(f"{where}: expected {name!r}, found only {listed(row)}.")
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DatasetError(f"{where}: expected a text in {name!r}, found {_kind(value)}.")
    return str(value)


def _kind(value) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _plain_text(source: Path) -> Iterator[_Example]:
    yield _Example(1, _read_text(source), None)


def _folder_examples(folder: Path, columns: Columns) -> Iterator[_Example]:
    classes: dict[str | None, list[Path]]
    if columns.label is None:
        classes = {None: text_files(folder)}
        expected = ".txt files in it"
    else:
        classes = {inner.name: text_files(inner) for inner in class_folders(folder)}
        expected = "one folder a class in it, with .txt files of one text each"
    if not any(classes.values()):
        found = listed(sorted(inner.name for inner in folder.iterdir()))
        raise DatasetError(f"{folder}: expected {expected}, found {found}.")
    for label, files in classes.items():
        for file in files:
            yield _Example(1, _read_text(file), label)


def class_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that hold texts and so are its classes, in alphabetical order."""
    return [
        inner
        for inner in sorted(folder.iterdir())
        if inner.is_dir() and inner.name != _NOT_A_CLASS and text_files(inner)
    ]


def text_files(folder: Path) -> list[Path]:
    """The .txt files in `folder`, hidden ones not among them, in alphabetical order."""
    return sorted(file for file in folder.glob("*.txt") if not file.name.startswith("."))


def listed(names: Iterable[str]) -> str:
    """Names for an error message, cut short: they may be a text that was taken for a header."""
    names = [name if len(name) <= 40 else name[:40] + "..." for name in map(repair, names)]
    shown = ", ".join(map(repr, names[:20])) or "nothing"
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
