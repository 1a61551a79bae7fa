"""The options of a call that generates text: what is valid, and what excludes what."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from zoo.generation.sampling import check_sampling, seed_keys


def check_options(
    *,
    num_return_sequences: int = 1,
    stop: str | Iterable[str] = (),
    banned_words: str | Iterable[str] = (),
    token_log_probabilities: bool = False,
    **options,
) -> dict[str, Any]:
    """All options of a call that generates text, with their defaults.

    Args:
        num_return_sequences: continuations per prompt.
        stop: strings before which a continuation ends; a tuple of the result.
        banned_words: strings that are not generated; a tuple of the result.
        token_log_probabilities: whether tokens are returned, too.
        **options: see `check_sampling`.

    Raises:
        ValueError: if an option is out of range, or two exclude one another.
        TypeError: if one of `stop` or `banned_words` is no string.
    """
    checked = {
        **check_sampling(**options),
        "num_return_sequences": num_return_sequences,
        "stop": _strings("stop", stop),
        "banned_words": _strings("banned_words", banned_words),
        "token_log_probabilities": token_log_probabilities,
    }
    beams, least, most = (
        checked[name] for name in ("num_beams", "min_new_tokens", "max_new_tokens")
    )
    if num_return_sequences < 1:
        raise ValueError(f"num_return_sequences must be 1 or more; it is {num_return_sequences}.")
    if least > most:
        raise ValueError(f"min_new_tokens must be at most max_new_tokens ({most}); it is {least}.")
    if beams > 1 and num_return_sequences > beams:
        raise ValueError(
            f"num_return_sequences must be at most num_beams ({beams}); it is "
            f"{num_return_sequences}."
        )
    if beams == 1 and num_return_sequences > 1 and checked["temperature"] == 0:
        raise ValueError(
            "num_return_sequences must be 1 with a temperature of 0, which always generates the "
            f"same text; it is {num_return_sequences}."
        )
    if beams == 1 and checked["length_penalty"]:
        raise ValueError(
            "length_penalty is for beam search: num_beams must be 2 or more with it; it is 1."
        )
    if beams > 1 and checked["stop"]:
        raise ValueError(
            "stop must be left out with num_beams above 1, because beams of different lengths are "
            "compared by their tokens."
        )
    return checked


def _strings(name: str, given: str | Iterable[str]) -> tuple[str, ...]:
    """One string, or several, as a tuple."""
    strings = (given,) if isinstance(given, str) else tuple(given)
    for each in strings:
        if not isinstance(each, str):
            raise TypeError(f"{name} must hold strings; one is of type {type(each).__name__}.")
        if not each:
            raise ValueError(f"{name} must hold strings that are not empty; one is empty.")
    return strings


def sequence_keys(seed: int | list[int], prompts: int, sequences: int) -> np.ndarray:
    """The key (seed, index) of each continuation of B prompts, `int32` (B S, 2).

    With one seed they are those of a call with each prompt S times; with a seed per prompt, those
    of a call with that prompt S times alone.

    >>> from zoo.generation.options import sequence_keys
    >>> sequence_keys(7, 2, 2).tolist()
    [[7, 0], [7, 1], [7, 2], [7, 3]]
    >>> sequence_keys([7, 8], 2, 2).tolist()
    [[7, 0], [7, 1], [8, 0], [8, 1]]
    """
    if isinstance(seed, int):
        return seed_keys(seed, prompts * sequences)
    keys = np.repeat(seed_keys(seed, prompts), sequences, axis=0)
    keys[:, 1] = np.tile(np.arange(sequences), prompts)
    return keys
