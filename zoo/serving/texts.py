"""The texts of a call: one, or any iterable of them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# What a caller may pass as the texts of a call.
AnyTexts = str | bytes | Iterable[str | bytes]


class Texts(NamedTuple):
    """The texts of a call.

    Attributes:
        texts: N texts.
        is_single: whether one text was given, not an iterable of texts.
    """

    texts: list[str | bytes]
    is_single: bool

    def encode(self) -> list[bytes]:
        """The texts as UTF-8; a lone surrogate becomes "?"."""
        return [
            text.encode("utf-8", "replace") if isinstance(text, str) else text
            for text in self.texts
        ]

    def decode(self) -> list[str]:
        """The texts as strings; a byte that is not UTF-8 becomes U+FFFD."""
        return [
            text.decode("utf-8", "replace") if isinstance(text, bytes) else text
            for text in self.texts
        ]


def read_texts(given: AnyTexts, name: str = "texts") -> Texts:
    """Reads the argument of a call: one text, or any iterable of texts, once.

    Scalars and arrays of NumPy, TensorFlow, pandas and PyArrow count as what they hold.

    Args:
        given: a string or bytes, or an iterable of them, such as a list, a generator or a file.
        name: the argument's name, for messages.

    Raises:
        TypeError: for anything else, also for a mapping or a table, whose iteration yields the
            names of its entries.

    >>> from zoo.serving.texts import read_texts
    >>> read_texts(word.upper() for word in ("fine", "dull"))
    Texts(texts=['FINE', 'DULL'], is_single=False)
    """
    given = _unboxed(given)
    if isinstance(given, (str, bytes)):
        return Texts([given], True)
    hint = ""
    if isinstance(given, Mapping):
        hint = ": pass its values"
    elif hasattr(given, "columns"):
        hint = ": pass one of its columns"
    elif not isinstance(given, (bytearray, memoryview)) and _is_iterable(given):
        return Texts([_checked(text, index) for index, text in enumerate(given)], False)
    raise TypeError(
        f"{name} must be a string or an iterable of strings; it is of type "
        f"{type(given).__name__}{hint}."
    )


def _checked(text: Any, index: int) -> str | bytes:
    text = _unboxed(text)
    if not isinstance(text, (str, bytes)):
        raise TypeError(
            f"A text must be a string; one is of type {type(text).__name__}, at index {index}."
        )
    return text


def _unboxed(given: Any) -> Any:
    """The value of a scalar or tensor of another library."""
    if isinstance(given, (str, bytes)):
        return given
    for method in ("numpy", "as_py"):
        if callable(unbox := getattr(given, method, None)):
            given = unbox()
    return given.item() if getattr(given, "shape", None) == () else given


def _is_iterable(given: Any) -> bool:
    try:
        iter(given)
    except TypeError:
        return False
    return True
