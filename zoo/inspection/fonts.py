"""Labels of users in figures: any script, and no character that matplotlib reads as markup."""

import functools
from collections.abc import Sequence
from typing import Any

from matplotlib import font_manager, ft2font

from zoo.utils.terminal import one_line

# Characters of a label; a longer one leaves no room for the axes.
_MAX_CHARACTERS = 40


def labels(texts: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    r"""Texts as matplotlib shows them literally, in a font that has their characters.

    Dollars begin no formula, control characters are escaped, and long texts are cut. A character
    that no installed font has is shown as its code, such as `\u4e2d`: the boxes that matplotlib
    draws, with a warning each, are all alike.

    Args:
        texts: names, tokens or titles.

    Returns:
        (labels, options of their `matplotlib.text.Text`).

    >>> from zoo.inspection import fonts
    >>> fonts.labels(["$5 to $10", "fine"])
    (['\\$5 to \\$10', 'fine'], {})
    """
    shown = [_cut(one_line(text)) for text in texts]
    lacking = frozenset(filter(_is_lacking, set("".join(shown))))
    families: list[str] = []
    if lacking:
        found, lacking = _fonts_with(lacking)
        families = [*font_manager.FontProperties().get_family(), *found]
    codes = {ord(character): ascii(character)[1:-1] for character in lacking}
    shown = [text.translate({**codes, ord("$"): r"\$"}) for text in shown]
    return shown, {"fontfamily": families} if families else {}


def _cut(text: str) -> str:
    if len(text) <= _MAX_CHARACTERS:
        return text
    return f"{text[: _MAX_CHARACTERS - 1]}\N{HORIZONTAL ELLIPSIS}"


def _is_lacking(character: str) -> bool:
    """Whether the default font has no glyph for a character."""
    if ord(character) <= 126:
        return False
    default = font_manager.findfont(font_manager.FontProperties())
    return not _font(default).get_char_index(ord(character))


@functools.lru_cache(maxsize=4)
def _font(path: str) -> ft2font.FT2Font:
    return ft2font.FT2Font(path)


@functools.lru_cache(maxsize=64)
def _fonts_with(characters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Names of installed fonts that have characters, and those that none of them has."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    left, names = set(characters), []
    coverage = {}
    for path in sorted({*known, *font_manager.findSystemFonts()}):
        has = _covered(path, characters)
        if has:
            coverage[path] = has
    while left and coverage:
        # Most characters first; of equal fonts an upright one without serifs.
        path = max(coverage, key=lambda p: (len(coverage[p] & left), _is_plain(p), p))
        if not coverage[path] & left:
            break
        left -= coverage.pop(path)
        if path not in known:
            # Installed since matplotlib made its list of fonts.
            font_manager.fontManager.addfont(path)
        names.append(ft2font.FT2Font(path).family_name)
    return names, frozenset(left)


def _covered(path: str, characters: frozenset[str]) -> frozenset[str]:
    """The characters that a font has; none of a font that cannot be used."""
    try:
        font = ft2font.FT2Font(path)
        # The font of last resort has a box for everything.
        if not font.scalable or font.family_name.replace(" ", "").startswith(
            (".LastResort", "LastResort")
        ):
            return frozenset()
        return frozenset(c for c in characters if font.get_char_index(ord(c)))
    except Exception:  # Of a dozen kinds: damaged fonts, and formats that matplotlib does not read.
        return frozenset()


def _is_plain(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return "sans" in name and not any(
        style in name for style in ("bold", "italic", "oblique", "mono")
    )
