"""Exceptions as one sentence."""

import numpy as np
import pytest

from zoo.utils.failures import failure_message, is_out_of_memory


class ResourceExhaustedError(Exception):
    """Called like TensorFlow's, which is not imported to recognize it."""


def _array_memory_error():
    try:
        np.empty(2**57)
    except MemoryError as error:
        return error


_ENOUGH = "use a smaller batch size, model or text; zoo fit --dry-run estimates what a fit needs."


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), f"Not enough memory: {_ENOUGH}"),
        (
            ResourceExhaustedError("{{node x}}\n\nOOM when allocating tensor with shape[64,9] and"),
            f"Not enough memory for a tensor of shape[64,9]: {_ENOUGH}",
        ),
        (RuntimeError("RESOURCE_EXHAUSTED: 7 bytes"), f"Not enough memory: {_ENOUGH}"),
        (
            TypeError("f() missing 1 argument"),
            "TypeError: f() missing 1 argument (an error in the program; ZOO_DEBUG=1 shows its "
            "traceback).",
        ),
        (
            AssertionError(),
            "AssertionError (an error in the program; ZOO_DEBUG=1 shows its traceback).",
        ),
        (RecursionError("maximum depth"), "The input is nested too deeply (maximum depth)."),
        (
            UnicodeEncodeError("ascii", "a\u00e9", 1, 2, "ordinal not in range"),
            "The encoding ascii cannot express '\\xe9': set PYTHONUTF8=1 to print and write UTF-8.",
        ),
        (
            UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "invalid start byte"),
            "The input must be utf-8; its byte 1 is b'\\xff'.",
        ),
        (
            ModuleNotFoundError("No module", name="openpyxl"),
            "The package openpyxl is missing: install it with pip.",
        ),
        (FileNotFoundError(2, "No such file", "a.csv"), "a.csv: No such file."),
        (ValueError("epochs must be\n  1."), "epochs must be 1."),
        (ValueError(), "ValueError (an error in the program; ZOO_DEBUG=1 shows its traceback)."),
    ],
)
def test_each_exception_is_one_sentence(error, message):
    assert failure_message(error) == message


def test_memory_errors_of_libraries_are_recognized():
    error = _array_memory_error()
    assert is_out_of_memory(error) and "shape (144115188075855872,)" in failure_message(error)
    assert not is_out_of_memory(ValueError("out of memory"))
