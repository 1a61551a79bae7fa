"""Where a fit stands, in one file, so that it can go on to the bit where it was broken off."""

import contextlib
import io
import json
import pathlib
import signal
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.utils import files

# Seconds of work that are lost at most, but for a step and an evaluation of the validation split.
INTERVAL = 30.0

_FACTS = "facts"

Arrays = Mapping[str, Sequence[np.ndarray]]


class Interrupted(KeyboardInterrupt):
    """A fit was asked to stop, by Ctrl-C or by a signal, and has written where it stands.

    Attributes:
        signal: the number of the signal.
    """

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.signal = number


class Checkpoint:
    """One file with all that a fit needs to go on: numbers of any kind, and lists of arrays.

    It is written aside and renamed, so that there is an old one or a new one, never half of one;
    and each member has a CRC, so that a file that was cut or changed is told from a whole one.

    Args:
        path: the file.
        interval: seconds between two that `is_due` asks for.
    """

    def __init__(self, path: files.StrPath, interval: float = INTERVAL):
        self.path = pathlib.Path(path)
        self._interval = interval
        self._written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the last one is so old that another should be written."""
        return time.monotonic() - self._written >= self._interval

    def save(self, facts: Mapping[str, Any], arrays: Arrays) -> None:
        """Takes the place of the last one.

        Args:
            facts: what JSON can hold; floats come back to the bit.
            arrays: lists of arrays by name, without the name `facts`.

        Raises:
            FileError: where it cannot be written; the last one is then as it was.
        """
        members: dict[str, Any] = {_FACTS: np.frombuffer(json.dumps(facts).encode(), "uint8")}
        for name, values in arrays.items():
            members |= {f"{name}/{index}": np.asarray(v) for index, v in enumerate(values)}
        with files.atomic_write(self.path) as new, open(new, "wb") as stream:
            np.savez(stream, allow_pickle=False, **members)
        self._written = time.monotonic()

    def load(self) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]] | None:
        """The facts and arrays of the last one; None where there is none.

        Raises:
            FileError: where it is damaged.
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
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as error:
            raise files.FileError(
                f"{self.path} is damaged: expected where a fit stands ({error}). Without this file "
                "the fit begins anew."
            ) from error
        return facts, arrays

    def remove(self) -> None:
        """Takes it away: the fit has ended."""
        self.path.unlink(missing_ok=True)


class StopRequest:
    """Whether a signal has asked the process to stop.

    Attributes:
        signal: the number of the signal; None where none has.
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
        # One that was set in C cannot be put back.
        if handler is not None:
            former[number] = handler
            signal.signal(number, handle)
    try:
        yield request
    finally:
        restore()
