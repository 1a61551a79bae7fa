"""Records of JSON: one object per line, an array of objects, or a table by columns or rows."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zoo.datasets.dataset import DatasetError
from zoo.datasets.reading.opening import Line, Lines
from zoo.datasets.reading.options import ReadingOptions
from zoo.datasets.reading.records import Record, Records
from zoo.utils.text import list_names

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".jl")

_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")


class JsonRecords(Records):
    """The records of a JSON file.

    Read as they come: one object per line, with or without a comma at its end; blank lines and
    comments (`//`, `#`) are skipped. Read as a whole: an array of objects, objects of several
    lines, and the orientations of pandas (`columns`, `index`, `split`, `table`, lists per column).
    Arrays are records if the option `header` names their values.

    A key that some objects lack is null there. `data.text` is the key `text` of the object in
    `data`, unless there is a key of that name.

    Args:
        lines: The lines of the file.
        columns: Mapping from the names sought to their kinds.
        options: What the user says about the file.
    """

    format = "json"

    def __init__(self, lines: Lines, columns: Mapping[str, str], options: ReadingOptions):
        super().__init__(lines.source)
        self._lines, self._columns = lines, columns
        self._array_names = options.header_names
        self.encoding, self.preamble = lines.encoding, lines.mark
        self._comments = 0
        sample = lines.sample()
        first = next((line.strip() for line in sample if not _is_skipped(line)), "")
        self._is_by_line = first.startswith("{") and _is_object(first.rstrip(","))
        self._rows: Iterable[tuple[int, Any, bytes]] = self._by_line()
        known: list[Any] = []
        if self._is_by_line:
            self.line_end = "\r\n" if b"\r\n" in lines.start else lines.end
            known = [*map(_loaded, sample)]
        if not self._is_by_line or (len(known) == 1 and not lines.is_live):
            self._rows = known_rows = list(self._whole())
            known = [row for _, row, _ in known_rows]
        found = dict.fromkeys(key for row in known if isinstance(row, dict) for key in row)
        if self._array_names and not found:
            found = dict.fromkeys(self._array_names)
        # Keys within objects, by their path.
        nested = [n for n in columns if n not in found and any(_get(r, n)[1] for r in known)]
        self._absent = [n for n in columns if n not in found and n not in nested]
        self._found = list(found)
        self.header = [*found, *nested, *self._absent]

    def __iter__(self) -> Iterator[Record]:
        for line, row, raw in self._rows:
            where = f"{self.source}, line {line}"
            if isinstance(row, list) and len(row) == len(self._array_names or ()):
                row = dict(zip(self._array_names or (), row, strict=True))
            if not isinstance(row, dict):
                wanted = f" with {next(iter(self._columns))!r}" if self._columns else ""
                raise DatasetError(
                    f"{where}: expected a JSON object{wanted}, found {kind_of(row)}."
                )
            for name in self._absent:
                if not _get(row, name)[1]:
                    near = [key for key in row if key.casefold() == name.casefold()]
                    hint = f" Did you mean {near[0]!r}?" if near else ""
                    raise DatasetError(
                        f"{where}: expected {name!r}, found only {list_names(row)}.{hint}"
                    )
            self._absent = []
            yield Record(line, [_get(row, name)[0] for name in self.header], raw)

    def _by_line(self) -> Iterator[tuple[int, Any, bytes]]:
        is_first = True
        for line in self._lines:
            if _is_skipped(line.text):
                self._comments += bool(line.text.strip("\ufeff \t\r\n\x1a"))
                continue
            text = line.text.lstrip("\ufeff") if is_first else line.text
            is_first = False
            try:
                yield line.number, self._parse(text), line.raw
            except _NotJson as error:
                raise DatasetError(
                    f"{self.source}, line {line.number}: expected one JSON object per line, found "
                    f"what is not JSON: {error}."
                ) from error

    @staticmethod
    def _parse(text: str) -> Any:
        try:
            return _load(text)
        except _NotJson:
            if not text.rstrip().endswith("},"):
                raise
            return _load(text.rstrip().removesuffix(","))

    def _whole(self) -> Iterator[tuple[int, Any, bytes]]:
        """Yields the records of a file that is read as a whole."""
        kept: list[Line] = list(self._lines)
        comments = [line.number for line in kept if _is_skipped(line.text)]
        self._comments = sum(
            bool(kept[number - 1].text.strip("\ufeff \t\x1a")) for number in comments
        )
        text = "".join(
            ("" if _is_skipped(line.text) else line.text.lstrip("\ufeff")) + "\n" for line in kept
        )
        values = list(self._values(text))
        if len(values) == 1 and isinstance(values[0][1], dict):
            table = _rows_of(values[0][1], list(self._columns))
            if table is not None:
                yield from ((1, row, b"") for row in table)
                return
            yield (*values[0], kept[values[0][0] - 1].raw if self._is_by_line else b"")
            return
        yield from ((line, value, b"") for line, value in values)

    def _values(self, text: str) -> Iterator[tuple[int, Any]]:
        """Yields the values of an array, or values that follow each other, with their lines."""
        decoder = json.JSONDecoder(object_pairs_hook=_object)
        position = _SPACE.match(text, 0).end()  # type: ignore[union-attr]
        is_array = text.startswith("[", position)
        if is_array and self._array_names and not re.match(r"\[\s*[\[{]", text[position:]):
            is_array = False  # One array per line, or several.
        position += is_array
        line, counted = 1, 0
        while True:
            position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
            if is_array and text.startswith("]", position):
                position, is_array = position + 1, False
                continue
            if position >= len(text):
                if is_array:
                    raise self._damaged(text, "the array has no end")
                return
            line, counted = line + text.count("\n", counted, position), position
            try:
                value, position = decoder.raw_decode(text, position)
            except (ValueError, RecursionError) as error:
                place = getattr(error, "pos", position)
                number = text.count("\n", 0, place) + 1
                raise DatasetError(
                    f"{self.source}, line {number}: expected JSON, found what is not: "
                    f"{getattr(error, 'msg', error)}."
                ) from error
            yield line, value

    def _damaged(self, text: str, reason: str) -> DatasetError:
        line = text.rstrip().count("\n") + 1
        return DatasetError(
            f"{self.source}, line {line}: expected JSON, found what is not: {reason}."
        )

    def notes(self) -> list[str]:
        """Returns sentences on what was left out or joined so far; complete after iteration."""
        if not self._comments:
            return []
        return [f"Lines left out because they are comments: {self._comments:,}."]

    def close(self) -> None:
        """Closes the file."""
        self._lines.close()


class _NotJson(ValueError):
    """A text is not JSON."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} comes twice in an object")
    return made


def _load(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise _NotJson(getattr(error, "msg", None) or str(error)) from error


def _loaded(text: str) -> Any:
    """The value of a line of the sample; None if it is none, which iteration reports."""
    try:
        return JsonRecords._parse(text)
    except _NotJson:
        return None


def _is_object(text: str) -> bool:
    try:
        return isinstance(_load(text), dict)
    except _NotJson as error:
        # A key that comes twice is reported with its line.
        return "comes twice" in str(error)


def _is_skipped(line: str) -> bool:
    content = line.strip("\ufeff \t\r\n\x1a")
    return not content or content.startswith(("//", "#"))


def _get(row: Any, name: str) -> tuple[Any, bool]:
    """Returns (the value of a key or of a path of keys, whether there is one)."""
    if not isinstance(row, dict):
        return None, False
    if name in row:
        return row[name], True
    first, _, rest = name.partition(".")
    return _get(row.get(first), rest) if rest else (None, False)


def _rows_of(table: dict[str, Any], names: list[str]) -> list[Any] | None:
    """Returns the records of an object that holds all of them; None if it is one record."""
    if isinstance(table.get("columns"), list) and isinstance(table.get("data"), list):
        return [dict(zip(table["columns"], row, strict=False)) for row in table["data"]]
    columns = {key: value for key, value in table.items() if isinstance(value, (dict, list))}
    if names and all(name in columns for name in names):
        sizes = {len(columns[name]) for name in names}
        if len(sizes) > 1:
            return None
        if all(isinstance(columns[name], list) for name in names):
            lists = {k: v for k, v in columns.items() if isinstance(v, list) and {len(v)} == sizes}
            return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        if all(isinstance(columns[name], dict) for name in names):
            by_index = {key: value for key, value in columns.items() if isinstance(value, dict)}
            return [
                {key: value.get(index) for key, value in by_index.items()}
                for index in columns[names[0]]
            ]
    inner = [v for v in table.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    inner = [rows for rows in inner if not names or any(_get(rows[0], n)[1] for n in names)]
    if len(inner) == 1:
        return inner[0]
    rows = list(table.values())
    if rows and all(isinstance(row, dict) and any(n in row for n in names) for row in rows):
        return rows
    return None


def kind_of(value: Any) -> str:
    """Returns the kind of a JSON value, for messages."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
