"""The backends of Keras that the zoo runs on."""

import importlib.util
import json
import os
import pathlib
import sys

# Models are trained on either. What needs a TensorFlow graph of a model, such as a SavedModel, is
# made by a `TensorFlowProcess` if Keras runs on another backend.
BACKENDS = ("tensorflow", "jax")


class BackendError(RuntimeError):
    """The zoo does not run on the backend of Keras; the message says which ones it runs on."""


def configured_backend() -> str:
    """The backend that Keras runs on, or would run on once it is imported.

    >>> from zoo.utils.backend import configured_backend
    >>> configured_backend() in ("tensorflow", "jax")
    True
    """
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    if named := os.environ.get("KERAS_BACKEND"):
        return named
    home = os.environ.get("KERAS_HOME")
    folder = pathlib.Path.home() / ".keras" if home is None else pathlib.Path(home)
    try:
        config = json.loads((folder.expanduser() / "keras.json").read_text(encoding="utf-8"))
        return str(config.get("backend", BACKENDS[0]))
    except (OSError, ValueError, AttributeError):
        return BACKENDS[0]  # Keras's default, which it also takes for a damaged file.


def check_backend() -> None:
    """Checks the backend of Keras without importing it.

    Raises:
        BackendError: If the zoo does not run on it, or it is not installed.
    """
    backend = configured_backend()
    if backend not in BACKENDS:
        raise BackendError(
            f"The backend of Keras must be {' or '.join(BACKENDS)}; it is {backend!r}: set "
            "KERAS_BACKEND=tensorflow."
        )
    if importlib.util.find_spec(backend) is None:
        raise BackendError(
            f"The backend of Keras is {backend!r}, which is not installed: install {backend}, or "
            "set KERAS_BACKEND=tensorflow."
        )
