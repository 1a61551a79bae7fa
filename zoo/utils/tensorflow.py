"""Importing TensorFlow without what it tells a terminal."""

import contextlib
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

# What TensorFlow tells of as if it were worth knowing. Batches differ in length and runs in their
# model, so that each is traced; and that a file was written is said once it stands in its place.
_USUAL = ("triggered tf.function retracing", "Assets written to")


def import_tensorflow() -> None:
    """Imports TensorFlow, keeping from the terminal what its libraries write while they load.

    Some of that comes before TensorFlow reads its settings, so the descriptor itself is turned
    aside. If the import fails, what was written is shown.
    """
    if "tensorflow" in sys.modules or importlib.util.find_spec("tensorflow") is None:
        return  # Without TensorFlow, Keras trains on another backend.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_aside():
        importlib.import_module("tensorflow")
    logging.getLogger("tensorflow").addFilter(
        lambda record: not any(words in record.getMessage() for words in _USUAL)
    )


@contextlib.contextmanager
def _standard_error_aside() -> Iterator[None]:
    sys.stderr.flush()
    try:
        terminal = os.dup(2)
    except OSError:  # Standard error is closed: there is nothing to keep clean.
        yield
        return
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(terminal, aside.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
