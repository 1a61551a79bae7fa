"""Reading and writing files: atomic writes, locked folders, JSON."""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

StrPath = str | os.PathLike

# The temporary folders that new files are written to: a dot, the file's name, and what `mkdtemp`
# adds.
_HOLDER = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
# The name in there of an old folder while the new one replaces it.
_ASIDE = "old"

# Of Linux's renameat2: AT_FDCWD and RENAME_EXCHANGE.
_HERE, _SWAP = -100, 2


# A place that is not on this machine. A single letter is a drive of Windows; `pathlib` makes one
# slash of two.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)

# TensorFlow reads these in a path as a pattern; a backslash is no separator except on Windows.
_PATTERN = re.compile(r"[\[\]{}*?]" if os.sep == "\\" else r"[\[\]{}*?\\]")


class FileError(OSError):
    """A file could not be read or written; the message names it and says what was expected."""


def user_path(path: StrPath) -> pathlib.Path:
    """A path that a user has given, with the home folder for `~`.

    Raises:
        FileError: For a URL, such as `gs://bucket/run`, or the home folder of an unknown user.

    >>> from zoo.utils.files import user_path
    >>> user_path("runs/lstm").as_posix()
    'runs/lstm'
    """
    text = os.fsdecode(path)
    if url := _URL.fullmatch(text):
        raise FileError(
            f"{url[1]}://{url[2]} must be a path on this machine; it is a URL. Copy its files, or "
            "mount it as a folder."
        )
    try:
        return pathlib.Path(text).expanduser()
    except RuntimeError as error:
        raise FileError(f"{text} must be a path; its ~ names no home folder.") from error


@contextlib.contextmanager
def without_pattern(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a path to a folder that TensorFlow does not take for a pattern, as `run [1]`.

    It is the folder itself, or a temporary link to it; a copy where links are not allowed.
    """
    if not _PATTERN.search(str(folder)):
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        link = pathlib.Path(place) / "folder"
        try:
            link.symlink_to(folder.absolute(), target_is_directory=True)
        except OSError:
            shutil.copytree(folder, link)
        yield link


@contextlib.contextmanager
def atomic_write(path: StrPath) -> Iterator[pathlib.Path]:
    """Yields a temporary path; what is written there replaces `path` at the end.

    Until then, and if writing fails, `path` is unchanged.

    Args:
        path: The file or folder to write.

    Raises:
        FileError: If the folder cannot be written to, or the disk is full.
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
            # The message names the temporary folder, which users do not know.
            raise FileError(str(error).replace(str(new), str(path))) from error
        raise FileError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def clear_leftovers(folder: StrPath) -> None:
    """Removes temporary folders of killed processes from a folder and its subfolders.

    A folder that was moved away for a new one is moved back. No other process may be writing there,
    see `lock_folder`.
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
    """Moves a file or a folder to a path; an existing folder may be moved to `aside` first."""
    if not path.is_dir():
        os.replace(new, path)
    elif not _exchange(new, path):
        # If the process dies between the two moves, `clear_leftovers` undoes the first.
        os.replace(path, aside)
        try:
            os.replace(new, path)
        except OSError:
            os.replace(aside, path)
            raise


def _exchange(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Swaps two paths in one step; False if the system or the disk cannot do that."""
    # macOS has no such function, and Windows no C library by that name.
    rename = None if sys.platform == "win32" else getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return not rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP)


@contextlib.contextmanager
def lock_folder(folder: StrPath) -> Iterator[None]:
    """Locks a folder for this process; a missing one is made.

    The kernel holds the lock and releases it when the process ends, however it ends. On Windows,
    which has no such lock, the folder is only made.

    Raises:
        FileError: If another process has locked it, or the folder cannot be written to.
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _open(folder)
    except OSError as error:
        raise FileError(f"Cannot write {folder}: {error.strerror or error}.") from error
    try:
        try:
            _lock(descriptor)
        except BlockingIOError as error:
            raise FileError(
                f"{folder} is in use: another process is writing a run there. Wait for it, or "
                "choose another folder."
            ) from error
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _open(folder: pathlib.Path) -> int:
    # Windows cannot open a folder.
    return os.open(os.devnull if sys.platform == "win32" else folder, os.O_RDONLY)


def _flush(path: pathlib.Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    if sys.platform == "win32":  # It cannot open a folder.
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: StrPath, value: Any) -> None:
    """Writes a value as JSON, one entry per line."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_write(path) as new:
        new.write_text(text, encoding="utf-8")


def read_json(path: StrPath, what: str) -> Any:
    """Reads a JSON file.

    Args:
        path: The file.
        what: What it should hold, for the error message.

    Raises:
        FileError: If it is missing, cannot be read or is not JSON.
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
