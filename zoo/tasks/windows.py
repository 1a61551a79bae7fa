"""Documents cut into windows: what a language model reads at a time, and what it answers for.

Everything is an index into one flat array of ids, in which each document begins with a token that
is only read (the start token) and goes on with tokens that are read and asked for.
"""

import dataclasses

import numpy as np

from zoo.preprocessing import TokenSequences
from zoo.utils.sequences import half_overlapping_windows


@dataclasses.dataclass(frozen=True)
class TextWindows:
    """N windows of documents.

    Window i reads `ids[begin[i] : end[i] - 1]` and is asked for each one's next token; it answers
    for the tokens from `asked[i]` on. What stands before is context.

    Attributes:
        documents: the flat ids, and how long each document is.
        begin, asked, end: `int64` (N,), begin < asked < end.
        split: which split the documents are of.
    """

    documents: TokenSequences
    begin: np.ndarray
    asked: np.ndarray
    end: np.ndarray
    split: str = "train"

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens that each window reads, (N,)."""
        return self.end - 1 - self.begin

    @property
    def sequences(self) -> TokenSequences:
        """The documents."""
        return self.documents

    def take(self, indices: np.ndarray) -> "TextWindows":
        """The windows at `indices`, in that order."""
        places = {name: getattr(self, name)[indices] for name in ("begin", "asked", "end")}
        return dataclasses.replace(self, **places)

    @property
    def num_asked(self) -> int:
        """Tokens that are answered for, in all windows."""
        return int((self.end - self.asked).sum())


def training_windows(
    documents: TokenSequences, length: int, random: np.random.Generator | None = None
) -> TextWindows:
    """Cuts documents so that every token is asked for once.

    Args:
        documents: see `TextWindows`.
        length: the most tokens of a window.
        random: where it is given, the cuts of a document that is longer than a window fall
            elsewhere each time: the first window is of a random length.
    """
    targets = documents.lengths - 1
    shift = np.zeros(len(targets), "int64")
    if random is not None:
        shift = np.where(targets > length, random.integers(0, length, len(targets)), 0)
    # The windows end at length - shift, 2 length - shift, and so on.
    counts = -(-(targets + shift) // length)
    document, place = _places(counts)
    first = np.maximum(place * length - shift[document], 0)
    last = np.minimum((place + 1) * length - shift[document], targets[document])
    start = documents.starts[document]
    return TextWindows(documents, start + first, start + first + 1, start + last + 1)


def evaluation_windows(documents: TokenSequences, length: int, split: str) -> TextWindows:
    """Cuts documents so that every token is scored once, with context before it.

    See `zoo.utils.sequences.half_overlapping_windows`.
    """
    windows = half_overlapping_windows(documents.lengths, length)
    start = documents.starts[windows.text]
    return TextWindows(
        documents, start + windows.begin, start + windows.asked, start + windows.end, split
    )


def _places(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each window: which document it is of, and which of the document's `counts` it is."""
    document = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return document, np.arange(len(document)) - before[document]


def slice_padded(
    ids: np.ndarray, begin: np.ndarray, end: np.ndarray, multiple_of: int = 1
) -> np.ndarray:
    """`ids[begin[i] : end[i]]` as rows of a matrix (B, T), padded right with 0."""
    width = -(-int((end - begin).max(initial=1)) // multiple_of) * multiple_of
    places = begin[:, None] + np.arange(width)
    rows = ids[np.minimum(places, len(ids) - 1)]
    return np.where(places < end[:, None], rows, 0).astype("int32")
