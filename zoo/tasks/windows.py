"""Windows of documents: the tokens that a language model reads in one pass, and those it predicts.

Windows are indices into one flat array of ids. The first token of each document (the start token)
is context only; all others are predicted.
"""

import dataclasses

import numpy as np

from zoo.preprocessing import TokenSequences
from zoo.utils.sequences import half_overlapping_windows, places


@dataclasses.dataclass(frozen=True)
class TextWindows:
    """N windows of documents.

    Window i reads `ids[begin[i] : end[i] - 1]`, and is scored on its predictions of the tokens from
    `asked[i]` to `end[i] - 1`. The tokens before are context.

    Attributes:
        documents: the flat ids, and the length of each document.
        begin, asked, end: `int64` (N,), begin < asked < end.
        split: the split of the documents.
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
        bounds = {name: getattr(self, name)[indices] for name in ("begin", "asked", "end")}
        return dataclasses.replace(self, **bounds)

    @property
    def num_asked(self) -> int:
        """Number of scored tokens in all windows."""
        return int((self.end - self.asked).sum())


def training_windows(
    documents: TokenSequences, length: int, random: np.random.Generator | None = None
) -> TextWindows:
    """Cuts documents so that every token is predicted once.

    Args:
        documents: see `TextWindows`.
        length: maximum number of tokens of a window.
        random: if given, the first window of a document that is longer than a window has a random
            length, so that the cuts differ between epochs.
    """
    targets = documents.lengths - 1
    shift = np.zeros(len(targets), "int64")
    if random is not None:
        shift = np.where(targets > length, random.integers(0, length, len(targets)), 0)
    # Windows end at length - shift, 2 length - shift, and so on.
    counts = -(-(targets + shift) // length)
    document, place = places(counts)
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


def slice_padded(
    ids: np.ndarray, begin: np.ndarray, end: np.ndarray, multiple_of: int = 1
) -> np.ndarray:
    """`ids[begin[i] : end[i]]` as rows of a matrix (B, T), padded right with 0."""
    width = -(-int((end - begin).max(initial=1)) // multiple_of) * multiple_of
    position = begin[:, None] + np.arange(width)
    rows = ids[np.minimum(position, len(ids) - 1)]
    return np.where(position < end[:, None], rows, 0).astype("int32")
