"""Records that are lines: plain text, and fastText's `__label__` lines."""

from collections.abc import Iterator, Mapping

from zoo.datasets.dataset import DatasetError
from zoo.datasets.reading.opening import Lines
from zoo.datasets.reading.records import Record, Records
from zoo.utils.text import list_names

# What a label starts with in the input of fastText (https://fasttext.cc/docs/en/options.html).
FASTTEXT_LABEL = "__label__"


class LineRecords(Records):
    """Plain text: each line is a record with the field `text`."""

    format = "lines"
    has_header = False

    def __init__(self, lines: Lines):
        super().__init__(lines.source)
        self._lines = lines
        self.encoding, self.preamble = lines.encoding, lines.mark
        self.header = ["text"]

    def __iter__(self) -> Iterator[Record]:
        for line in self._lines:
            yield Record(line.number, [line.text], line.raw)

    def close(self) -> None:
        """Closes the file."""
        self._lines.close()


class FastTextRecords(LineRecords):
    """Lines that start with a label, as fastText reads them: `__label__good A fine film.`."""

    format = "fasttext"

    def __init__(self, lines: Lines, columns: Mapping[str, str]):
        super().__init__(lines)
        # The file has no names: a label and a text have those that are sought.
        names = {kind: name for name, kind in columns.items()}
        self.header = [names.get("category", "label"), names.get("text", "text")]

    def __iter__(self) -> Iterator[Record]:
        for line in self._lines:
            if not line.text.strip():
                continue
            labels, words = [], line.text.split(" ")
            while words and (words[0].startswith(FASTTEXT_LABEL) or not words[0]):
                word = words.pop(0)
                labels += [word.removeprefix(FASTTEXT_LABEL)] if word else []
            if len(labels) > 1:
                raise DatasetError(
                    f"{self.source}, line {line.number}: expected one label, found "
                    f"{list_names(labels)}."
                )
            label = labels[0] if labels else None
            yield Record(line.number, [label, " ".join(words)], line.raw)
