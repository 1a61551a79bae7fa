"""Exceptions as one sentence for the user of a command."""

import os
import re

_MAX_LENGTH = 500

# What TensorFlow, XLA and the C++ library say where memory does not suffice.
_OUT_OF_MEMORY = re.compile(r"RESOURCE_EXHAUSTED|OOM when allocating|std::bad_alloc|out of memory")
_SHAPE = re.compile(r"shape ?(?:\[[\d,\s]*\]|\([\d,\s]*\))")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, of Python or of a backend, says that memory does not suffice."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if not {"MemoryError", "ResourceExhaustedError"}.isdisjoint(names):
        return True
    return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))


def failure_message(error: BaseException) -> str:
    """The sentence that a command prints for an exception.

    >>> from zoo.utils.failures import failure_message
    >>> failure_message(KeyError("units"))
    "KeyError: 'units' (an error in the program; ZOO_DEBUG=1 shows its traceback)."
    """
    text = " ".join(str(error).split())
    text = text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]} ..."
    if is_out_of_memory(error):
        shape = _SHAPE.search(text)
        what = f" for a tensor of {shape[0]}" if shape else ""
        return (
            f"Not enough memory{what}: use a smaller batch size, model or text; zoo fit --dry-run "
            "estimates what a fit needs."
        )
    if isinstance(error, RecursionError):
        return f"The input is nested too deeply ({text})."
    if isinstance(error, UnicodeEncodeError):
        character = ascii(error.object[error.start : error.start + 1])
        return (
            f"The encoding {error.encoding} cannot express {character}: set PYTHONUTF8=1 to print "
            "and write UTF-8."
        )
    if isinstance(error, UnicodeDecodeError):
        found = error.object[error.start : error.start + 1]
        return f"The input must be {error.encoding}; its byte {error.start} is {found!r}."
    if isinstance(error, ModuleNotFoundError):
        return f"The package {error.name} is missing: install it with pip."
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}."
    if isinstance(error, (ValueError, OSError, RuntimeError)) and text:
        return text
    name = type(error).__name__
    what = f"{name}: {text.removesuffix('.')}" if text else name
    return f"{what} (an error in the program; ZOO_DEBUG=1 shows its traceback)."
