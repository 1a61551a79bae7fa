"""Names for what a package of the zoo holds: a module that registers something is part of it."""

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Iterable


class UnknownNameError(ValueError):
    """A name or an argument that is not known; the message lists those that are."""


class Registry:
    """Makers by name. All modules of a package are imported to list them.

    Args:
        kind: what is registered, as error messages say it.
        package: the package whose modules register something.
    """

    def __init__(self, kind: str, package: str):
        self.kind = kind
        self._package = package
        self._makers: dict[str, Callable] = {}
        self._is_complete = False

    def register(self, name: str, maker: Callable) -> None:
        """Enters a class or a function under a name."""
        self._makers[name] = maker

    def names(self) -> list[str]:
        """All names, in alphabetical order."""
        if not self._is_complete:
            path = importlib.import_module(self._package).__path__
            for module in pkgutil.iter_modules(path):
                importlib.import_module(f"{self._package}.{module.name}")
            self._is_complete = True
        return sorted(self._makers)

    def __getitem__(self, name: str) -> Callable:
        if name in self._makers:
            return self._makers[name]
        # A module usually has the name of what it registers: the others need not be imported.
        if name.isidentifier() and importlib.util.find_spec(f"{self._package}.{name}"):
            importlib.import_module(f"{self._package}.{name}")
            if name in self._makers:
                return self._makers[name]
        known = self.names()
        if name not in known:
            raise UnknownNameError(unknown_name_message(self.kind, name, known))
        return self._makers[name]


def check_arguments(name: str, maker: Callable, arguments: Iterable[str]) -> None:
    """Raises `UnknownNameError` for the first argument that a class or function does not take."""
    known = [
        parameter.name
        for parameter in inspect.signature(maker).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for argument in arguments:
        if argument not in known:
            raise UnknownNameError(unknown_name_message(f"argument of {name}", argument, known))


def unknown_name_message(kind: str, name: str, known: Iterable[str], *also: str) -> str:
    """One sentence on a name that is not known, with those that are and the nearest of them."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"Unknown {kind} {name!r}: expected one of {', '.join([*known, *also])}.{hint}"
