"""Records of binary files: sheets of Excel (.xlsx), and Parquet."""

import importlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.datasets.dataset import DatasetError
from zoo.datasets.reading.layout import clean_name
from zoo.datasets.reading.opening import Opened, file_suffix
from zoo.datasets.reading.records import Record, Records
from zoo.utils.text import list_names

SHEET_SUFFIXES = (".xlsx", ".xlsm", ".parquet")

_ZIP, _PARQUET, _OLD_OFFICE = b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def open_binary(opened: Opened, names: list[str]) -> Records | None:
    """Returns the records of a sheet or Parquet file; None for any other file.

    Args:
        opened: The open file.
        names: The names of the columns sought, for a sheet with a title above its header.

    Raises:
        DatasetError: If the file is damaged or of another binary format, or if the package that
            reads it is not installed.
    """
    start, suffix = opened.start, file_suffix(opened.source)
    if start.startswith(_PARQUET) or suffix == ".parquet":
        return ParquetRecords(opened)
    is_sheet = suffix in SHEET_SUFFIXES
    if start.startswith(_ZIP) or is_sheet:
        content = io.BytesIO(b"".join(opened.chunks()))
        if is_sheet or _holds(content, "xl/workbook.xml"):
            return SheetRecords(opened.source, content, names)
        raise DatasetError(
            f"{opened.source} is a ZIP archive: unpack it, or compress the file with gzip."
        )
    if start.startswith(_OLD_OFFICE):
        raise DatasetError(
            f"{opened.source} is a file of an old Office program: save it as .xlsx or .csv."
        )
    return None


def _holds(content: io.BytesIO, name: str) -> bool:
    try:
        with zipfile.ZipFile(content) as archive:
            return name in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _module(name: str, source: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise DatasetError(
            f"{source} can only be read with the package {package}, which is not installed: it is "
            "in the extra 'tables'."
        ) from None


class SheetRecords(Records):
    """The rows of the first sheet of an Excel workbook that is not empty.

    The header is the first row that has the names sought, else the first row that is not empty.

    Args:
        source: The path.
        content: The file.
        names: The names sought.
    """

    format = "sheet"

    def __init__(self, source: Path, content: io.BytesIO, names: list[str]):
        super().__init__(source)
        openpyxl = _module("openpyxl", source)
        try:
            self._book = openpyxl.load_workbook(content, read_only=True, data_only=True)
            sheets = {sheet.title: list(_rows(sheet)) for sheet in self._book.worksheets}
        except Exception as error:  # Of whatever kind a damaged archive or document causes.
            raise DatasetError(
                f"{source} is no Excel workbook, or is damaged: {str(error).rstrip('.')}."
            ) from error
        filled = {title: rows for title, rows in sheets.items() if rows}
        if not filled:
            raise DatasetError(f"{source} is empty: expected a first row that names the columns.")
        title = next(iter(filled))
        self._others = [other for other in filled if other != title]
        rows = filled[title]
        found = [n for n, (_, row) in enumerate(rows[:20]) if set(names) <= {*map(_name, row)}]
        self._above = found[0] if found and names else 0
        self.header = [*map(_name, rows[self._above][1])]
        while self.header and not self.header[-1]:
            self.header.pop()
        self._rows = rows[self._above + 1 :]

    def __iter__(self) -> Iterator[Record]:
        size = len(self.header)
        for number, row in self._rows:
            yield Record(number, [*row[:size], *[None] * (size - len(row))], b"")

    def notes(self) -> list[str]:
        """Returns sentences on what was left out."""
        notes = []
        if self._others:
            notes.append(f"Sheets left out: {list_names(self._others)}.")
        if self._above:
            notes.append(f"Rows left out above the header: {self._above:,}.")
        return notes


def _rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Yields the rows of a sheet that are not empty, with their numbers."""
    sheet.reset_dimensions()  # Some programs write wrong ones.
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(value is not None and str(value).strip() for value in row):
            yield number, list(row)


def _name(value: Any) -> str:
    return "" if value is None else clean_name(str(value))


class ParquetRecords(Records):
    """The rows of a Parquet file, batch by batch.

    Args:
        opened: The open file.
    """

    format = "parquet"

    def __init__(self, opened: Opened):
        super().__init__(opened.source)
        parquet = _module("pyarrow.parquet", opened.source)
        self._opened = opened
        try:
            self._file = parquet.ParquetFile(
                io.BytesIO(b"".join(opened.chunks()))
                if opened.is_live or opened.is_compressed
                else opened.source
            )
        except Exception as error:  # pyarrow raises errors of several kinds.
            raise DatasetError(
                f"{opened.source} is no Parquet file, or is damaged: {str(error).rstrip('.')}."
            ) from error
        opened.close()
        self.header = [clean_name(name) for name in self._file.schema_arrow.names]

    def __iter__(self) -> Iterator[Record]:
        number = 0
        for batch in self._file.iter_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield Record(number, list(row), b"")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
