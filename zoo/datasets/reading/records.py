"""`Records`: the records of a file, one by one."""

import abc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from zoo.datasets.dataset import DatasetError
from zoo.utils.text import list_names


class Record(NamedTuple):
    """One record of a file.

    Attributes:
        line: Its first line in the file, from 1; in a sheet or Parquet file its row.
        fields: Its values, one per name in `Records.header`. They are strings, except for JSON,
            sheets and Parquet, which also have numbers, booleans, None, lists and dicts. Bytes that
            are not valid in the encoding are surrogates; see `zoo.datasets.audit.repair`.
        raw: Its bytes as read, with the line end if it has one, several lines if it spans several;
            b"" for sheets, Parquet, and JSON that is not one object per line.
    """

    line: int
    fields: list[Any]
    raw: bytes


class Records(abc.ABC):
    r"""The records of an open file. Iterate once; a record is yielded as soon as it is complete.

    Attributes:
        source: The path, as errors name it.
        format: `"table"` (CSV, TSV and the like), `"json"`, `"fasttext"`, `"lines"` (plain text,
            one record per line), `"sheet"` (.xlsx), `"parquet"` or `"folder"`.
        header: Names of the fields, without white space around them.
        has_header: Whether the file itself names the columns. If not, they come from the option
            `header`, or the file has two columns and it is evident which of them is the label.
        encoding: The encoding of `raw`, `preamble` and `header_raw`.
        preamble: The bytes before the header: byte order mark, `sep=;`, title, blank lines.
        header_raw: The bytes of the header line with its line end; b"" without a header.
        line_end: The line end of the file's first lines: "\n", "\r\n" or "\r".
    """

    format = ""
    has_header = True
    encoding = "utf-8"
    preamble = b""
    header_raw = b""
    line_end = "\n"
    header: list[str]

    def __init__(self, source: Path):
        self.source = source

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Record]: ...

    def place(self, name: str) -> int:
        """Returns the index of a column in `header`.

        Raises:
            DatasetError: If there is none of that name, or several.
        """
        if self.header.count(name) > 1:
            raise DatasetError(
                f"{self.source} has {self.header.count(name)} columns {name!r}: expected one."
            )
        if name not in self.header:
            raise DatasetError(self._no_column(name))
        return self.header.index(name)

    def _no_column(self, name: str) -> str:
        return f"{self.source} has no column {name!r}: it has {list_names(self.header)}."

    def with_cells(self, record: Record | None, cells: list[str]) -> bytes:
        """Returns the bytes of a record, or of the header for None, with cells added at its end.

        Raises:
            TypeError: If the format has no raw bytes, or is not a table.
        """
        raise TypeError(f"{self.format} has no cells that can be added.")

    def call_before_waiting(self, function: Callable[[], None]) -> None:
        """Has a function called before each wait for more of a pipe.

        The records so far can then be handled while the next one has not come.
        """
        lines = getattr(self, "_lines", None)
        if lines is not None:
            lines.call_before_waiting(function)

    def notes(self) -> list[str]:
        """Returns sentences on what was left out or joined so far; complete after iteration."""
        return []

    def close(self) -> None:  # noqa: B027  Some formats are read at once.
        """Closes the file. Iteration to the end does so, too."""

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_) -> None:
        self.close()
