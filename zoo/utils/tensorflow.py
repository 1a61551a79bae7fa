"""TensorFlow in a process: importing it without messages, and forks, which it does not survive."""

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

_is_unusable = False


def check_not_forked() -> None:
    """Raises a `RuntimeError` in a process that was forked after TensorFlow was used.

    There, TensorFlow would wait forever for threads that the fork did not copy.
    """
    if _is_unusable:
        raise RuntimeError(
            "This process was forked after TensorFlow was used, and TensorFlow would hang in it: "
            'start processes with multiprocessing.get_context("spawn"), or load the first model '
            "after the fork."
        )


def _note_fork() -> None:
    """Notes in a forked process whether the original one has used TensorFlow."""
    global _is_unusable
    module = sys.modules.get("tensorflow.python.eager.context")
    context = None if module is None else module.context_safe()
    _is_unusable = _is_unusable or bool(context is not None and context._initialized)


if hasattr(os, "register_at_fork"):  # Windows has no fork.
    os.register_at_fork(after_in_child=_note_fork)


def import_tensorflow() -> None:
    """Imports TensorFlow; what its libraries print while they load is shown only on failure.

    Some of it is printed before TensorFlow reads its settings, so the file descriptor of standard
    error is redirected.
    """
    logging.getLogger("tensorflow").addFilter(_is_unusual)
    if "tensorflow" in sys.modules or importlib.util.find_spec("tensorflow") is None:
        return  # Without TensorFlow, Keras uses another backend.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_aside():
        importlib.import_module("tensorflow")


def _is_unusual(record: logging.LogRecord) -> bool:
    return not any(words in record.getMessage() for words in _USUAL)


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
