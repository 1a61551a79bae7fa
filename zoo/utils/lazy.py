"""Package attributes that are imported on first use, and calls that wait for an import."""

import importlib
import importlib.util
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


def call_after_import(module: str, function: Callable[[], None]) -> None:
    """Calls a function when a module has been imported: now, if it has been already."""
    if module in sys.modules:
        function()
    else:
        sys.meta_path.insert(0, _CallAfterImport(module, function))


class _CallAfterImport:
    """A finder of modules that finds one, as the other finders do, and calls a function after it.

    Args:
        module: the name of the module.
        function: what is called once its code has run.
    """

    def __init__(self, module: str, function: Callable[[], None]):
        self._module = module
        self._function = function

    def find_spec(self, name: str, path=None, target=None):
        """The specification of the module, whose loader then calls the function."""
        del path, target
        if name != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_call(module):
                execute(module)
                self._function()

            spec.loader.exec_module = execute_and_call  # type: ignore[method-assign]
        return spec
