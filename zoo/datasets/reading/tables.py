"""Records of tables with delimiters: CSV, TSV and the like."""

from collections import deque
from collections.abc import Iterator

from zoo.datasets.audit import repair
from zoo.datasets.dataset import DatasetError
from zoo.datasets.reading.dialect import Parsed
from zoo.datasets.reading.encodings import ESCAPE, UNESCAPE
from zoo.datasets.reading.layout import LabelValues, Layout, clean_name, is_label, label_values
from zoo.datasets.reading.opening import Line, Lines
from zoo.datasets.reading.records import Record, Records
from zoo.utils.text import list_names

# With this number of consecutive lines that are records by themselves, a quote is a stray one.
_MAX_RECORDS_IN_QUOTES = 50
# The least number of lines that must look like records if no column shows what a record is.
_MIN_RECORDS_WITHOUT_LABELS = 8
# So many records of a pipe are kept to know its labels.
_NUM_SEEN = 200


class TableRecords(Records):
    """The records of a table.

    A quote that is not closed, or whose field spans lines that are records by themselves, is text:
    no record is joined to another one. `notes` counts such lines, and the records of several lines.

    Args:
        lines: The lines of the file.
        layout: The dialect and the place of the header.

    Attributes:
        delimiter: The character between fields.

    Raises:
        DatasetError: If there is no header.
    """

    format = "table"

    def __init__(self, lines: Lines, layout: Layout):
        super().__init__(lines.source)
        self._lines, self._layout, self._dialect = lines, layout, layout.dialect
        self.encoding = lines.encoding
        self.delimiter = layout.dialect.delimiter or ","
        self.preamble = lines.mark
        self._several_lines = 0
        self._stray_quotes = 0
        self._above = 0
        self._waiting: deque[Line] = deque()
        self._rest = iter(lines)
        self._seen: list[str] = []  # The first lines of a pipe, which had no sample.
        self._read_header()

    def _read_header(self) -> None:
        for _ in range(self._layout.skipped):
            line = self._next_line()
            if line is not None:
                self.line_end = line.end or self.line_end
                self.preamble += line.raw
                is_shown = line.text.strip() and not line.text.lower().lstrip('\ufeff"').startswith(
                    "sep="
                )
                self._above += bool(is_shown)
        if self._layout.names is not None:
            self.header, self.has_header = list(self._layout.names), False
            if (line := self._next_line()) is not None:
                self.line_end = line.end or self.line_end
                self._waiting.appendleft(line)
            return
        line = self._next_line()
        while line is not None and not line.text.strip():
            self.preamble += line.raw
            line = self._next_line()
        if line is None:
            raise DatasetError(
                f"{self.source} is empty: expected a first line that names the columns."
            )
        self.line_end = line.end or self.line_end
        fields, self.header_raw = self._gather_header(line)
        self.header = [repair(clean_name(field)) for field in fields]
        while len(self.header) > 1 and not self.header[-1]:
            self.header.pop()  # A delimiter at the end of each line.

    def _gather_header(self, line: Line) -> tuple[list[str], bytes]:
        text, raw, end = line.text.lstrip("\ufeff"), line.raw, line.end
        parsed = self._dialect.parse(text)
        while parsed.is_open and (following := self._next_line()) is not None:
            text, raw, end = text + end + following.text, raw + following.raw, following.end
            parsed = self._dialect.parse(text)
        return parsed.fields, raw

    def _next_line(self) -> Line | None:
        return self._waiting.popleft() if self._waiting else next(self._rest, None)

    def __iter__(self) -> Iterator[Record]:
        while (line := self._next_line()) is not None:
            if not line.text.strip(" \x1a\ufeff"):
                continue
            fields, is_open, has_stray = self._dialect.parse(line.text)
            if is_open:
                yield self._gather(line)
            elif (fitting := self._fit(fields, line.text)) is not None:
                self._stray_quotes += has_stray
                if self._lines.is_live and len(self._seen) < _NUM_SEEN:
                    self._seen.append(line.text)
                yield Record(line.number, fitting, line.raw)
            elif line.text.strip():
                raise self._wrong_size(line, fields)

    def _fit(self, fields: list[str], text: str) -> list[str] | None:
        """Returns as many fields as the header has, or None."""
        size = len(self.header)
        if len(fields) == size:
            return fields
        if len(fields) > size and not any(field.strip() for field in fields[size:]):
            return fields[:size]
        if "\\" in text:
            escaped, is_open, _ = self._dialect.parse(text, has_backslashes=True)
            if len(escaped) == size and not is_open:
                return escaped
        return None

    def _gather(self, first: Line) -> Record:
        """Returns the record that starts in a line with a quote that it does not close."""
        taken, text = [first], first.text
        values = self._layout.label_values
        if self._lines.is_live:
            values = label_values(self._seen, self._dialect)
        is_stray = self._is_record(first, values)
        found: Parsed | None = None
        while (line := self._next_line()) is not None:
            taken.append(line)
            is_stray = is_stray and self._is_record(line, values)
            if (self._dialect.quote or "") in line.text:
                text = "".join(each.text + each.end for each in taken[:-1]) + line.text
                parsed = self._dialect.parse(text)
                if not parsed.is_open:
                    found = parsed
                    break
            if is_stray and len(taken) >= _MAX_RECORDS_IN_QUOTES:
                break
        is_stray = is_stray and (bool(values) or len(taken) >= _MIN_RECORDS_WITHOUT_LABELS)
        if found and not found.has_stray and not is_stray:
            fitting = self._fit(found.fields, text)
            if fitting is not None:
                self._several_lines += 1
                return Record(first.number, fitting, b"".join(line.raw for line in taken))
        self._waiting.extendleft(reversed(taken[1:]))
        fitting = self._fit(self._dialect.split(first.text), "")
        if fitting is not None:
            self._stray_quotes += 1
            return Record(first.number, fitting, first.raw)
        if found and not found.has_stray:
            raise self._wrong_size(first, found.fields)
        raise DatasetError(
            f"{self.source}, line {first.number}: expected quotes to be closed, and doubled within "
            "a field."
        )

    def _is_record(self, line: Line, values: LabelValues) -> bool:
        """Whether a line is a record by itself, with labels that others have, its quotes text."""
        fields = self._dialect.split(line.text)
        return (
            len(fields) == len(self.header)
            and len(fields) > 1
            and all(is_label(fields[place], known) for place, known in values.items())
        )

    def _wrong_size(self, line: Line, fields: list[str]) -> DatasetError:
        return DatasetError(
            f"{self.source}, line {line.number}: expected {len(self.header)} fields, as the first "
            f"line has, found {len(fields)}."
        )

    def _no_column(self, name: str) -> str:
        message = (
            f"{self.source} has no column {name!r}: its first line, which should name the columns, "
            f"has {list_names(self.header)}."
        )
        if not self.has_header:
            return f"{self.source} has no column {name!r}: header names {list_names(self.header)}."
        near = [other for other in self.header if other.casefold() == name.casefold()]
        return f"{message} Did you mean {near[0]!r}?" if near else message

    def with_cells(self, record: Record | None, cells: list[str]) -> bytes:
        """Returns the bytes of a record, or of the header for None, with cells added at its end."""
        raw = self.header_raw if record is None else record.raw
        fields = self.header if record is None else record.fields
        text = raw.decode(self.encoding, ESCAPE)
        content = text.rstrip("\r\n") if text.endswith(("\r", "\n")) else text
        end = text[len(content) :]
        before = raw[: len(raw) - len(end.encode(self.encoding))]
        if len(self._dialect.parse(content).fields) != len(fields):
            before = self._dialect.join(fields).encode(self.encoding, UNESCAPE)
        added = self.delimiter + self._dialect.join(cells) + (end or self.line_end)
        return before + added.encode(self.encoding, UNESCAPE)

    def notes(self) -> list[str]:
        """Returns sentences on what was left out or joined so far; complete after iteration."""
        notes = []
        if not self.has_header and self._layout.is_recognized:
            notes.append(
                "The first line is read as a text with its label, because it names no columns: "
                f"the columns are {list_names(self.header)}."
            )
        if self._above:
            notes.append(f"Lines left out above the header: {self._above:,}.")
        if self._several_lines:
            notes.append(
                f"Records of several lines, because of the quotes around a field: "
                f"{self._several_lines:,}."
            )
        if self._stray_quotes:
            notes.append(
                "Lines with a quote at the start of a field that does not enclose it, read as "
                f"text: {self._stray_quotes:,}."
            )
        return notes

    def close(self) -> None:
        """Closes the file."""
        self._lines.close()
