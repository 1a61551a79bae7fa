"""Strings at which a continuation ends."""

from collections.abc import Callable, Sequence

import numpy as np


def cut_at(text: str, stop: Sequence[str]) -> str | None:
    """The text before the first of the strings; None if it contains none of them.

    >>> from zoo.generation.stop_strings import cut_at
    >>> cut_at("One. Two.", [".", "Two"])
    'One'
    """
    places = [place for each in stop if (place := text.find(each)) >= 0]
    return text[: min(places)] if places else None


def settled(text: str, stop: Sequence[str]) -> str:
    """The text without an end that may be the beginning of one of the strings.

    >>> from zoo.generation.stop_strings import settled
    >>> settled("One E", ["END"])
    'One '
    """
    longest = max(map(len, stop), default=1) - 1
    for place in range(max(len(text) - longest, 0), len(text)):
        if any(each.startswith(text[place:]) for each in stop):
            return text[:place]
    return text


def cut_tokens(token_ids: np.ndarray, to_text: Callable, stop: Sequence[str]) -> tuple[int, str]:
    """The tokens of a text up to the one that completes the first stop string, and the text.

    Args:
        token_ids: ids of a text that contains one of the strings, (N,).
        to_text: ids (B, N) -> B strings.
        stop: the strings.

    Returns:
        (the number of tokens, the text before the string).
    """
    # The text of `low` tokens has no such string, that of `high` tokens has.
    low, high = 0, len(token_ids)
    while high - low > 1:
        middle = (low + high) // 2
        (text,) = to_text(token_ids[None, :middle])
        low, high = (low, middle) if cut_at(text, stop) is not None else (middle, high)
    (text,) = to_text(token_ids[None, :high])
    before = cut_at(text, stop)
    return high, text if before is None else before
