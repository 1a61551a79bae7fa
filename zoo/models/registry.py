"""The architectures by name: a module in this package that registers a factory is part of the zoo."""

import inspect
from collections.abc import Callable

from zoo.registry import Registry

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


def create_model(name: str, **arguments):
    """Builds a model by the name of its architecture: `create_model("lstm", vocabulary_size=20_000)`.

    Raises:
        UnknownNameError: for a name that no architecture has, or an argument that it does not take.
    """
    return _FACTORIES.make(name, **arguments)
