"""`ReadingOptions`: what a user says about a file that cannot be read off the file."""

import dataclasses

from zoo.datasets.dataset import DatasetError

_NAMED_DELIMITERS = {r"\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "space": " "}


@dataclasses.dataclass(frozen=True)
class ReadingOptions:
    r"""How to read a file. None: as the file says.

    Args:
        encoding: Name of the encoding, such as `"cp1252"` or `"utf-16"`. None: that of the byte
            order mark, else UTF-8.
        delimiter: One character between the fields of a table; `"tab"` and `"\t"` are a tab.
            None: the one that fits, of comma, semicolon, tab and bar.
        header: Names of the columns of a table whose first line names none, separated by commas, as
            in `"label,text"`.

    Raises:
        DatasetError: For an unknown encoding or a delimiter of several characters.

    Example:
    >>> zoo.datasets.ReadingOptions(delimiter="tab").delimiter
    '\t'
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: str | None = None

    def __post_init__(self):
        if self.encoding is not None:
            try:
                b"a".decode(self.encoding)
            except UnicodeError:
                pass  # Of several bytes a character.
            except LookupError:
                raise DatasetError(
                    "encoding must be the name of a text encoding, such as 'utf-8', 'cp1252' or "
                    f"'shift_jis'; it is {self.encoding!r}."
                ) from None
        if self.delimiter is not None:
            delimiter = _NAMED_DELIMITERS.get(self.delimiter.lower(), self.delimiter)
            if len(delimiter) != 1 or delimiter in '"\r\n':
                raise DatasetError(
                    "delimiter must be one character, no quote and no line end; it is "
                    f"{self.delimiter!r}."
                )
            object.__setattr__(self, "delimiter", delimiter)
        names = self.header_names or []
        if self.header is not None and (not all(names) or len(set(names)) < len(names)):
            raise DatasetError(
                "header must be different names of columns, separated by commas; it is "
                f"{self.header!r}."
            )

    @property
    def header_names(self) -> list[str] | None:
        """The names in `header`."""
        return None if self.header is None else [n.strip() for n in self.header.split(",")]
