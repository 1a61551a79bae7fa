"""Functions that are called in another process, whose Keras runs on TensorFlow.

A process has one backend of Keras. Where it is JAX, a model reaches TensorFlow through a file.
"""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

import msgspec

from zoo.utils import files
from zoo.utils.tensorflow import import_tensorflow

# The errors that keep their type on the way.
_ERRORS: dict[str, type[Exception]] = {
    "FileError": files.FileError,
    "ValueError": ValueError,
    "other": RuntimeError,
}

_CODE = "from zoo.utils.tensorflow_process import answer_calls; answer_calls()"


class TensorFlowProcess:
    """A process that calls functions by name and returns what they return.

    It starts with the first call, and again with the next one after it has ended. It ends when it
    is closed, when nothing refers to it any more, or when this process ends. Calls are made one
    after the other.

    >>> from zoo.utils.tensorflow_process import TensorFlowProcess
    >>> with TensorFlowProcess() as process:
    ...     process.call("math:sqrt", 9)
    3.0
    """

    _process: subprocess.Popen | None = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __del__(self):
        self.close()

    def _started(self) -> subprocess.Popen:
        if self._process is None:
            environment = {
                **os.environ,
                "KERAS_BACKEND": "tensorflow",
                # The memory of an accelerator belongs to this process.
                "CUDA_VISIBLE_DEVICES": "-1",
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            }
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
        return self._process

    def close(self) -> int | None:
        """Ends the process, whatever it does; returns its status, or None if there is none."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()
        return process.wait()

    def call(self, function: str, *args, **kwargs) -> Any:
        """Calls a function.

        Args:
            function: Module and name, such as `"zoo.serving:load"`.
            *args: Its arguments: numbers, strings, bytes, and lists and dicts of such.
            **kwargs: Its keyword arguments.

        Returns:
            What it returns, of these types; of a generator a list.

        Raises:
            ValueError: If the function raises one.
            FileError: If the function raises one.
            RuntimeError: If the function raises anything else, or the process ends meanwhile, for
                example for lack of memory.
        """
        items = []
        for kind, value in self._answers(function, args, kwargs):
            if kind == "value":
                return value
            items.append(value)
        return items

    def iterate(self, function: str, *args, **kwargs) -> Iterator[Any]:
        """Calls a generator function and yields its items while it runs; see `call`."""
        for _, value in self._answers(function, args, kwargs):
            yield value

    def _answers(self, function: str, args, kwargs) -> Iterator[tuple[str, Any]]:
        """Pairs ("item", value) of a generator, or one pair ("value", value)."""
        has_ended = False
        try:
            process = self._started()
            _send(process.stdin, (function, args, kwargs))
            while not has_ended:
                kind, value = _receive(process.stdout)
                has_ended = kind != "item"
                if kind == "error":
                    name, message = value
                    raise _ERRORS[name](message)
                if kind != "end":
                    yield kind, value
        except (EOFError, BrokenPipeError) as error:
            raise RuntimeError(
                f"The process that runs TensorFlow has ended, with status {self.close()}."
            ) from error
        finally:
            if not has_ended:
                # Interrupted or abandoned: the rest of its answer is of no use.
                self.close()


def answer_calls() -> None:
    """Answers the calls on standard input until it is closed: the other end of the process."""
    # Ctrl-C reaches both processes; the first one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            function, args, kwargs = _receive(sys.stdin.buffer)
            for answer in _answers_of(function, args, kwargs):
                _send(answers, answer)
        except (EOFError, BrokenPipeError):
            return


def import_modules(names: list[str]) -> None:
    """Imports modules for what they register; one that cannot be found is left out."""
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _answers_of(function: str, args, kwargs) -> Iterator[tuple[str, Any]]:
    try:
        module, _, name = function.partition(":")
        if module.startswith("zoo."):
            import_tensorflow()  # Before they do, with all that it prints.
        value = getattr(importlib.import_module(module), name)(*args, **kwargs)
        if not isinstance(value, Iterator):
            yield "value", value
            return
        for item in value:
            yield "item", item
        yield "end", None
    except Exception as error:
        known = next((name for name in _ERRORS if isinstance(error, _ERRORS[name])), "other")
        message = str(error) if known != "other" else f"{type(error).__name__}: {error}"
        yield "error", (known, message)


def _send(stream: IO[bytes] | None, message: Any) -> None:
    assert stream is not None
    content = msgspec.msgpack.encode(message)
    stream.write(len(content).to_bytes(8, "big") + content)
    stream.flush()


def _receive(stream: IO[bytes] | None) -> Any:
    assert stream is not None
    length = stream.read(8)
    content = stream.read(int.from_bytes(length, "big"))
    if len(length) < 8 or not content:
        raise EOFError
    return msgspec.msgpack.decode(content)
