"""Encodings: byte order marks, and refusal of what is most likely not UTF-8, with a guess."""

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

from zoo.datasets.dataset import DatasetError

# Name of the error handler that decodes an invalid byte as a surrogate, which
# `zoo.datasets.audit.repair` replaces. Python's "surrogateescape" raises for bytes below 128, which
# some encodings of two bytes have.
ESCAPE = "zoo.escape"
# The error handler that encodes such a surrogate as the byte again.
UNESCAPE = "zoo.unescape"

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # Before UTF-16, whose mark is the start of this one.
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# UTF-8 is refused for more invalid lines than this share of those that are not ASCII, if they are
# also at least `_MIN_SHARE` of all lines and `_MIN_LINES` in number.
_MAX_INVALID = 0.5
_MIN_SHARE = 0.05
_MIN_LINES = 3
# The encodings to guess from, each with the languages of a region.
_CANDIDATES = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("cp874", "koi8_r", "gb18030", "big5", "euc_kr", "mac_roman", "cp437"),
]
# charset-normalizer takes short texts of these for relatives. So they are tried first: the guess is
# right if the given share of the characters that are not ASCII are of this kind.
_EVIDENT = (
    ("shift_jis", re.compile(r"[\u3040-\u30ff]"), 0.3),
    ("euc_jp", re.compile(r"[\u3040-\u30ff]"), 0.3),
    (
        "cp1252",
        re.compile("[ÄÖÜäöüßàâçéèêëîïôùûœáíóúñ¿¡ÅåØøÆæÀÉÈ£€§°«»\u2018\u2019“”„–—…\u00a0]"),
        1.0,
    ),
    ("cp1255", re.compile("[\u05d0-\u05ea]"), 1.0),
    ("cp1256", re.compile("[\u0600-\u06ff]"), 1.0),
)
_CYRILLIC = ("cp1251", "koi8_r")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    invalid = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in invalid), error.end


def _unescape(error: UnicodeError) -> tuple[bytes | str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    escaped = error.object[error.start : error.end]
    if all(0xDC00 <= ord(character) < 0xDD00 for character in escaped):
        return bytes(ord(character) - 0xDC00 for character in escaped), error.end
    return "?" * len(escaped), error.end


codecs.register_error(ESCAPE, _escape)
codecs.register_error(UNESCAPE, _unescape)


def encoding_of_mark(start: bytes) -> tuple[bytes, str | None]:
    """Returns the byte order mark at the start of a file and its encoding: (b"", None) if none.

    Some programs write the mark twice; then both are returned.
    """
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return (mark * 2 if start.startswith(mark * 2) else mark), encoding
    return b"", None


def is_ascii_compatible(encoding: str) -> bool:
    """Whether lines can be split before they are decoded."""
    ascii_only = bytes(range(128))
    try:
        return ascii_only.decode(encoding) == ascii_only.decode("ascii")
    except UnicodeError:
        return False


def check_utf8(source: Path, lines: Sequence[bytes]) -> None:
    """Raises a `DatasetError` if most lines are not valid UTF-8, with a guess at what they are."""
    lines = [line for line in lines if line.strip()]
    not_ascii = [line for line in lines if not line.isascii()]
    invalid = [line for line in not_ascii if not _is_utf8(line)]
    check_share(source, (len(invalid), len(not_ascii), len(lines)), invalid, "lines")


def check_share(
    source: Path, counts: tuple[int, int, int], invalid: Sequence[bytes], unit: str = "texts"
) -> None:
    """Raises a `DatasetError` if too many texts are not UTF-8, with a guess at what they are.

    Args:
        source: Where they were read from.
        counts: Numbers of texts that are invalid, that are not ASCII, and of all.
        invalid: Some of the invalid ones.
        unit: The word for them.
    """
    wrong, not_ascii, every = counts
    is_most = wrong > _MAX_INVALID * every
    is_usual = wrong >= max(_MIN_LINES, _MIN_SHARE * every) and wrong > _MAX_INVALID * not_ascii
    if is_most or is_usual:
        raise DatasetError(
            f"{source}: expected UTF-8 text, found {wrong:,} of {every:,} {unit} that are not; "
            f"{_hint(guess_encoding(invalid))}."
        )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def guess_encoding(lines: Sequence[bytes]) -> str | None:
    """Returns the most likely encoding of lines that are not UTF-8; None if there is none."""
    # Imported here: it takes longer than the rest of this package.
    import charset_normalizer

    sample = b"\n".join(lines[:1000])
    for encoding, kind, share in _EVIDENT:
        try:
            found = _NOT_ASCII.findall(sample.decode(encoding))
        except UnicodeDecodeError:
            continue
        if len(kind.findall("".join(found))) >= share * len(found):
            return encoding
    best = charset_normalizer.from_bytes(sample, cp_isolation=_CANDIDATES).best()
    if best is None or best.encoding not in _CYRILLIC:
        return None if best is None else best.encoding
    # The same letters in either, with the case changed: most letters of a text are small.
    return max(_CYRILLIC, key=lambda name: sum(map(str.islower, sample.decode(name, "ignore"))))


def _hint(guess: str | None) -> str:
    if guess is None:
        return "name its encoding with the option encoding"
    return f"it may be {guess}: read it with encoding={guess!r}, or save it as UTF-8"


def nul_message(source: Path, line: int, start: bytes, is_guarded: bool) -> str:
    """Returns the message on a NUL byte in a line."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    least = len(start) / 8
    found = f"{source}, line {line}: expected UTF-8 text, found a NUL byte; "
    if is_guarded and max(even, odd) > least and min(even, odd) < least / 8:
        guess = "utf-16-be" if even > odd else "utf-16-le"
        return f"{found}it is most likely UTF-16: read it with encoding={guess!r}."
    return f"{found}is it UTF-16, or damaged?"
