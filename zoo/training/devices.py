"""The processes that a fit runs in: the one place that knows whether there are several.

A fit asks three things: which rows of a batch this process trains on, what all processes decide
together, and which of them writes files. Today there is one process.
"""

from typing import Any

import keras
import numpy as np


class Devices:
    """The processes of a fit, seen from one of them.

    Every process calls `agree` equally often and in the same order, so that a signal or a clock
    which only one of them sees does not part them.

    Args:
        rank: the number of this process, from 0.
        count: how many processes there are.
    """

    def __init__(self, rank: int = 0, count: int = 1):
        if not 0 <= rank < count:
            raise ValueError(f"rank must be at least 0 and below count; it is {rank} of {count}.")
        self.rank = rank
        self.count = count

    @property
    def is_writer(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def shard(self, batch: Any) -> Any:
        """The rows of a batch that this process trains on.

        The batch is cut after it has been padded, so that all processes have arrays of one width.

        Args:
            batch: a nest of arrays whose first axis is the batch; None is kept.

        Returns:
            The same nest, with the rows of this process.
        """
        if self.count == 1:
            return batch
        return keras.tree.map_structure(self._rows, batch)

    def _rows(self, array: np.ndarray | None) -> np.ndarray | None:
        if array is None or np.ndim(array) == 0:
            return array
        return np.array_split(array, self.count)[self.rank]

    def agree(self, decision: bool) -> bool:
        """Whether any process has decided so.

        Raises:
            NotImplementedError: for several processes, which do not exchange decisions yet.
        """
        if self.count == 1:
            return decision
        raise NotImplementedError("Several processes do not exchange decisions yet.")


def current() -> Devices:
    """The processes of this fit: one."""
    return Devices()
