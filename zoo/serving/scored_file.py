"""Files with a prediction for each record: what the user's file holds, byte for byte, and more."""

import contextlib
import csv
import io
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from zoo.datasets import DatasetError, ReadingOptions, Record, Records, open_records
from zoo.datasets.audit import repair
from zoo.datasets.reading.encodings import UNESCAPE
from zoo.datasets.reading.opening import file_suffix
from zoo.training.report import Report
from zoo.training.run import Run
from zoo.utils import files

# Records that are predicted at a time.
_BATCH_SIZE = 1024

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = (".jsonl", ".json")

STANDARD_OUTPUT = "-"


def report_of(model: files.StrPath) -> Report | None:
    """The report of a model's run, if there is one.

    Args:
        model: the folder of a run, a SavedModel, or the name of a pretrained model.

    Raises:
        ModelNotFoundError: if there is no model.
    """
    folder = Run.find(model).path
    places = [folder]
    if (folder / "saved_model.pb").is_file():
        # In RUN/saved_model/1, or in NAME/1.
        places += folder.absolute().parents[:2]
    reports = [Run(place).report for place in places]
    return next((Report.load(report) for report in reports if report.is_file()), None)


def columns_of_run(model: files.StrPath) -> dict[str, str]:
    """The names of the columns that a run was fitted on, as arguments of `zoo.datasets.load`.

    They are those of its report; empty without one, and for a run on a named dataset.

    Args:
        model: the folder of a run, a SavedModel, or the name of a pretrained model.
    """
    report = report_of(model)
    arguments = {} if report is None else report.dataset["arguments"]
    return {name: value for name, value in arguments.items() if name.endswith("_column")}


def text_of(record: Record, place: int, source: pathlib.Path) -> str:
    """The text in a field of a record; "" where there is none.

    Raises:
        DatasetError: for a list or an object.
    """
    value = record.fields[place]
    if isinstance(value, (list, dict, bytes)):
        raise DatasetError(
            f"{source}, line {record.line}: expected a text, found one of type "
            f"{type(value).__name__}."
        )
    return "" if value is None or value != value else repair(str(value))


@contextlib.contextmanager
def open_texts(
    source: files.StrPath,
    model: files.StrPath,
    *,
    text_column: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: str | None = None,
) -> Iterator[tuple[Records, int]]:
    """Opens a file with texts for a model.

    Args:
        source: the file, see `zoo.datasets.open_records`; "-" for standard input.
        model: the folder of a run, a SavedModel, or the name of a pretrained model.
        text_column: name of the column with the texts; None for the one that the model was
            fitted on.
        encoding: encoding of the file, such as cp1252; None for that of its byte order mark, else
            UTF-8.
        delimiter: character between the fields of a table, `tab` for a tab; None for the one that
            fits.
        header: names of the columns of a table without a header, as in id,text; None for the
            header of the file.

    Yields:
        (records, index of the texts in a record's fields).

    Raises:
        DatasetError: for a file that cannot be read.
    """
    if text_column is None:
        text_column = columns_of_run(model).get("text_column", "text")
    options = ReadingOptions(encoding, delimiter, header)
    with open_records(source, {text_column: "text"}, options) as records:
        yield records, records.place(text_column)


def texts_of_file(
    source: files.StrPath,
    model: files.StrPath,
    *,
    text_column: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: str | None = None,
) -> Iterator[str]:
    """Yields the texts of a file; of a pipe as they come. For its options see `open_texts`.

    Raises:
        DatasetError: for a file that cannot be read.
    """
    options = {"encoding": encoding, "delimiter": delimiter, "header": header}
    with open_texts(source, model, text_column=text_column, **options) as (records, place):
        for record in records:
            yield text_of(record, place, records.source)


def for_each_batch(records: Records, handle: Callable[[list[Record]], None]) -> None:
    """Calls a function with some records at a time; of a pipe with those that have come."""
    waiting: list[Record] = []

    def flush() -> None:
        batch = list(waiting)
        waiting.clear()
        if batch:
            handle(batch)

    records.call_before_waiting(flush)
    try:
        for record in records:
            waiting.append(record)
            if len(waiting) == _BATCH_SIZE:
                flush()
    except DatasetError:
        flush()  # The records before the faulty one have their predictions.
        raise
    flush()


class Writer:
    """Writes records with further entries to a file, in the format of its name.

    A table or JSON lines stay what they are: their bytes are copied and the entries added. Other
    formats are converted: to a table if the name ends in .csv or .tsv, to JSON objects if it ends
    in .jsonl, one per line, or in .json, an array.

    Args:
        records: where the records come from.
        names: the names of the further entries; with the prefix `predicted_` if a column is called
            like one of them.
        stream: the file to write, open.
        suffix: the suffix of its name, see `suffix_of_output`; "" for the format of the records,
            or JSON lines.
    """

    def __init__(self, records: Records, names: Sequence[str], stream: BinaryIO, suffix: str):
        self._records, self._stream, self._suffix = records, stream, suffix
        prefix = "predicted_" if set(names) & set(records.header) else ""
        self._names = [prefix + name for name in names]
        is_table = records.format == "table"
        self._is_json = suffix in _JSON or not (suffix or is_table)
        delimiter = getattr(records, "delimiter", ",")
        is_tab = delimiter == "\t"
        # A table that is separated by semicolons or bars is a .csv too.
        own = ("", file_suffix(records.source), ".tsv" if is_tab else ".csv")
        self._keeps_table = is_table and suffix in own
        self._delimiter = _DELIMITERS.get(suffix, ",")
        self._separator = b"["
        # Objects of one line each stay as they are.
        self._keeps_json = (records.format, records.encoding) == ("json", "utf-8")
        if self._keeps_table or (self._keeps_json and self._is_json and suffix != ".json"):
            self._write(records.preamble)
        if self._keeps_table:
            if records.has_header:
                self._write(records.with_cells(None, self._names))
        elif not self._is_json:
            self._write(self._row([*records.header, *self._names]))

    def add(self, record: Record, entries: Mapping[str, Any], cells: list[str]) -> None:
        """Writes a record.

        Args:
            record: the record.
            entries: the value of each of the further entries, for JSON.
            cells: the same as text, for a table.
        """
        if self._keeps_table:
            self._write(self._records.with_cells(record, cells))
        elif self._is_json:
            self._write(self._json(record, dict(zip(self._names, entries.values(), strict=True))))
        else:
            self._write(self._row([*map(_cell, record.fields), *cells]))

    def end(self) -> None:
        """Writes what follows the last record."""
        if self._is_json and self._suffix == ".json":
            self._write((b"[" if self._separator == b"[" else b"") + b"\n]\n")

    def flush(self) -> None:
        """Makes what was written visible to a reader."""
        self._stream.flush()

    def _write(self, content: bytes) -> None:
        self._stream.write(content)

    def _row(self, fields: list[str]) -> bytes:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=self._delimiter, lineterminator="\n").writerow(fields)
        return line.getvalue().encode("utf-8", UNESCAPE)

    def _json(self, record: Record, added: dict[str, Any]) -> bytes:
        raw = record.raw.strip().removesuffix(b",").rstrip()
        if self._keeps_json and raw.startswith(b"{") and raw.endswith(b"}"):
            inner = raw[1:-1].rstrip()
            more = repair(json.dumps(added, ensure_ascii=False)).encode()
            content = b"{" + inner + (b", " if inner.strip() else b"") + more[1:]
        else:
            fields = dict(zip(self._records.header, record.fields, strict=True))
            text = json.dumps({**fields, **added}, ensure_ascii=False, default=str)
            content = repair(text).encode()
        if self._suffix != ".json":
            return content + self._records.line_end.encode()
        separator, self._separator = self._separator, b","
        return separator + b"\n" + content


def suffix_of_output(output: files.StrPath) -> str:
    """The suffix of the name of a file to write, which says its format; "" for "-".

    Raises:
        DatasetError: if no such file can be written.
    """
    suffix = pathlib.Path(output).suffix.lower()
    if suffix not in (*_DELIMITERS, *_JSON) and str(output) != STANDARD_OUTPUT:
        raise DatasetError(f"{output}: expected a name that ends in .csv or .tsv, .jsonl or .json.")
    return suffix


def _cell(value: Any) -> str:
    """A field as the cell of a table."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def batches_of_lines(stream: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of a stream without their ends, as many at a time as have come."""
    waiting: list[bytes] = []
    while chunk := stream.read1(1 << 18):  # type: ignore[attr-defined]
        first, *rest = chunk.split(b"\n")
        waiting.append(first)
        if rest:
            lines = [b"".join(waiting), *rest[:-1]]
            waiting = [rest[-1]]
            yield [line.rstrip(b"\r") for line in lines]
    if last := b"".join(waiting):
        yield [last.rstrip(b"\r")]
