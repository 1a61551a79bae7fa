"""The architectures by name: a module here that registers a factory is part of the zoo."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence

from zoo.models.sequence_model import OUTPUTS
from zoo.registry import Registry, check_arguments

_FACTORIES = Registry("model", "zoo.models")
_OUTPUTS_OF: dict[str, Sequence[str]] = {}


def register_model(
    factory: Callable | None = None, *, outputs: Sequence[str] = OUTPUTS
) -> Callable:
    """Enters a factory under the `name` that its models have by default.

    It is a decorator, `@register_model` or, with what its models can give where that is not all,
    `@register_model(outputs=("text",))`.
    """
    if factory is None:
        return functools.partial(register_model, outputs=outputs)
    name = inspect.signature(factory).parameters["name"].default
    _FACTORIES.register(name, factory)
    _OUTPUTS_OF[name] = outputs
    return factory


def list_models(output: str | None = None) -> list[str]:
    """The names that `create_model` takes, in alphabetical order.

    Args:
        output: `"text"` or `"token"` for those that can give that; None for all.
    """
    names = _FACTORIES.names()
    return [name for name in names if output is None or output in _OUTPUTS_OF[name]]


def model_factory(name: str) -> Callable:
    """The factory with a name.

    Raises:
        UnknownNameError: for a name that no architecture has.
    """
    return _FACTORIES[name]


def check_model(name: str, arguments: Iterable[str] = ()) -> None:
    """Raises what `create_model` would, before a task is there to build the model for."""
    check_arguments(name, model_factory(name), arguments)


def create_model(name: str, **arguments):
    """Builds a model by name: `create_model("lstm", vocabulary_size=20_000)`.

    Raises:
        UnknownNameError: for a name that no architecture has, or an argument that it does not take.
    """
    check_model(name, arguments)
    return model_factory(name)(**arguments)
