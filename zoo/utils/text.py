"""Lists of words, sizes, and tables as Markdown."""

from collections.abc import Iterable, Sequence


def list_words(words: Sequence[str]) -> str:
    """Words of a sentence: `"one, two and three"`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def list_names(names: Iterable[str], limit: int = 20) -> str:
    """Names in quotes for an error message, at most `limit`, each cut after 40 characters."""
    cut = [name if len(name) <= 40 else f"{name[:40]}..." for name in names]
    more = f" and {len(cut) - limit} more" if len(cut) > limit else ""
    return (", ".join(map(repr, cut[:limit])) or "nothing") + more


def megabytes(size: int | None, digits: int = 0) -> str:
    """Bytes as text; "-" for None."""
    return "-" if size is None else f"{size / 1e6:,.{digits}f} MB"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells may hold Markdown; a bar in one is no border."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())
