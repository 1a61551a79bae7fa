"""What a notebook shows of an object: headings and tables as HTML."""

import html
from collections.abc import Iterable, Sequence

# Notebooks typeset text between dollar signs as a formula, unless it is in one of these classes.
PLAIN_TEXT = "tex2jax_ignore mathjax_ignore"


def html_table(rows: Iterable[Sequence[object]], header: Sequence[object] | None = None) -> str:
    """A table as HTML, whose cells are escaped.

    Args:
        rows: the cells, as text or numbers.
        header: the titles of the columns; None for none.

    Example:
        >>> from zoo.utils.notebook import html_table
        >>> html_table([("a < b", 3)])
        '<table><tr><td>a &lt; b</td><td>3</td></tr></table>'
    """
    lines = [] if header is None else [_line(header, "th")]
    return f"<table>{''.join([*lines, *(_line(row, 'td') for row in rows)])}</table>"


def html_block(title: str, *parts: str) -> str:
    """A title and parts in HTML, which scrolls where it is wider than the page.

    Args:
        title: text, which is escaped; "" for none.
        *parts: HTML.
    """
    heading = f"<p><b>{html.escape(title)}</b></p>" if title else ""
    body = "".join([heading, *parts])
    return f'<div class="{PLAIN_TEXT}" style="overflow-x:auto">{body}</div>'


def _line(cells: Sequence[object], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
