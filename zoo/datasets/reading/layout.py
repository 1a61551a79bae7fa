"""The layout of a table: its dialect, the line of its header, or the names it has instead."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zoo.datasets.reading.dialect import DELIMITERS, Dialect, consistent_delimiter, uses_quotes
from zoo.datasets.reading.options import ReadingOptions

TABLE_SUFFIXES = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}

# The first line that Excel writes and reads to name the delimiter.
_SEPARATOR = re.compile(r'\s*"?sep=(.)"?[,;\t|]*\s*', re.IGNORECASE)
# Lines in which a header is looked for.
_MAX_LINES_ABOVE = 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LabelValues = Mapping[int, frozenset[str] | None]
# Columns that files without a header may have, see `_evident_names`.
_LABELLED = {"text": "text", "label": "category"}
_MIN_ROWS_WITHOUT_HEADER = 4


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where a table begins and how it is written.

    Attributes:
        dialect: How records are written.
        skipped: Number of lines above the header, or above the first record if there is none.
        names: The names of the columns if no line has them, else None.
        is_evident: Whether the lines show that they are a table.
        is_recognized: Whether `names` were found without the option `header`.
        label_values: See `label_values`.
    """

    dialect: Dialect
    skipped: int
    names: list[str] | None = None
    is_evident: bool = True
    is_recognized: bool = False
    label_values: LabelValues = dataclasses.field(default_factory=dict)


class _Header(NamedTuple):
    skipped: int
    delimiter: str | None
    num_found: int
    size: int


def clean_name(field: str) -> str:
    """Returns a column's name without white space and byte order marks around it."""
    return field.strip().strip("\ufeff").strip()


def find_layout(
    sample: Sequence[str], suffix: str, columns: Mapping[str, str], options: ReadingOptions
) -> Layout:
    """Finds the layout of a table in its first lines.

    The header is the first line that has the names of all columns sought; without one it is the
    first line.

    Args:
        sample: The first lines.
        suffix: The suffix of the file's name.
        columns: Mapping from the names sought to their kinds.
        options: What the user says about the file.
    """
    skipped, named = _separator(sample)
    candidates = _candidates(options.delimiter or named, suffix)
    while skipped < len(sample) and not sample[skipped].strip():
        skipped += 1
    body = sample[skipped:]
    if options.header_names is not None:
        dialect = _dialect(consistent_delimiter(body, candidates) or candidates[0], body)
        first = [*map(clean_name, dialect.parse(body[0])[0])] if body else []
        names = None if first == options.header_names else options.header_names
        return Layout(dialect, skipped, names, True, False, label_values(body, dialect))

    header = _header(body, candidates, columns)
    is_evident = header.num_found == len(columns) > 0 and (header.size > 1 or suffix != ".txt")
    is_evident |= named is not None or options.delimiter is not None
    if not header.num_found:
        delimiter = consistent_delimiter(body, candidates) or header.delimiter
        dialect = _dialect(delimiter, body)
        names = _evident_names(body, dialect) if columns == _LABELLED else None
        is_evident |= names is not None
        return Layout(
            dialect,
            skipped,
            names,
            is_evident,
            names is not None,
            label_values(body, dialect),
        )
    rows = body[header.skipped :]
    dialect = _dialect(header.delimiter, rows)
    values = label_values(rows[1:], dialect)
    return Layout(dialect, skipped + header.skipped, None, is_evident, False, values)


def _separator(sample: Sequence[str]) -> tuple[int, str | None]:
    """Returns (number of lines that name the delimiter, the delimiter)."""
    for number, line in enumerate(sample):
        if not line.strip("\ufeff \t"):
            continue
        found = _SEPARATOR.fullmatch(line.strip("\ufeff"))
        return (number + 1, found[1]) if found else (0, None)
    return 0, None


def _candidates(named: str | None, suffix: str) -> list[str]:
    if named is not None:
        return [named]
    usual = TABLE_SUFFIXES.get(suffix, ",")
    return [usual, *(delimiter for delimiter in DELIMITERS if delimiter != usual)]


def _header(body: Sequence[str], candidates: list[str], columns: Mapping[str, str]) -> _Header:
    """Returns the first line with all names, else the first line, as the best delimiter has it."""
    best = _Header(0, candidates[0], 0, 0)
    for number in range(min(len(body), _MAX_LINES_ABOVE)):
        for delimiter in candidates:
            names = _names(body, number, delimiter)
            found = sum(names.count(name) > 0 for name in columns)
            header = _Header(number, delimiter, found, len(names))
            if found == len(columns) > 0:
                return header
            if number == 0 and found > best.num_found:
                best = header
    return best


def _names(body: Sequence[str], number: int, delimiter: str) -> list[str]:
    """Returns the fields of the record that starts in a line of the sample."""
    dialect = Dialect(delimiter)
    record = body[number]
    for following in [*body[number + 1 : number + _MAX_LINES_ABOVE], None]:
        parsed = dialect.parse(record.lstrip("\ufeff"))
        if not parsed.is_open:
            return [*map(clean_name, parsed.fields)]
        if following is not None:
            record = f"{record}\n{following}"
    return [*map(clean_name, dialect.split(body[number]))]


def _dialect(delimiter: str | None, rows: Sequence[str]) -> Dialect:
    if delimiter == "\t" and not uses_quotes(rows, delimiter):
        return Dialect(delimiter, None)
    if not any('"' in row for row in rows) and _has_single_quotes(delimiter, rows):
        return Dialect(delimiter, "'")
    return Dialect(delimiter)


def _has_single_quotes(delimiter: str | None, rows: Sequence[str]) -> bool:
    """Whether records have equally many fields only if single quotes are taken for quotes."""
    if delimiter is None or not rows:
        return False
    single, size = Dialect(delimiter, "'"), len(Dialect(delimiter).split(rows[0]))
    full = [row for row in rows[1:] if row.strip()]
    return any(len(row.split(delimiter)) != size for row in full) and all(
        len(single.parse(row)[0]) == size for row in full
    )


def label_values(rows: Sequence[str], dialect: Dialect) -> LabelValues:
    """Returns the values of each column in which they repeat, by its index; None for numbers.

    They tell a quote that opens a field of several lines from a stray one: with a stray one, each
    of these lines is a record, and has such a value.
    """
    records = [
        dialect.split(row)
        for row in rows
        if row.strip() and (dialect.quote is None or dialect.quote not in row)
    ]
    if not records:
        return {}
    size, _ = Counter(map(len, records)).most_common(1)[0]
    whole = [record for record in records if len(record) == size > 1]
    repeating: dict[int, frozenset[str] | None] = {}
    for place in range(size):
        values = frozenset(record[place].strip() for record in whole)
        if len(whole) >= 4 and len(values) <= len(whole) / 2:
            repeating[place] = values
        elif len(whole) >= 4 and all(map(_NUMBER.fullmatch, values)):
            repeating[place] = None
    return repeating


def is_label(field: str, known: frozenset[str] | None) -> bool:
    """Whether a field is one of the values of a column, or a number if these are numbers."""
    field = field.strip()
    return bool(_NUMBER.fullmatch(field)) if known is None else field in known


def _evident_names(body: Sequence[str], dialect: Dialect) -> list[str] | None:
    """Returns the names of two columns without a header if it is evident which is the label.

    It is the column whose values repeat, among them the value in the first line. A header would
    not be repeated below itself.
    """
    rows = [row for row in body if row.strip()]
    records = [record for row in rows if len(record := dialect.parse(row)[0]) == 2]
    if len(records) < max(_MIN_ROWS_WITHOUT_HEADER, 0.9 * len(rows)) or len(records[0]) != 2:
        return None
    if len(dialect.parse(rows[0])[0]) != 2:
        return None
    columns = [[field.strip() for field in column] for column in zip(*records, strict=True)]
    for label, text in ((0, 1), (1, 0)):
        labels, texts = columns[label], columns[text]
        if (
            2 <= len(set(labels)) <= len(labels) / 2
            and labels[0] in labels[1:]
            and len(set(texts)) > len(texts) / 2
            and sum(map(len, texts)) > sum(map(len, labels))
        ):
            return ["label", "text"] if label == 0 else ["text", "label"]
    return None
