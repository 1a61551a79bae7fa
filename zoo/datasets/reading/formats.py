"""`open_records`: the records of any readable file, by its contents and its suffix."""

import os
import re
from collections.abc import Mapping

from zoo.datasets.dataset import absolute_path
from zoo.datasets.reading.json_records import JSON_SUFFIXES, JsonRecords
from zoo.datasets.reading.layout import TABLE_SUFFIXES, find_layout
from zoo.datasets.reading.lines import FASTTEXT_LABEL, FastTextRecords, LineRecords
from zoo.datasets.reading.opening import COMPRESSED_SUFFIXES, Lines, Opened, file_suffix
from zoo.datasets.reading.options import ReadingOptions
from zoo.datasets.reading.records import Records
from zoo.datasets.reading.sheets import SHEET_SUFFIXES, open_binary
from zoo.datasets.reading.tables import TableRecords
from zoo.datasets.reading.texts import FolderRecords

# A name with one of these is a path.
FILE_SUFFIXES = (*TABLE_SUFFIXES, *JSON_SUFFIXES, *SHEET_SUFFIXES, ".txt", *COMPRESSED_SUFFIXES)


def open_records(
    source: str | os.PathLike,
    columns: Mapping[str, str] | None = None,
    options: ReadingOptions | None = None,
) -> Records:
    r"""Opens a file, whatever its format, and reads its header.

    The format is that of the contents and of the suffix: .csv and .tsv are tables, .json, .jsonl
    and .ndjson are JSON, .xlsx is a sheet and .parquet Parquet (both need the extra `tables`), and
    all of them may be compressed (.gz, .bz2, .xz). Other names, the standard input among them, are
    tables if a first line names the `columns`, JSON or fastText's `__label__` lines if they look
    like it, and else plain text, each line a record with one field, `text`.

    The encoding is that of the byte order mark, else UTF-8. In a table the delimiter is the one
    that fits of comma, semicolon, tab and bar, or is named by a first line `sep=;`; lines above the
    header are skipped if they are blank, a title or comments; blank lines are skipped anywhere.
    Nothing waits for more than a line: the answers of a live pipe can be given one by one.

    Args:
        source: A file, a named pipe, "/dev/stdin" or "-", which is the standard input; or a folder
            of texts, see `zoo.datasets.from_files`.
        columns: Mapping from the name of a column that will be used, as the file has it, to its
            kind: `"text"`, `"category"` or `"number"`. It helps to recognize the header and the
            delimiter; `Records.place` checks that the columns are there.
        options: Encoding, delimiter and header, if they cannot be read off the file.

    Raises:
        DatasetError: If the file does not exist, is damaged or is not valid in its encoding.
            Iteration raises it, too, with the line.
        OSError: If the file cannot be read.

    Example:
    >>> with open("two.csv", "w") as file:
    ...     print("text;stars", "Fine; it is.;5".replace("; ", ", "), sep=chr(10), file=file)
    >>> records = zoo.datasets.open_records("two.csv", {"text": "text"})
    >>> records.header, [(record.line, record.fields, record.raw) for record in records]
    (['text', 'stars'], [(2, ['Fine, it is.', '5'], b'Fine, it is.;5\n')])
    """
    columns = dict(columns or {})
    options = options or ReadingOptions()
    if (folder := absolute_path(source)).is_dir():
        return FolderRecords(folder, columns, options.encoding)
    opened = Opened(source)
    try:
        return open_binary(opened, list(columns)) or _open_text(opened, columns, options)
    except BaseException:
        opened.close()
        raise


def _open_text(opened: Opened, columns: dict[str, str], options: ReadingOptions) -> Records:
    suffix = file_suffix(opened.source)
    lines = Lines(opened, options.encoding)
    sample = [line for line in lines.sample() if line.strip()]
    first = sample[0].lstrip("\ufeff \t") if sample else ""
    is_json = suffix not in (*TABLE_SUFFIXES, ".txt") and re.match(r"\{|\[\s*[\[{]|\[$", first)
    if suffix in JSON_SUFFIXES or is_json:
        return JsonRecords(lines, columns, options)
    if sample and all(line.startswith(FASTTEXT_LABEL) for line in sample):
        return FastTextRecords(lines, columns)
    layout = find_layout(lines.sample(), suffix, columns, options)
    if suffix in TABLE_SUFFIXES or layout.is_evident:
        return TableRecords(lines, layout)
    return LineRecords(lines)
