"""Texts with coloured tokens: split into pieces, as HTML, and as plain text."""

import html
import io
from collections.abc import Iterator, Sequence

from zoo.inspection.reading import Span
from zoo.utils.notebook import PLAIN_TEXT

# A longer stretch that was not read is not shown, only counted.
_MAX_SHOWN = 300

Colour = tuple[int, int, int]


def pieces(text: str, spans: Sequence[Span | None]) -> Iterator[tuple[str, int | None]]:
    """Splits a text into pieces at its tokens.

    Args:
        text: the text.
        spans: the place of each token, or None.

    Yields:
        (piece, index of its token), or (piece, None) for a stretch that was not read. A note
        replaces a long one.
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


def plain_text(renderable) -> str:
    """What `rich` shows in a terminal, without colours."""
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None, highlight=False).print(renderable)
    return stream.getvalue()


def html_block(heading: str, body: str) -> str:
    """A heading and pieces of HTML as one paragraph, black on white on any page."""
    style = (
        "background:#fff;color:#111;padding:0.6em;line-height:1.7;white-space:pre-wrap;"
        "overflow-wrap:anywhere"
    )
    return f'<div class="{PLAIN_TEXT}" style="{style}"><b>{html.escape(heading)}</b>\n{body}</div>'


def html_piece(piece: str, colour: Colour | None, title: str = "") -> str:
    """A piece of a text as HTML, on a coloured background if there is a colour."""
    if colour is None:
        return f'<span style="color:#666">{html.escape(piece)}</span>'
    ground = "#{:02x}{:02x}{:02x}".format(*colour)
    style = f"background:{ground};color:#111;border-radius:3px"
    return f'<span style="{style}" title="{html.escape(title)}">{html.escape(piece)}</span>'


def blend(colour: Colour, strength: float) -> Colour:
    """Mixes white with a share of a colour; black text is legible on it up to 0.7."""
    red, green, blue = (round(255 + strength * (part - 255)) for part in colour)
    return red, green, blue
