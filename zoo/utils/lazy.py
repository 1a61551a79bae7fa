"""Package attributes that are imported on first use."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_attributes(
    package: str,
    homes: Mapping[str, str | None],
    find: Callable[[str], Any] = lambda name: None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns `__getattr__` and `__dir__` for a package.

    Args:
        package: The `__name__` of the package.
        homes: Mapping from a name to the submodule that defines it; None if it is a submodule.
        find: Returns the value of any other name; None if there is none.
    """

    def get_attribute(name: str) -> Any:
        if name in homes:
            module = importlib.import_module(f"{package}.{homes[name] or name}")
            value = module if homes[name] is None else getattr(module, name)
        elif name.startswith("_") or (value := find(name)) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # The import has set the submodule as attribute, and a function can have the same name.
        setattr(sys.modules[package], name, value)
        return value

    return get_attribute, lambda: sorted(homes)
