"""Importing TensorFlow without the messages that it prints while it loads."""

import contextlib
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

# Warnings of TensorFlow that are expected here: batches differ in length and runs in their model,
# so that functions are traced again; and an atomic write names the temporary folder.
_USUAL = ("triggered tf.function retracing", "Assets written to")


def import_tensorflow() -> None:
    """Imports TensorFlow; what its libraries print while they load is shown only on failure.

    Some of it is printed before TensorFlow reads its settings, so the file descriptor of standard
    error is redirected.
    """
    if "tensorflow" in sys.modules or importlib.util.find_spec("tensorflow") is None:
        return  # Without TensorFlow, Keras uses another backend.
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
    except OSError:  # Standard error is closed.
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
