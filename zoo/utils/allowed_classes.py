"""What a Keras model's file may name: it is checked before Keras loads it.

Keras makes an object of each class that a configuration names. A file from elsewhere could name one
that holds code or reads files, so only layers of Keras and of the zoo are allowed.
"""

import json
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

from keras.saving import get_registered_object

from zoo.utils import files

_ARCHIVED = {"metadata.json", "config.json", "model.weights.h5"}
_LARGEST_CONFIG = 2**24
_MODULES = {
    "keras",
    *("keras." + name for name in ("initializers", "layers", "regularizers", "constraints")),
    *("keras." + name for name in ("losses", "metrics", "optimizers", "optimizers.schedules")),
}
# A functional model, and the operations in its graph, which compute and hold no code.
_GRAPHS = {"keras.src.ops.math", "keras.src.ops.nn", "keras.src.ops.numpy"}
_FUNCTIONAL = ("keras.src.models.functional", "Functional")
# The values in a graph, which Keras writes like classes.
_VALUES = {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"}
# They hold code, or the path of a program.
_RUNNING_CODE = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


def check_archive(file: pathlib.Path) -> None:
    """Looks whether a `.keras` file holds what Keras writes, and names no class but layers.

    Raises:
        FileError: where it cannot be read, or holds anything else.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = {entry.filename for entry in archive.infolist()}
            if names != _ARCHIVED:
                raise files.FileError(
                    f"{file} is refused: expected an archive of {', '.join(sorted(_ARCHIVED))}; "
                    f"found {', '.join(map(ascii, sorted(names)[:5])) or 'nothing'}."
                )
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
                raise files.FileError(
                    f"{file} is refused: expected a configuration of {_LARGEST_CONFIG:,} bytes at "
                    f"most; found {archive.getinfo('config.json').file_size:,}."
                )
            config = json.loads(archive.read("config.json"))
            if isinstance(config, dict):
                # It is not compiled: optimizer and loss are left out.
                config.pop("compile_config", None)
    except FileNotFoundError as error:
        raise files.FileError(f"{file} is missing: expected a Keras model.") from error
    except (zipfile.BadZipFile, ValueError, RecursionError, EOFError, NotImplementedError) as error:
        raise files.FileError(f"{file} is damaged: expected a Keras model ({error}).") from error
    except OSError as error:
        if isinstance(error, files.FileError):
            raise
        raise files.FileError(f"Cannot read {file}: {error.strerror or error}.") from error
    check_classes(config, file)


def check_classes(config: Any, file: pathlib.Path) -> None:
    """Looks whether a configuration names only Keras's layers and what this process registered.

    Args:
        config: what Keras makes a model of.
        file: where it comes from, for the message.

    Raises:
        FileError: for the first class that is neither.
    """
    for name, module in refused_classes(config):
        raise files.FileError(
            f"{file} is refused: expected layers of Keras and of the zoo; found "
            f"{ascii(module)[:80]} {ascii(name)[:80]}. A class of your own must be decorated with "
            "@keras.saving.register_keras_serializable() and imported first."
        )


def refused_classes(config: Any) -> Iterator[tuple[Any, Any]]:
    """Name and module of each class in a configuration that is refused."""
    for entry in _entries_with_class(config):
        name, module = entry["class_name"], entry.get("module")
        registered = entry.get("registered_name")
        if isinstance(registered, str) and get_registered_object(registered) is not None:
            continue
        is_keras = (
            isinstance(module, str)
            and isinstance(name, str)
            and (module in _MODULES | _GRAPHS or (module, name) == _FUNCTIONAL)
        )
        is_value = isinstance(name, str) and name in _VALUES
        if not is_value and (not is_keras or name in _RUNNING_CODE):
            yield name, module


def _entries_with_class(config: Any) -> Iterator[dict[str, Any]]:
    """All dicts that name a class, however deep; without recursion, which a file could exhaust."""
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            left += value.values()
        elif isinstance(value, list):
            left += value
