"""Writing files so that they appear whole or not at all."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

Path = str | os.PathLike

# The folders that new files are written in: a dot, the file's name, and what `mkdtemp` adds.
_HOLDER = r"\..+\.[a-z0-9_]{8}"


class FileError(OSError):
    """A file could not be read or written; the message names it and says what was expected."""


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[pathlib.Path]:
    """A temporary path to write a file or a folder to, which takes the place of `path` when done.

    What stood at `path` stays as it was until then, and for good if the writing fails.

    Raises:
        FileError: where the folder cannot be written to, or the disk is full.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise FileError(f"Cannot write {path}: {error.strerror or error}.") from error
    try:
        new = holder / path.name
        yield new
        _flush(new)
        if path.is_dir():
            # A folder that is not empty cannot be replaced in one step: it steps aside first.
            os.replace(path, holder / "old")
        os.replace(new, path)
        _flush_folder(path.parent)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def clear_leftovers(folder: Path) -> None:
    """Removes what a process left in a folder, and below, that was killed in the middle of writing.

    Nobody else may be writing there, see `locked`.
    """
    for path in pathlib.Path(folder).rglob(".*"):
        if re.fullmatch(_HOLDER, path.name) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder for this process, which is made where it is missing.

    The lock is the kernel's: it ends with the process, however that ends.

    Raises:
        FileError: where another process holds it, or the folder cannot be written to.
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise FileError(f"Cannot write {folder}: {error.strerror or error}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FileError(
                f"{folder} is in use: another process is writing a run there. Wait for it, or "
                "choose another folder."
            ) from error
        yield
    finally:
        os.close(descriptor)


def _flush(path: pathlib.Path) -> None:
    for file in [path] if path.is_file() else filter(pathlib.Path.is_file, path.rglob("*")):
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())


def _flush_folder(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Writes a value that JSON can hold, with a line an entry."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with appearing(path) as new:
        new.write_text(text, encoding="utf-8")


def read_json(path: Path, what: str) -> Any:
    """Reads a JSON file.

    Args:
        path: the file.
        what: what it should hold, for the message.

    Raises:
        FileError: where it is missing, cannot be read or is not JSON.
    """
    path = pathlib.Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileError(f"{path} is missing: expected {what} there.") from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is damaged: expected {what} as JSON ({error}).") from error
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror or error}.") from error
