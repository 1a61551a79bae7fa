"""Writing files so that they appear whole or not at all."""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

StrPath = str | os.PathLike

# The folders that new files are written in: a dot, the file's name, and what `mkdtemp` adds.
_HOLDER = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
# Where a folder is, in there, while another takes its place.
_ASIDE = "old"

# Of Linux's renameat2: AT_FDCWD and RENAME_EXCHANGE.
_HERE, _SWAP = -100, 2


class FileError(OSError):
    """A file could not be read or written; the message names it and says what was expected."""


@contextlib.contextmanager
def atomic_write(path: StrPath) -> Iterator[pathlib.Path]:
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
    new = holder / path.name
    try:
        yield new
        for written in (*new.rglob("*"), new):
            _flush(written)
        _put(new, path, aside=holder / _ASIDE)
        _flush(path.parent)
    except OSError as error:
        if isinstance(error, FileError):
            # Of a file in a new folder: people know that one by its later name.
            raise FileError(str(error).replace(str(new), str(path))) from error
        raise FileError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def clear_leftovers(folder: StrPath) -> None:
    """Removes what a process left in a folder, and below, that was killed in the middle of writing.

    A folder that had stepped aside for a new one comes back. Nobody else may be writing there, see
    `lock_folder`.
    """
    for holder in pathlib.Path(folder).rglob(".*"):
        named = _HOLDER.fullmatch(holder.name)
        if named is None or not holder.is_dir():
            continue
        target = holder.with_name(named[1])
        if (holder / _ASIDE).exists() and not target.exists():
            os.replace(holder / _ASIDE, target)
        shutil.rmtree(holder, ignore_errors=True)


def _put(new: pathlib.Path, path: pathlib.Path, aside: pathlib.Path) -> None:
    """Puts a file or a folder at a path; a folder that stands there may step aside first."""
    if not path.is_dir():
        os.replace(new, path)
    elif not _exchange(new, path):
        # `clear_leftovers` takes the first step back if the process dies before the second.
        os.replace(path, aside)
        try:
            os.replace(new, path)
        except OSError:
            os.replace(aside, path)
            raise


def _exchange(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Swaps two paths in one step; false where the system or the disk has no such step."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return not rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP)


@contextlib.contextmanager
def lock_folder(folder: StrPath) -> Iterator[None]:
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
    """Waits until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: StrPath, value: Any) -> None:
    """Writes a value that JSON can hold, with a line an entry."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_write(path) as new:
        new.write_text(text, encoding="utf-8")


def read_json(path: StrPath, what: str) -> Any:
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
