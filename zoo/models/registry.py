"""The architectures by name: a module here that registers a factory is part of the zoo."""

import inspect
from collections.abc import Callable, Iterable

from zoo.registry import Registry, check_arguments

_FACTORIES = Registry("model", "zoo.models")


def register_model(factory: Callable) -> Callable:
    """Enters a factory under the `name` that its models have by default."""
    _FACTORIES.register(inspect.signature(factory).parameters["name"].default, factory)
    return factory


def list_models() -> list[str]:
    """The names that `create_model` takes, in alphabetical order."""
    return _FACTORIES.names()


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
