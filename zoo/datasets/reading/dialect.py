"""How the records of a table are written: delimiters, quotes, and which of both a file has."""

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

DELIMITERS = (",", ";", "\t", "|")


class Parsed(NamedTuple):
    """The fields of a record.

    Attributes:
        fields: The fields; the last one as it is if `is_open`.
        is_open: Whether the last field has an opening quote and no closing one.
        has_stray: Whether another field starts with a quote that does not enclose the field.
    """

    fields: list[str]
    is_open: bool = False
    has_stray: bool = False


@dataclasses.dataclass(frozen=True)
class Dialect:
    r"""How fields become a line of a table.

    A quote opens a field only where the field starts with it, and closes it only where the field
    ends. Within the field quotes are doubled, or follow a backslash. All other quotes are text.

    Args:
        delimiter: The character between fields; None: a line is one field.
        quote: The character around fields that hold delimiters or line ends; None: quotes are text,
            as in TSV (IANA, text/tab-separated-values).
    """

    delimiter: str | None
    quote: str | None = '"'

    def split(self, text: str) -> list[str]:
        """Returns the fields of a line in which quotes are text."""
        return [text] if self.delimiter is None else text.split(self.delimiter)

    def parse(self, text: str, has_backslashes: bool = False) -> Parsed:
        """Returns the fields of a record.

        Args:
            text: One line, or several that a quoted field spans.
            has_backslashes: Whether a quote after a backslash never closes a field. If not, it may.
        """
        if self.quote is None or self.quote not in text:
            return Parsed(self.split(text))
        plain, escaped, unclosed = _patterns(self.delimiter, self.quote)
        closed = [escaped] if has_backslashes else [plain, escaped]
        fields: list[str] = []
        position, has_stray = 0, False
        while True:
            found = next((m for pattern in closed if (m := pattern.match(text, position))), None)
            if found:
                field = found[1].replace(self.quote * 2, self.quote)
                if found.re is escaped:
                    field = field.replace(f"\\{self.quote}", self.quote)
                end = found.end()
            elif unclosed.match(text, position):
                return Parsed([*fields, text[position:]], True, has_stray)
            else:
                end = -1 if self.delimiter is None else text.find(self.delimiter, position)
                end = len(text) if end < 0 else end
                field = text[position:end]
                has_stray |= field.lstrip(" ").startswith(self.quote)
            fields.append(field)
            if end >= len(text):
                return Parsed(fields, False, has_stray)
            position = end + 1

    def join(self, fields: Sequence[str]) -> str:
        """Returns a line without its end; `parse` returns the fields again.

        Without quotes, delimiters and line ends in a field become spaces.
        """
        delimiter = self.delimiter or ","
        if self.quote is None:
            return delimiter.join(re.sub(rf"[\r\n{re.escape(delimiter)}]", " ", f) for f in fields)
        return delimiter.join(self._quoted(field, delimiter) for field in fields)

    def _quoted(self, field: str, delimiter: str) -> str:
        quote = self.quote or '"'
        if not field.strip(" ").startswith(quote) and not re.search(
            rf"[\r\n{re.escape(delimiter + quote)}]", field
        ):
            return field
        return quote + field.replace(quote, quote * 2) + quote


@functools.lru_cache
def _patterns(delimiter: str | None, quote: str) -> tuple[re.Pattern, re.Pattern, re.Pattern]:
    """Patterns of a field: closed; closed, with backslashes; not closed."""
    q = re.escape(quote)
    end = r"(?=\Z)" if delimiter is None else rf"(?=\Z|{re.escape(delimiter)})"
    space = "" if delimiter == " " else " *"
    plain = rf"[^{q}]*(?:{q}{q}[^{q}]*)*"
    escaped = rf"[^{q}\\]*(?:(?:{q}{q}|\\.)[^{q}\\]*)*"
    return (
        re.compile(rf"{space}{q}({plain}){q}{space}{end}"),
        re.compile(rf"{space}{q}({escaped}){q}{space}{end}", re.DOTALL),
        re.compile(rf"{space}{q}(?:{plain}|{escaped})\Z", re.DOTALL),
    )


def uses_quotes(lines: Sequence[str], delimiter: str, quote: str = '"') -> bool:
    """Whether a file with tabs quotes its fields, as a CSV writer does and as TSV does not.

    A CSV writer quotes each field that has a quote in it. So one field that has quotes and is not
    quoted shows that there is no quoting; a field that would be misread without quoting, or a
    column of quoted fields only, shows that there is.
    """
    dialect = Dialect(delimiter, quote)
    size = len(dialect.split(lines[0])) if lines else 0
    is_shown = False
    wrapped = [0] * size
    num_records = 0
    for record in _records(lines, dialect):
        num_records += 1
        fields, is_open, has_stray = dialect.parse(record)
        if is_open or has_stray:
            return False
        tokens = dialect.split(record)
        if "\n" in record and all(len(dialect.split(line)) == size for line in record.split("\n")):
            return False  # Each of its lines is a record.
        if len(tokens) != len(fields) or "\n" in record:
            is_shown |= len(fields) == size
            continue
        for place, token in enumerate(tokens):
            inner = token.strip(" ")
            if quote not in inner:
                continue
            is_closed = len(inner) > 1 and inner[0] == inner[-1] == quote
            if not is_closed or quote in inner[1:-1].replace(quote * 2, ""):
                return False
            is_shown |= quote * 2 in inner[1:-1]
            wrapped[place if place < size else 0] += 1
    return is_shown or (num_records > 0 and num_records in wrapped)


def _records(lines: Sequence[str], dialect: Dialect) -> Iterator[str]:
    """Yields records of a sample as they are if there is quoting."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == 1 or (dialect.quote and dialect.quote in line):
            if dialect.parse("\n".join(waiting)).is_open and len(waiting) < 200:
                continue
        elif len(waiting) < 200:
            continue
        yield "\n".join(waiting)
        waiting = []


def consistent_delimiter(lines: Sequence[str], candidates: Sequence[str]) -> str | None:
    """Returns the first delimiter with which all lines have the same fields, two or more."""
    for delimiter in candidates:
        records = [*_records(lines[:100], Dialect(delimiter))][:-1] or lines[:1]
        sizes = {len(Dialect(delimiter).parse(record)[0]) for record in records if record.strip()}
        if len(sizes) == 1 and sizes.pop() > 1:
            return delimiter
    return None
