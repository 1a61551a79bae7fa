"""Many sequences of token ids in one flat NumPy array."""

from collections.abc import Sequence

import numpy as np


class TokenSequences:
    """N sequences of token ids of any length, without padding.

    Args:
        ids: all ids one after the other, `int32` (total,); may be memory-mapped.
        lengths: the length of each sequence, (N,).

    Attributes:
        starts: where each sequence begins in `ids`, and where the last one ends, (N + 1,).

    Example:
        >>> import numpy as np
        >>> from zoo.preprocessing import TokenSequences
        >>> sequences = TokenSequences(np.array([4, 5, 6], "int32"), lengths=[1, 2])
        >>> sequences.padded(np.array([0, 1])).tolist()
        [[4, 0], [5, 6]]
    """

    def __init__(self, ids: np.ndarray, lengths: Sequence[int] | np.ndarray):
        self.ids = ids
        self.lengths = np.asarray(lengths, "int64")
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])
        if self.starts[-1] != len(ids):
            raise ValueError(f"The lengths add up to {self.starts[-1]}, the ids are {len(ids)}.")

    @classmethod
    def concatenate(cls, parts: Sequence["TokenSequences"]) -> "TokenSequences":
        """The sequences of all parts, in order."""
        if not parts:
            return cls(np.zeros(0, "int32"), [])
        return cls(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.lengths for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[self.starts[index] : self.starts[index] + self.lengths[index]]

    def take(self, indices: np.ndarray) -> "TokenSequences":
        """The sequences at `indices`, in that order."""
        return TokenSequences(self.ids[self._places(indices)], self.lengths[indices])

    def padded(self, indices: np.ndarray, multiple_of: int = 1) -> np.ndarray:
        """Rows as an `int32` matrix (B, T), padded right with 0 to a multiple of `multiple_of`."""
        lengths = self.lengths[indices]
        width = -(-int(lengths.max(initial=1)) // multiple_of) * multiple_of
        matrix = np.zeros((len(indices), width), "int32")
        matrix[np.arange(width) < lengths[:, None]] = self.ids[self._places(indices)]
        return matrix

    def _places(self, indices: np.ndarray) -> np.ndarray:
        """Where in `ids` the sequences at `indices` are, one after the other."""
        lengths = self.lengths[indices]
        ends = np.cumsum(lengths)
        offsets = np.repeat(self.starts[:-1][indices] - (ends - lengths), lengths)
        return offsets + np.arange(len(offsets))
