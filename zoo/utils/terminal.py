"""Tables for a terminal: as wide as it is, and without broken words."""

import io
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

# Between two columns, and at both edges.
_GAP, _EDGES = 2, 3


def terminal_width() -> int:
    """Columns of the terminal; 80 if there is none."""
    return shutil.get_terminal_size((80, 24)).columns


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
            fact,
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

    rows = list(rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    widths = _widths(header, rows, wraps)
    for index, (title, width) in enumerate(zip(header, widths, strict=True)):
        is_left = index < left or title in wraps
        table.add_column(title, justify="left" if is_left else "right", width=width)
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
        more = min(max(left, 0), max(map(len, columns[index])) - widths[index])
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
    return max(map(len, parts), default=1)
