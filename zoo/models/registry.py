"""Registry of architectures; every module of this package that registers a factory is found."""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from zoo.models.heads import HEADS
from zoo.registry import Registry, check_arguments, unknown_name_message

# The arguments of factories that `task.model_arguments()` decides.
TASK_ARGUMENTS = ("vocabulary_size", "head", "num_classes", "sequence_length")

_FACTORIES = Registry("model", "zoo.models")


class _Facts(NamedTuple):
    """What a factory declares of its models."""

    heads: Sequence[str]
    is_baseline: bool


_FACTS: dict[str, _Facts] = {}


def register_model(
    factory: Callable | None = None,
    *,
    heads: Sequence[str] = ("classifier", "regressor", "language_model"),
    is_baseline: bool = False,
    like: Callable | None = None,
    **defaults,
) -> Callable:
    """Registers a factory under the default of its argument `name`.

    A decorator: `@register_model`, or `@register_model(heads=("classifier",))`.

    Args:
        factory: a function that returns a model.
        heads: the values of `head` that the factory supports, of `HEADS`.
        is_baseline: whether its models ignore the order of words, so that leaderboards compare
            the others to them.
        like: a function whose keyword arguments, and their descriptions, the factory shares.
        **defaults: those of its arguments that differ.

    Example:
    >>> @zoo.models.register_model(like=zoo.GRU, name="small_gru")  # doctest: +SKIP
    ... def SmallGRU(**options):
    ...     return zoo.GRU(**{**options, "units": 8})
    """
    if factory is None:
        return functools.partial(
            register_model, heads=heads, is_baseline=is_baseline, like=like, **defaults
        )
    if like is not None:
        factory = _with_arguments_of(like, factory, defaults)
    name = inspect.signature(factory).parameters["name"].default
    _FACTORIES.register(name, factory)
    _FACTS[name] = _Facts(heads, is_baseline)
    return factory


def _with_arguments_of(like: Callable, factory: Callable, defaults: dict) -> Callable:
    """A factory with the keyword arguments of another function, in its signature and docstring."""

    @functools.wraps(factory)
    def create(**options):
        return factory(**{**defaults, **options})

    signature = inspect.signature(like)
    create.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            parameter.replace(default=defaults.get(parameter.name, parameter.default))
            for parameter in signature.parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        ]
    )
    description, heading, example = (inspect.getdoc(factory) or "").partition("Example:\n")
    arguments = (inspect.getdoc(like) or "").partition("Args:\n")[2].partition("Example:\n")[0]
    for parameter in signature.parameters.values():
        if parameter.kind is not parameter.KEYWORD_ONLY:
            arguments = re.sub(rf"^    {parameter.name}: .*\n(?:     .*\n)*", "", arguments)
    sections = [description, f"Args:\n{arguments}", heading + example]
    create.__doc__ = "\n\n".join(section.strip() for section in sections if section)
    return create


def list_models(head: str | None = None) -> list[str]:
    """The names that `create_model` takes, in alphabetical order.

    Args:
        head: one of `HEADS`, for the models that support it; None for all.

    Raises:
        ValueError: for an unknown head.

    Example:
    >>> "lstm" in zoo.list_models("language_model")
    True
    """
    if head is not None and head not in HEADS:
        raise ValueError(unknown_name_message("head", head, HEADS))
    names = _FACTORIES.names()
    return [name for name in names if head is None or head in _FACTS[name].heads]


def is_baseline(name: str) -> bool:
    """Whether an architecture is registered as one that ignores the order of words.

    Example:
    >>> zoo.models.is_baseline("bag_of_words"), zoo.models.is_baseline("gru")
    (True, False)
    """
    return name in _FACTORIES.names() and _FACTS[name].is_baseline


def model_factory(name: str) -> Callable:
    """The factory of an architecture.

    Raises:
        UnknownNameError: if the architecture is unknown.

    Example:
    >>> zoo.models.model_factory("gru").__name__
    'GRU'
    """
    return _FACTORIES[name]


def check_head(name: str, head: str) -> None:
    """Raises a `ValueError` for an architecture that does not support a head.

    Example:
    >>> zoo.models.check_head("gru", "language_model")
    """
    model_factory(name)
    if head not in _FACTS[name].heads:
        supported = ", ".join(_FACTS[name].heads)
        raise ValueError(
            f"{name} does not support the head {head!r}: expected a task with one of {supported}, "
            f"or one of the models {', '.join(list_models(head))}."
        )


def check_model(name: str, arguments: Iterable[str] = ()) -> None:
    """Raises what `create_model` would raise, without building a model.

    Example:
    >>> zoo.models.check_model("gru", ["units", "dropout"])
    """
    check_arguments(name, model_factory(name), arguments)


def create_model(name: str, **arguments):
    """Builds a model by name.

    Args:
        name: one of `list_models()`.
        **arguments: those of the factory.

    Raises:
        UnknownNameError: if the architecture, or one of the arguments, is unknown.

    Example:
    >>> model = zoo.create_model("lstm", vocabulary_size=1000, units=8)
    >>> model.name, model(np.array([[2, 7, 5]])).shape
    ('lstm', TensorShape([1, 2]))
    """
    check_model(name, arguments)
    return model_factory(name)(**arguments)
