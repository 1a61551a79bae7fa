"""Names of a package that are imported when they are first used."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_attributes(
    package: str,
    homes: Mapping[str, str | None],
    find: Callable[[str], Any] = lambda name: None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    Args:
        package: its `__name__`.
        homes: the module of each name, below the package; None for a module itself.
        find: returns what another name stands for, or None.
    """

    def get_attribute(name: str) -> Any:
        if name in homes:
            module = importlib.import_module(f"{package}.{homes[name] or name}")
            value = module if homes[name] is None else getattr(module, name)
        elif name.startswith("_") or (value := find(name)) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # A function may have the name of its module, which the import has just put here.
        setattr(sys.modules[package], name, value)
        return value

    return get_attribute, lambda: sorted(homes)
