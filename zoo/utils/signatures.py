"""The options of a function: name, type, default, choices and help, from signature and docstring.

Whatever takes options by name (the command line, recipes) reads them here, so that a new keyword
argument of a function is an option everywhere.
"""

import collections.abc
import dataclasses
import functools
import inspect
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

_SECTION = re.compile(r"^(Args|Attributes):\n((?:[ ]{4}.*\n|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}([\w*]+(?:, [\w*]+)*): +", re.MULTILINE)
_REFERENCE = re.compile(r"`([A-Za-z_][\w.]*)`")
_END_OF_SENTENCE = re.compile(r"(?<!al)(?<!\b[A-Z])\.\s")


@dataclasses.dataclass(frozen=True)
class Option:
    """A keyword argument that text can set.

    Attributes:
        name: the argument's name.
        kind: the type of a value: `bool`, `int`, `float` or `str`.
        default: the value where none is given.
        choices: the values of a string argument that takes no others; empty for any value.
        is_sequence: whether several values of `kind` are taken.
        is_scalar: whether a single value is taken; both hold for `int | Sequence[int]`.
        is_mapping: whether a mapping from names to numbers is taken.
        help: the first sentence of the argument's documentation.
    """

    name: str
    kind: type
    default: Any = None
    choices: tuple[str, ...] = ()
    is_sequence: bool = False
    is_scalar: bool = True
    is_mapping: bool = False
    help: str = ""

    @property
    def flag(self) -> str:
        """The name on the command line, `--num-layers`."""
        return f"--{self.name.replace('_', '-')}"

    def parse(self, text: str) -> Any:
        """The value of a text: `3`, `1,2,3` or `negative=1,positive=2`.

        Raises:
            ValueError: if the text is not a value of this option.
        """
        if self.choices and text in self.choices:
            return text
        if self.is_mapping and "=" in text:
            pairs = [part.partition("=") for part in text.split(",")]
            return {name.strip(): float(number) for name, _, number in pairs}
        if self.is_sequence and ("," in text or not self.is_scalar):
            return [self.kind(part) for part in text.split(",")]
        if self.choices:
            raise ValueError(f"{text!r} is not one of {', '.join(self.choices)}")
        return self.kind(text)


def options_of(function: Callable) -> dict[str, Option]:
    """The options of a function, in the order of its signature.

    Options are the keyword-only arguments of a function, and all arguments of a class, that have a
    default and a type that text can express. `Literal[...]` annotations name choices, and so does
    a constant in the function's module that is called like the argument, in the plural: `METHODS`
    for `method`. An argument that the docstring does not describe is looked up in the functions
    that the docstring names in backticks.

    Args:
        function: a function or a class.

    >>> from zoo.utils.signatures import options_of
    >>> def fit(*, epochs: int = 3):
    ...     '''Fits.
    ...
    ...     Args:
    ...         epochs: passes over the training split. More is not always better.
    ...     '''
    >>> options_of(fit)["epochs"].help
    'Passes over the training split.'
    """
    kinds: tuple = (inspect.Parameter.KEYWORD_ONLY,)
    if inspect.isclass(function):
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    options = {}
    for parameter in _signature(function).parameters.values():
        if parameter.kind in kinds and parameter.default is not parameter.empty:
            option = _option(function, parameter)
            if option is not None:
                options[parameter.name] = option
    return options


def _option(function: Callable, parameter: inspect.Parameter) -> Option | None:
    """The option of a parameter; None if text cannot express its values."""
    types_of = _Types.of(parameter.annotation)
    if types_of is None:
        return None
    choices, text = types_of.choices, ""
    for source in _sources(function):
        described = _documentation(source).get(parameter.name, "")
        if not described.lower().startswith("see "):
            text = text or described
        if types_of.kind is str:
            choices = choices or _choices(source, parameter.name)
    return Option(
        parameter.name,
        types_of.kind,
        parameter.default,
        choices,
        types_of.is_sequence,
        types_of.is_scalar,
        types_of.is_mapping,
        _first_sentence(text),
    )


@dataclasses.dataclass(frozen=True)
class _Types:
    """The values that an annotation allows, as far as text can express them."""

    kind: type
    choices: tuple[str, ...] = ()
    is_sequence: bool = False
    is_scalar: bool = True
    is_mapping: bool = False

    @classmethod
    def of(cls, annotation: Any) -> "_Types | None":
        scalars: list[type] = []
        items: list[type] = []
        choices: tuple[str, ...] = ()
        is_mapping = False
        for member in _members(annotation):
            origin, arguments = typing.get_origin(member), typing.get_args(member)
            if origin is typing.Literal:
                choices += tuple(value for value in arguments if isinstance(value, str))
                scalars.append(str)
            elif member in (bool, int, float, str):
                scalars.append(member)
            elif isinstance(member, type) and issubclass(member, os.PathLike):
                scalars.append(str)
            elif origin in (collections.abc.Sequence, list, tuple) and arguments[:1]:
                items += [kind for kind in arguments[:1] if kind in (int, float, str)]
            elif origin in (collections.abc.Mapping, dict):
                is_mapping = True
        kinds = scalars or items or ([float] if is_mapping else [])
        if not kinds:
            return None
        return cls(kinds[0], choices, bool(items), bool(scalars), is_mapping)


def _members(annotation: Any) -> Iterator[Any]:
    """The types of a union; the one type of anything else."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member)
    elif annotation is not type(None):
        yield annotation


def _signature(function: Callable) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except (NameError, TypeError, ValueError):
        return inspect.signature(function)


def _choices(function: Callable, name: str) -> tuple[str, ...]:
    """The values of an argument: those of its annotation, or of a constant with its name."""
    parameter = _signature(function).parameters.get(name)
    types_of = None if parameter is None else _Types.of(parameter.annotation)
    if types_of is not None and types_of.choices:
        return types_of.choices
    if parameter is None:
        return ()
    module = vars(sys.modules[inspect.unwrap(function).__module__])
    constant = name.upper()
    for candidate in (constant, f"{constant}S"):
        if isinstance(values := module.get(candidate), (tuple, list, dict)):
            return tuple(values)
    return ()


def _sources(function: Callable) -> Iterator[Callable]:
    """A function and, the nearest first, those that its documentation refers to."""
    waiting: list[Callable] = [function]
    seen: list[Callable] = []
    while waiting:
        source = waiting.pop(0)
        if any(source is other for other in seen) or len(seen) > 8:
            continue
        seen.append(source)
        yield source
        waiting += [
            found
            for name in _REFERENCE.findall(inspect.getdoc(source) or "")
            if (found := _resolved(source, name)) is not None
        ]


def _resolved(function: Callable, name: str) -> Callable | None:
    """The function or class that a name in a docstring refers to."""
    first, *rest = name.split(".")
    module = sys.modules.get(inspect.unwrap(function).__module__)
    found: Any = getattr(module, first, None) or (sys.modules.get(first) if rest else None)
    for part in rest:
        found = getattr(found, part, None)
    is_function = inspect.isfunction(found) or inspect.ismethod(found) or inspect.isclass(found)
    return found if is_function else None


@functools.lru_cache(maxsize=256)
def _documentation(function: Callable) -> dict[str, str]:
    """What the sections Args and Attributes of a docstring say, by name."""
    documentation: dict[str, str] = {}
    for _, section in _SECTION.findall((inspect.getdoc(function) or "") + "\n"):
        _, *entries = _ENTRY.split(section)
        for names, text in zip(entries[::2], entries[1::2], strict=True):
            for name in names.split(", "):
                documentation.setdefault(name, " ".join(text.split()))
    return documentation


def _first_sentence(text: str) -> str:
    sentence = _END_OF_SENTENCE.split(text + " ")[0].strip().rstrip(".")
    sentence = re.sub(r'`"?([^`"]*)"?`', r"\1", sentence).replace("`", "")
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""
