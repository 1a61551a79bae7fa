"""Names for what a package of the zoo holds: a module that registers something is part of it."""

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import re
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
    expected = ", ".join([*known, *also])
    return f"Unknown {kind} {name!r}: expected one of {expected}.{did_you_mean(name, known)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the name that a user may have meant, after a space; empty without one.

    Upper and lower case, spaces, hyphens and underscores do not count, and a part of a name, such
    as "imdb", is near to the whole.

    >>> from zoo.registry import did_you_mean
    >>> did_you_mean("Text", ["text", "label"])
    " Did you mean 'text'?"
    """
    plain = {_plain(other): other for other in reversed(list(known))}
    close = difflib.get_close_matches(_plain(name), plain, n=1)
    if not close and len(_plain(name)) > 2:
        parts = [other for other in plain if _plain(name) in other]
        close = parts if len(parts) == 1 else []
    return f" Did you mean {plain[close[0]]!r}?" if close else ""


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()
