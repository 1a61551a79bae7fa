"""Opening of files: path, compression, encoding. Lines come as they are read, from pipes too."""

import bz2
import codecs
import contextlib
import dataclasses
import gzip
import io
import lzma
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zoo.datasets.dataset import DatasetError, absolute_path
from zoo.datasets.reading.encodings import (
    ESCAPE,
    check_utf8,
    encoding_of_mark,
    is_ascii_compatible,
    nul_message,
)

CHUNK = 1 << 18
_COMPRESSIONS: dict[bytes, Any] = {
    b"\x1f\x8b": lambda opened: gzip.GzipFile(fileobj=opened),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)

# The bytes of a character in UTF-8 after its first one.
_CONTINUATION = bytes(range(0x80, 0xC0))

STANDARD_INPUT = ("-", "/dev/stdin")


@dataclasses.dataclass(frozen=True)
class Line:
    """A line: its number from 1, its text without the line end, the line end, its bytes."""

    number: int
    text: str
    end: str
    raw: bytes


def file_suffix(source: Path) -> str:
    """Returns the suffix of a name in lower case, without that of a compression."""
    name = source.name.lower()
    for compressed in COMPRESSED_SUFFIXES:
        name = name.removesuffix(compressed)
    return Path(name).suffix


class Opened:
    """An open file, decompressed.

    Args:
        source: A file, a pipe or "-", the standard input.

    Attributes:
        source: Its path, as errors name it.
        start: The first bytes: up to 256 KiB of a file, what has come of a pipe.
        is_live: Whether more may come later, as from a pipe.
        is_compressed: Whether the file itself is compressed.
        before_waiting: Called before each wait for more of a pipe, if it is a function.

    Raises:
        DatasetError: If there is no such file.
        OSError: If the file cannot be read.
    """

    def __init__(self, source: str | os.PathLike):
        self.source = Path(source) if str(source) == "-" else absolute_path(source)
        self._close = contextlib.ExitStack()
        self.start = b""
        self.is_compressed = False
        self.before_waiting: Callable[[], None] | None = None
        try:
            self._stream = self._open()
            while len(self.start) < CHUNK and (chunk := self._read()):
                self.start += chunk
                if self.is_live and b"\n" in self.start:
                    break
        except BaseException:
            self.close()
            raise

    def _open(self):
        if str(self.source) == "-" or (sys.platform == "win32" and self.is_standard_input):
            if sys.stdin is None or sys.stdin.closed:
                raise DatasetError("The standard input is closed: expected data in it.")
            opened = sys.stdin.buffer
            self.is_live = True
        else:
            if not self.source.exists():
                raise DatasetError(f"There is no file or folder {self.source}.")
            opened = self._close.enter_context(open(self.source, "rb"))  # noqa: SIM115
            self.is_live = not stat.S_ISREG(os.fstat(opened.fileno()).st_mode)
        if not hasattr(opened, "peek"):
            opened = io.BufferedReader(opened)
        magic = opened.peek(8)
        for first, decompressor in _COMPRESSIONS.items():
            if magic.startswith(first):
                self.is_compressed = True
                return self._close.enter_context(decompressor(opened))
        return opened

    @property
    def is_standard_input(self) -> bool:
        """Whether the file is the standard input."""
        return str(self.source) in STANDARD_INPUT

    def _read(self) -> bytes:
        try:
            return self._stream.read1(CHUNK)
        except _DAMAGED as error:
            raise DatasetError(f"{self.source} is damaged: {error}.") from error

    def chunks(self) -> Iterator[bytes]:
        """Yields all bytes, once, and closes the file."""
        yield self.start
        while True:
            if self.is_live and self.before_waiting is not None:
                self.before_waiting()
            if not (chunk := self._read()):
                break
            yield chunk
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._close.close()


class Lines:
    """The lines of an open file, decoded.

    Line ends are line feeds, each with or without a carriage return before it. Only where the start
    of the file has no line feed they are carriage returns. No other character ends a line.

    Args:
        opened: The open file.
        encoding: Its encoding; None: that of the byte order mark, else UTF-8.

    Attributes:
        encoding: The encoding, without a mark.
        mark: The byte order mark.

    Raises:
        DatasetError: If the encoding is not given and the file is most likely not UTF-8.
    """

    def __init__(self, opened: Opened, encoding: str | None = None):
        self.source = opened.source
        self._opened = opened
        self.mark, of_mark = encoding_of_mark(opened.start)
        self._is_guarded = encoding is None and of_mark is None
        self.encoding = of_mark or _without_mark(encoding or "utf-8")
        start = opened.start[len(self.mark) :]
        if self._is_guarded:
            # The last character may be cut.
            complete = start[: start.rfind(b"\n") + 1] or start.rstrip(_CONTINUATION)[:-1]
            check_utf8(opened.source, complete.splitlines())
        self._is_wide = not is_ascii_compatible(self.encoding)
        sample = start.decode(self.encoding, ESCAPE) if self._is_wide else start.decode("latin-1")
        self.end = "\n" if "\n" in sample or "\r" not in sample else "\r"

    def sample(self) -> list[str]:
        """Returns the lines at the start of the file, without their ends; the last may be cut."""
        start = self._opened.start[len(self.mark) :].decode(self.encoding, ESCAPE)
        sample = [line.removesuffix("\r") for line in start.split(self.end)]
        is_cut = len(self._opened.start) >= CHUNK and len(sample) > 1
        return sample[:-1] if is_cut or not sample[-1] else sample

    @property
    def start(self) -> bytes:
        """The first bytes of the file."""
        return self._opened.start

    @property
    def is_live(self) -> bool:
        """Whether more lines may come later than the sample."""
        return self._opened.is_live

    def call_before_waiting(self, function: Callable[[], None]) -> None:
        """Has a function called before each wait for more of a pipe."""
        self._opened.before_waiting = function

    def close(self) -> None:
        """Closes the file."""
        self._opened.close()

    def __iter__(self) -> Iterator[Line]:
        split = self._wide_lines() if self._is_wide else self._byte_lines()
        for number, (text, raw) in enumerate(split, start=1):
            content = text.removesuffix(self.end)
            if self.end == "\n":
                content = content.removesuffix("\r")
            if "\0" in content:
                raise DatasetError(
                    nul_message(self.source, number, self._opened.start, self._is_guarded)
                )
            yield Line(number, content, text[len(content) :], raw)

    def _chunks(self) -> Iterator[bytes]:
        chunks = self._opened.chunks()
        yield next(chunks)[len(self.mark) :]
        yield from chunks

    def _byte_lines(self) -> Iterator[tuple[str, bytes]]:
        for raw in _split(self._chunks(), self.end.encode()):
            yield raw.decode(self.encoding, ESCAPE), raw

    def _wide_lines(self) -> Iterator[tuple[str, bytes]]:
        decode = codecs.getincrementaldecoder(self.encoding)(ESCAPE).decode
        texts = (decode(chunk) for chunk in self._chunks())
        for text in _split(_followed_by(texts, lambda: decode(b"", True)), self.end):
            yield text, text.encode(self.encoding, "replace")


def _without_mark(encoding: str) -> str:
    """Encodings whose encoder writes a mark, without one; the decoder takes little-endian."""
    wide = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
    return wide.get(codecs.lookup(encoding).name, encoding)


def _followed_by(texts: Iterator[str], last) -> Iterator[str]:
    yield from texts
    yield last()


def _split(chunks: Iterator, end) -> Iterator:
    """Yields lines with their ends, of bytes or strings, as soon as each is complete."""
    waiting: list = []
    for chunk in chunks:
        first, *rest = chunk.split(end)
        waiting.append(first)
        for following in rest:
            yield end[:0].join(waiting) + end
            waiting = [following]
    if last := end[:0].join(waiting):
        yield last
