"""A text whose tokens are marked by colour, in pieces, as HTML and without its colours."""

import html
import io
from collections.abc import Iterator, Sequence

from zoo.inspection.reading import Span

# Stretches that were not read and are longer than this are told of and not shown.
_MAX_SHOWN = 300

Colour = tuple[int, int, int]


def pieces(text: str, spans: Sequence[Span | None]) -> Iterator[tuple[str, int | None]]:
    """A text in pieces, each with the index of its token, or None for what was not read.

    A long stretch that was not read is told of instead.
    """
    place = 0
    located = sorted((span, index) for index, span in enumerate(spans) if span)
    for (start, end), index in located:
        if start > place:
            yield _unread(text[place:start]), None
        yield text[max(start, place) : end], index
        place = max(end, place)
    if place < len(text):
        yield _unread(text[place:]), None


def _unread(stretch: str) -> str:
    if len(stretch) <= _MAX_SHOWN:
        return stretch
    return f" [... {len(stretch):,} characters that were not read ...] "


def plain(renderable) -> str:
    """What `rich` renders in a terminal, without colours."""
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None, highlight=False).print(renderable)
    return stream.getvalue()


def html_block(heading: str, body: str) -> str:
    """A heading, and pieces of HTML as one paragraph, black on white whatever the page is."""
    style = (
        "background:#fff;color:#111;padding:0.6em;line-height:1.7;white-space:pre-wrap;"
        "overflow-wrap:anywhere"
    )
    return f'<div style="{style}"><b>{html.escape(heading)}</b>\n{body}</div>'


def html_piece(piece: str, colour: Colour | None, title: str = "") -> str:
    """A piece of a text as HTML, on a coloured ground if there is a colour."""
    if colour is None:
        return f'<span style="color:#666">{html.escape(piece)}</span>'
    ground = "#{:02x}{:02x}{:02x}".format(*colour)
    style = f"background:{ground};color:#111;border-radius:3px"
    return f'<span style="{style}" title="{html.escape(title)}">{html.escape(piece)}</span>'


def blended(colour: Colour, strength: float) -> Colour:
    """White, mixed with a share of a colour; black letters stay legible on it up to 0.7."""
    red, green, blue = (round(255 + strength * (part - 255)) for part in colour)
    return red, green, blue
