"""The options of reading texts, which all tasks take."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any


def make_text_to_ids(
    maker: Callable,
    *,
    level: str = "word",
    vocabulary_size: int | None = 20_000,
    min_frequency: int | None = 2,
    sequence_length: int | None = 400,
    truncation: str = "both",
    lowercase: bool = True,
    markup: str = "remove",
    punctuation: str = "expressive",
    whitespace: str = "drop",
    vocabulary_of: Any = None,
    add_start: bool = False,
    add_end: bool = False,
    **tokenizer_options,
):
    """A `TextToIds` of the options of a task.

    Options that are not listed here are those of `zoo.preprocessing.TextToIds` and of
    `zoo.preprocessing.Words`.

    Args:
        maker: the function whose arguments the options are. An option that the tokenizer lacks is
            ignored if it has the default value there.
        level: tokenizer: `"word"`, `"character"`, or any other registered one.
        vocabulary_of: a task whose vocabulary and tokenizer settings are reused.
        **tokenizer_options: further options of the tokenizer.

    Raises:
        UnknownNameError: for an unknown tokenizer, or an option that it lacks.
    """
    from zoo.preprocessing import TextToIds, make_tokenizer
    from zoo.preprocessing import tokenizer_options as options_of

    defaults = inspect.signature(maker).parameters
    given = {
        "lowercase": lowercase,
        "markup": markup,
        "punctuation": punctuation,
        "whitespace": whitespace,
    }
    its_own = options_of(level)
    tokenizer = make_tokenizer(
        level,
        **tokenizer_options,
        **{
            name: value
            for name, value in given.items()
            if name in its_own or value != defaults[name].default
        },
    )
    arguments = {
        "tokenizer": tokenizer,
        "vocabulary_size": vocabulary_size,
        "min_frequency": tokenizer.min_frequency if min_frequency is None else min_frequency,
        "sequence_length": sequence_length,
        "truncation": truncation,
        "add_start": add_start,
        "add_end": add_end,
    }
    if vocabulary_of is not None:
        arguments |= vocabulary_of.tokenizer_settings()
    return TextToIds(**arguments)


def takes_text_options(without: Sequence[str] = (), **defaults) -> Callable:
    """A decorator: `**text_options` are those of `make_text_to_ids`, in the signature too.

    Args:
        without: options of `make_text_to_ids` that the function does not take.
        **defaults: those that differ.
    """
    hidden = ("maker", "add_start", "add_end", *without)

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def decorated(*args, **options):
            return function(*args, **{**defaults, **options})

        own = list(inspect.signature(function).parameters.values())
        shared = [
            parameter.replace(default=defaults.get(parameter.name, parameter.default))
            for parameter in inspect.signature(make_text_to_ids).parameters.values()
            if parameter.name not in hidden
        ]
        positional = [p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]
        keywords = [p for p in own if p.kind is p.KEYWORD_ONLY]
        signature = inspect.Signature([*positional, *shared[:-1], *keywords, shared[-1]])
        decorated.__signature__ = signature  # type: ignore[attr-defined]
        return decorated

    return decorate
