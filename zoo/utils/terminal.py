"""Tables for a terminal, without broken words, and texts of users that are safe there."""

import io
import json
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

# What steers a terminal instead of being shown: control characters but for tab and line feed, marks
# that reverse the direction of text, line ends that are none in a file, and bytes that are no text.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

# Between two columns, and at both edges.
_GAP, _EDGES = 2, 3


def terminal_width() -> int:
    """Columns of the terminal; 80 if there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def printable(text: str) -> str:
    r"""A text of a user, to be printed: escape sequences and the like as `\x1b`.

    >>> from zoo.utils.terminal import printable
    >>> print(printable("\x1b[31mred"))
    \x1b[31mred
    """
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str) -> str:
    r"""`printable`, with tabs and line feeds as `\t` and `\n`: a name in a line or a table."""
    return printable(text).replace("\t", r"\t").replace("\n", r"\n")


def json_line(value: Any) -> str:
    """JSON on one line, with readable characters of any script, and safe for a terminal."""
    line = json.dumps(value, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def format_facts(rows: Sequence[tuple[str, str]], width: int | None = None) -> str:
    """Names and facts, one below the other; long facts continue below themselves.

    Args:
        rows: pairs of name and fact.
        width: of the lines; None for the terminal's.
    """
    indent = max(len(name) for name, _ in rows) + 2
    lines = []
    for name, fact in rows:
        wrapped = textwrap.wrap(
            printable(fact),
            max(width or terminal_width(), indent + 20) - indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        first, *rest = wrapped or [""]
        lines += [f"{name:{indent}}{first}", *(" " * indent + line for line in rest)]
    return "\n".join(lines)


def plain_text(renderable: Any) -> str:
    """What `rich` shows in a terminal of this width, without colours."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=terminal_width(), color_system=None, highlight=False)
    console.print(renderable)
    return stream.getvalue()


def make_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: int = 1,
    wraps: Sequence[str] = (),
) -> Any:
    """A table for `rich`, which wraps its header between words.

    Args:
        header: the columns' titles.
        rows: their cells.
        left: how many columns, from the first, are aligned on the left; the others on the right.
        wraps: titles of columns whose cells may be wrapped between words.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    header, *rows = [list(map(one_line, row)) for row in (header, *rows)]
    wraps = list(map(one_line, wraps))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    widths = _widths(header, rows, wraps)
    for index, (title, width) in enumerate(zip(header, widths, strict=True)):
        is_left = index < left or title in wraps
        table.add_column(Text(title), justify="left" if is_left else "right", width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _widths(header: Sequence[str], rows: Sequence[Sequence[str]], wraps: Sequence[str]):
    """The width of each column: what its cells take, or less where words can be wrapped."""
    columns = list(zip(header, *rows, strict=True))
    widths = [_width(title, cells, title in wraps) for title, *cells in columns]
    left = terminal_width() - _EDGES + _GAP - sum(width + _GAP for width in widths)
    # Columns of text come first.
    for index in sorted(range(len(columns)), key=lambda index: header[index] not in wraps):
        more = min(max(left, 0), max(map(cell_width, columns[index])) - widths[index])
        widths[index] += more
        left -= more
    return widths


def fit_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    wraps: Sequence[str] = (),
    priority: Sequence[str] = (),
) -> list[int]:
    """Which columns of a table have room: their places, in order.

    Args:
        header, rows, wraps: as of `make_table`.
        width: of the terminal.
        priority: titles that come first; then those of the header in their order.
    """
    order = sorted(
        range(len(header)),
        key=lambda place: (
            priority.index(header[place]) if header[place] in priority else len(priority)
        ),
    )
    room = width - _EDGES + _GAP
    chosen: list[int] = []
    for place in order:
        needed = _GAP + _width(header[place], [row[place] for row in rows], header[place] in wraps)
        if needed <= room or not chosen:
            chosen.append(place)
            room -= needed
    return sorted(chosen)


def _width(title: str, cells: Sequence[str], may_wrap: bool) -> int:
    """The least width of a column in which no word is broken."""
    parts = [*title.split(), *cells]
    if may_wrap:
        parts = [word for part in parts for word in part.split()]
    return max(map(cell_width, parts), default=1)


def cell_width(text: str) -> int:
    """Columns of a terminal that a text takes: two for a Chinese character."""
    from rich.cells import cell_len

    return cell_len(one_line(text))
