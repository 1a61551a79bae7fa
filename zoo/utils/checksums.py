"""Checksums of files, by which damage is seen before anything is read."""

import hashlib
import pathlib
from collections.abc import Iterable

import msgspec

from zoo.utils import files

MANIFEST = "manifest.json"


class _Entry(msgspec.Struct):
    """A file in a manifest."""

    bytes: int
    sha256: str


def files_in(folder: files.StrPath) -> list[str]:
    """The paths of all files in a folder, and below, as a manifest names them."""
    folder = pathlib.Path(folder)
    inside = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in inside)


def write_manifest(folder: files.StrPath, names: Iterable[str]) -> None:
    """Notes size and SHA-256 of files.

    Args:
        folder: that gets the manifest.
        names: the files, by their paths in the folder, with slashes.

    Raises:
        FileError: where it cannot be written.
    """
    folder = pathlib.Path(folder)
    entries = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": _hash(folder / name)}
        for name in sorted(names)
    }
    files.write_json(folder / MANIFEST, entries)


def check_manifest(folder: files.StrPath, only: str | None = None) -> None:
    """Compares the files of a folder with its manifest; a folder without one passes.

    Args:
        folder: of a run, a SavedModel or a shipped model.
        only: the one file that is looked at; None for all that the manifest names.

    Raises:
        FileError: for the first file that is missing or not as it was written.
    """
    folder = pathlib.Path(folder)
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return
    entries = files.read_json(manifest, "the checksums of a model")
    try:
        expected = msgspec.convert(entries, dict[str, _Entry])
    except msgspec.ValidationError as error:
        raise files.FileError(
            f"{manifest} is damaged: expected sizes and checksums ({error})."
        ) from error
    for name, entry in expected.items():
        if only in (None, name):
            _check(folder / name, entry.bytes, entry.sha256, manifest)


def _check(path: pathlib.Path, size: int, digest: str, manifest: pathlib.Path) -> None:
    if not path.is_file():
        raise files.FileError(f"{path} is missing: {manifest} lists it.")
    try:
        if path.stat().st_size != size:
            raise files.FileError(
                f"{path} is damaged: expected {size:,} bytes, found {path.stat().st_size:,}."
            )
        if _hash(path) != digest:
            raise files.FileError(f"{path} is damaged: its SHA-256 is not that of {manifest}.")
    except OSError as error:
        if isinstance(error, files.FileError):
            raise
        raise files.FileError(f"Cannot read {path}: {error.strerror or error}.") from error


def _hash(path: pathlib.Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
