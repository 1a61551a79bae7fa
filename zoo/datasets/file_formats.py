"""Reads columns of files and folders into a `TextCollector`. Errors name the file and the line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.datasets.audit import TextCollector, repair
from zoo.datasets.dataset import DatasetError
from zoo.datasets.reading import ReadingOptions, Records, open_records
from zoo.datasets.reading.encodings import check_share
from zoo.datasets.reading.json_records import kind_of
from zoo.datasets.reading.opening import file_suffix
from zoo.datasets.reading.texts import read_text
from zoo.utils.text import list_names


class Column(NamedTuple):
    """A column to read: its name and kind in the dataset, and its name in the file."""

    name: str
    kind: str
    header: str

    def parse(self, value: Any) -> str | float | None:
        """Converts a field of a record. None: a label that is missing.

        Raises:
            ValueError: If the field is not of the column's kind.
        """
        is_missing = value is None or value != value  # NaN.
        if isinstance(value, str) and self.kind != "number":
            return value if self.kind == "text" else repair(value.strip()) or None
        if self.kind == "number":
            return self._number(value)
        if is_missing:
            return "" if self.kind == "text" else None
        if isinstance(value, bool) and self.kind == "category":
            return json.dumps(value)
        if isinstance(value, bool | list | dict | tuple | np.ndarray | bytes):
            raise ValueError(f"expected a text in {self.header!r}, found {kind_of(value)}")
        return str(value)

    def _number(self, value: Any) -> float:
        if isinstance(value, bool | list | dict | None):
            raise ValueError(f"expected a number in {self.header!r}, found {kind_of(value)}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = np.nan
        if not abs(number) <= float(np.finfo("float32").max):
            found = list_names([str(value)])
            raise ValueError(f"expected a number in {self.header!r}, found {found}")
        return number


def read_columns(
    source: Path, columns: Sequence[Column], options: ReadingOptions | None = None
) -> TextCollector:
    """Reads columns of a file or folder. Categories are read as their labels.

    Examples with an empty text or without a label are counted and left out. The collector's `notes`
    say what else was left out or joined.

    Args:
        source: The file or folder.
        columns: The columns to read.
        options: Encoding, delimiter and header, if they cannot be read off the file.

    Raises:
        DatasetError: If something is missing or malformed.
        OSError: If the file cannot be read.
    """
    options = options or ReadingOptions()
    collector = TextCollector({column.name: column.kind for column in columns})
    kinds = [column.kind for column in columns]
    if is_plain_text(source) and kinds == ["text"]:
        collector.is_plain_text = True
        collector.add(read_text(source, options.encoding)[0])
    else:
        with open_records(source, {c.header: c.kind for c in columns}, options) as records:
            _collect(records, columns, collector)
            collector.notes += records.notes()
    if options.encoding is None and not collector.is_plain_text:
        num_texts = len(collector) * kinds.count("text")
        counts = (collector.misread, collector.not_ascii, num_texts)
        check_share(source, counts, collector.invalid_bytes)
    if not len(collector):
        if collector.unlabelled:
            raise DatasetError(f"{source} has no text with a label: expected at least one.")
        raise DatasetError(f"{source} has no text: expected at least one that is not empty.")
    return collector


def _collect(records: Records, columns: Sequence[Column], collector: TextCollector) -> None:
    if records.format == "lines":
        lines = [f"{record.fields[0]}\n" for record in records]
        if file_suffix(records.source) or [column.kind for column in columns] != ["text"]:
            if any(line.strip() for line in lines):
                raise _no_columns(records.source, columns)
        elif lines:
            collector.is_plain_text = True
            collector.add("".join(lines))
        return
    places = [records.place(column.header) for column in columns]
    is_text = [column.kind == "text" for column in columns]
    headers = [column.header for column in columns]
    num_headers = 0
    for record in records:
        fields = [record.fields[place] for place in places]
        # Tables that were put together with their headers.
        if len(columns) > 1 and fields == headers and records.format in ("table", "sheet"):
            num_headers += 1
            continue
        values: list[Any] = fields
        # The collector removes examples with an empty text, whatever their other fields hold.
        if not any(_is_empty(f) for f, text in zip(fields, is_text, strict=True) if text):
            try:
                values = [column.parse(f) for f, column in zip(fields, columns, strict=True)]
            except ValueError as error:
                raise DatasetError(f"{records.source}, line {record.line}: {error}.") from None
        else:
            values = ["" if text else None for text in is_text]
        collector.add(*values)
    if num_headers:
        collector.notes.append(f"Lines left out because they repeat the header: {num_headers:,}.")


def _is_empty(field: Any) -> bool:
    return field is None or (isinstance(field, str) and not field.strip()) or field != field


def _no_columns(source: Path, columns: Sequence[Column]) -> DatasetError:
    kinds = sorted(column.kind for column in columns)
    suffix = file_suffix(source)
    what = f"has the suffix {suffix!r}"
    if suffix in ("", ".txt"):
        what = f"is plain text without {list_names(c.header for c in columns if c.kind != 'text')}"
        what = "is one plain text" if set(kinds) == {"text"} else what
    expected = "a .csv, .tsv or .jsonl file"
    if kinds == ["text"]:
        expected = "a .csv, .tsv, .jsonl or .txt file or a folder of .txt files"
    elif kinds == ["category", "text"]:
        expected += " or a folder with one folder per class"
    return DatasetError(f"{source} {what}: expected {expected}.")


def is_plain_text(source: Path) -> bool:
    """Whether the suffix of a file says that it is a single text."""
    return file_suffix(source) == ".txt" and not source.is_dir()
