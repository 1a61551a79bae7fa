"""Checkpoints of a fit, from which it resumes bit for bit, and signals that ask it to stop."""

import contextlib
import io
import json
import pathlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.utils import files

# Seconds between checkpoints: at most this much work is lost, plus a step and a validation.
INTERVAL = 30.0

_FACTS = "facts"

Arrays = Mapping[str, Sequence[np.ndarray]]


class Interrupted(KeyboardInterrupt):
    """A fit was stopped by Ctrl-C or by a signal, after it had written a checkpoint.

    Attributes:
        signal: The number of the signal.
    """

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.signal = number


class Checkpoint:
    """One file with everything that a fit needs to resume: facts and lists of arrays.

    The file is written atomically, and each of its members has a CRC, so that a file that was cut
    or changed is detected.

    Args:
        path: The file.
        interval: Seconds after which another checkpoint is due.
    """

    def __init__(self, path: files.StrPath, interval: float = INTERVAL):
        self.path = pathlib.Path(path)
        self._interval = interval
        self._written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the interval has passed since the last checkpoint."""
        return time.monotonic() - self._written >= self._interval

    def save(self, facts: Mapping[str, Any], arrays: Arrays) -> None:
        """Replaces the last checkpoint.

        Args:
            facts: Values for JSON; floats are restored bit for bit.
            arrays: Lists of arrays by name; the name `facts` is reserved.

        Raises:
            FileError: If the file cannot be written; the last checkpoint is then unchanged.
        """
        members: dict[str, Any] = {_FACTS: np.frombuffer(json.dumps(facts).encode(), "uint8")}
        for name, values in arrays.items():
            members |= {f"{name}/{index}": np.asarray(v) for index, v in enumerate(values)}
        with files.atomic_write(self.path) as new, open(new, "wb") as stream:
            np.savez(stream, allow_pickle=False, **members)
        self._written = time.monotonic()

    def load(self) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]] | None:
        """Facts and arrays of the last checkpoint; None if there is none.

        Raises:
            FileError: If the file is damaged.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise files.FileError(f"Cannot read {self.path}: {error.strerror or error}.") from error
        arrays: dict[str, list[np.ndarray]] = {}
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as members:
                facts = json.loads(members[_FACTS].tobytes())
                for member in members.files:
                    if member != _FACTS:
                        name, index = member.rsplit("/", 1)
                        values = arrays.setdefault(name, [])
                        if int(index) != len(values):
                            raise ValueError(f"{member} is out of order")
                        values.append(members[member])
        except (*files.ZIP_ERRORS, OSError) as error:
            raise files.FileError(
                f"{self.path} is damaged: expected the checkpoint of a fit ({error}). Remove the "
                "file to start the fit again."
            ) from error
        return facts, arrays

    def remove(self) -> None:
        """Removes the file: the fit has ended."""
        self.path.unlink(missing_ok=True)


class StopRequest:
    """Whether a signal has asked the process to stop.

    Attributes:
        signal: The number of the signal; None if there was none.
    """

    def __init__(self):
        self.signal: int | None = None


@contextlib.contextmanager
def stopping_on_signals(can_resume: bool = True) -> Iterator[StopRequest]:
    """Turns the first SIGINT or SIGTERM into a request that a fit reads between two steps.

    A second signal has its usual effect. Python delivers signals to the main thread only: in other
    threads nothing changes.

    Args:
        can_resume: Whether the fit writes checkpoints. If not, signals keep their usual effect.
    """
    request = StopRequest()
    if not can_resume or threading.current_thread() is not threading.main_thread():
        yield request
        return
    former: dict[int, Any] = {}

    def restore():
        while former:
            number, handler = former.popitem()
            signal.signal(number, handler)

    def handle(number, frame):
        del frame
        request.signal = number
        restore()

    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        # A handler that was set in C cannot be restored.
        if handler is not None:
            former[number] = handler
            signal.signal(number, handle)
    try:
        yield request
    finally:
        restore()
