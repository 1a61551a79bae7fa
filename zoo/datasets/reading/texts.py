"""Texts that are whole files, and the folders that hold them."""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from zoo.datasets.dataset import DatasetError
from zoo.datasets.reading.encodings import ESCAPE, check_utf8, encoding_of_mark, nul_message
from zoo.datasets.reading.opening import Opened
from zoo.datasets.reading.records import Record, Records
from zoo.utils.text import list_names, list_words

# The folder of unlabelled texts in IMDb's download, and what macOS adds to an archive.
_NO_CLASSES = ("unsup", "__MACOSX")
_MAX_NAMES = 3

# The names of the folders of splits, in any case.
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}


def read_text(
    file: Path, encoding: str | None = None, is_checked: bool = True
) -> tuple[str, bytes]:
    """Reads a file that is one text.

    Args:
        file: The file.
        encoding: Its encoding; None: that of the byte order mark, else UTF-8.
        is_checked: Whether a file is refused that is most likely not UTF-8.

    Returns:
        (text, bytes). Line ends are line feeds in the text.

    Raises:
        DatasetError: If the file is most likely not in this encoding.
    """
    opened = Opened(file)
    raw = b"".join(opened.chunks())
    mark, of_mark = encoding_of_mark(raw)
    content = raw[len(mark) :]
    is_guarded = encoding is None and of_mark is None
    text = content.decode(of_mark or encoding or "utf-8", ESCAPE)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(nul_message(opened.source, line, raw[: 1 << 18], is_guarded))
    if is_guarded and is_checked:
        try:
            content.decode()
        except UnicodeDecodeError:
            check_utf8(opened.source, content.splitlines())
    return text.replace("\r\n", "\n").replace("\r", "\n"), raw


@dataclasses.dataclass
class FoundFiles:
    """The files in a folder and its subfolders.

    Attributes:
        texts: The .txt files, in any case of the suffix; if there are none, the files without a
            suffix. In alphabetical order.
        others: All other files.
        hidden: Hidden files and folders.
    """

    texts: list[Path]
    others: list[Path]
    hidden: list[Path]


def find_texts(folder: Path) -> FoundFiles:
    """Finds the texts in a folder and its subfolders."""
    found = FoundFiles([], [], [])
    for place, folders, files in os.walk(folder):
        inner = Path(place)
        found.hidden += [inner / name for name in (*folders, *files) if _is_hidden(name)]
        folders[:] = [name for name in folders if not _is_hidden(name)]
        # Links to folders are not followed: they may lead in a circle.
        found.others += [inner / name for name in folders if (inner / name).is_symlink()]
        for file in (inner / name for name in files if not _is_hidden(name)):
            is_text = file.suffix.lower() == ".txt" and file.is_file()
            (found.texts if is_text else found.others).append(file)
    if not found.texts:
        found.texts = [file for file in found.others if not file.suffix and file.is_file()]
        found.others = [file for file in found.others if file not in {*found.texts}]
    found.texts.sort()
    found.others.sort()
    return found


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def class_folders(folder: Path) -> dict[str, FoundFiles]:
    """Returns the folders in `folder` with texts, by their names, in alphabetical order."""
    found = {
        inner.name: find_texts(inner)
        for inner in sorted(folder.iterdir())
        if inner.is_dir() and not _is_hidden(inner.name) and inner.name not in _NO_CLASSES
    }
    return {name: files for name, files in found.items() if files.texts}


def find_splits(folder: Path, has_classes: bool) -> tuple[dict[str, Path], list[str]]:
    """Finds the folders of the splits in a folder.

    Args:
        folder: The folder, or a file.
        has_classes: Whether each split has one folder per class.

    Returns:
        (folder of each split by its name, sentences on what lies next to them). Both are empty
        unless there are texts for training.

    Raises:
        DatasetError: If there are two folders for a split.
    """
    if not folder.is_dir():
        return {}, []
    found: dict[str, Path] = {}
    others: list[str] = []
    for inner in sorted(folder.iterdir()):
        split = next((s for s, names in _SPLITS.items() if inner.name.lower() in names), None)
        is_split = split is not None and inner.is_dir()
        if not is_split or not (class_folders(inner) if has_classes else find_texts(inner).texts):
            others.append(inner.name)
        elif split in found:
            names = list_names([found[split].name, inner.name])
            raise DatasetError(f"{folder} has two folders for {split}: {names}; expected one.")
        else:
            found[str(split)] = inner
    if "train" not in found:
        return {}, []
    if not others:
        return found, []
    return found, [
        f"Left out of {folder.name}, next to the folders of the splits: {len(others):,}, "
        f"{list_names(others, _MAX_NAMES)}."
    ]


class FolderRecords(Records):
    """The texts in a folder: with a category, one folder per class.

    Args:
        folder: The folder.
        columns: Mapping from the name of a column to its kind.
        encoding: The encoding of the files, see `read_text`.

    Raises:
        DatasetError: If the folder has no such texts, or if other columns are sought.
    """

    format = "folder"
    has_header = False

    def __init__(self, folder: Path, columns: Mapping[str, str], encoding: str | None = None):
        super().__init__(folder)
        self._encoding = encoding
        self._kinds = list(columns.values())
        self.header = list(columns)
        if sorted(self._kinds) == ["text"]:
            found = find_texts(folder)
            self._files = {file: "" for file in found.texts}
            self._left_out = found
            expected = ".txt files in it"
        elif sorted(self._kinds) == ["category", "text"]:
            classes = class_folders(folder)
            self._files = {file: name for name, found in classes.items() for file in found.texts}
            self._left_out = _beside(folder, classes)
            expected = "one folder per class in it, with .txt files of one text each"
        else:
            raise DatasetError(
                f"{folder} is a folder: expected a file with the columns {list_names(columns)}."
            )
        if not self._files:
            names = list_names(sorted(inner.name for inner in folder.iterdir()))
            deep = [file for file in self._left_out.others if file.parent != folder]
            kinds = f" with {_kinds(deep)}" if deep else ""
            raise DatasetError(f"{folder}: expected {expected}, found {names}{kinds}.")

    def __iter__(self) -> Iterator[Record]:
        for file, name in self._files.items():
            # Texts are short: whether most are not UTF-8 is known when all are read.
            text, raw = read_text(file, self._encoding, is_checked=False)
            values = {"text": text, "category": name}
            yield Record(1, [values[kind] for kind in self._kinds], raw)

    def notes(self) -> list[str]:
        """Returns sentences on what the folder holds and was not read."""
        folder, notes = self.source.name, []
        depth = len(self.source.parts) + (2 if "category" in self._kinds else 1)
        deep = sum(len(file.parts) > depth for file in self._files)
        if deep:
            notes.append(f"Texts in subfolders of {folder}, read like the others: {deep:,}.")
        unread, hidden = self._left_out.others, self._left_out.hidden
        for what, files in (("Files", unread), ("Hidden files and folders", hidden)):
            if files:
                paths = [file.relative_to(self.source).as_posix() for file in files]
                kinds = f" ({_kinds(files)})" if what == "Files" else ""
                notes.append(
                    f"{what} left out of {folder}: {len(files):,}{kinds}, "
                    f"{list_names(paths, _MAX_NAMES)}."
                )
        return notes


def _kinds(files: Sequence[Path]) -> str:
    counts = Counter(file.suffix.lower() or "no suffix" for file in files)
    return list_words([f"{count:,} {suffix}" for suffix, count in counts.most_common(_MAX_NAMES)])


def _beside(folder: Path, classes: Mapping[str, FoundFiles]) -> FoundFiles:
    """Returns what is in a folder of classes and is no text of a class."""
    every = find_texts(folder)
    read = {file for found in classes.values() for file in found.texts}
    return FoundFiles(
        [],
        sorted({*every.texts, *every.others} - read),
        every.hidden,
    )
