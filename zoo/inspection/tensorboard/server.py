"""TensorBoard itself, on the folder of a run or of several."""

import contextlib
import io
import pathlib
import threading

from tensorboard import program

from zoo.training.run import Run
from zoo.utils import files

# Summaries shown of each kind, where TensorBoard's defaults are lower: all epochs are shown.
_KEPT = "images=200,text=200,histograms=200,pr_curves=200"


# Reachable from this machine only.
LOCALHOST = "127.0.0.1"


def logs_of(folder: str | pathlib.Path) -> pathlib.Path:
    """The folder that TensorBoard has to read.

    Args:
        folder: the folder of a run or of several, or logs.

    Raises:
        ValueError: if it holds no logs.
    """
    folder = files.user_path(folder)
    own = Run(folder).logs
    # Of one run: its parts are then named train and validation, without a path.
    place = own if own.is_dir() else folder
    if not any(place.rglob("events.out.tfevents.*")):
        raise ValueError(
            f"{folder} holds no logs: expected the folder of a run that `zoo fit --out` "
            "has written, or a folder of such runs."
        )
    return place


def start(folder: str | pathlib.Path, port: int | None = None, host: str = LOCALHOST) -> str:
    """Starts TensorBoard in this process.

    Args:
        folder: see `logs_of`.
        port: 0 for any free port; None for 6006, or the next free one.
        host: the address to listen on: this machine only by default, `"0.0.0.0"` or `"::"` for
            every network that it is in. TensorBoard has no password.

    Returns:
        Its URL.

    Raises:
        ValueError: if there are no logs, the port is taken, or the host is no address of this
            machine.
    """
    if port is not None and not 0 <= port < 2**16:
        raise ValueError(f"port must be from 0 to {2**16 - 1}; it is {port}.")
    if not host:
        raise ValueError("host must be an address of this machine; it is empty.")
    board = program.TensorBoard()
    options = ["--logdir", str(logs_of(folder)), f"--host={host}", "--load_fast=false"]
    options += [f"--samples_per_plugin={_KEPT}"]
    options += [] if port is None else ["--port", str(port)]
    board.configure(argv=["tensorboard", *options])
    try:
        # Its server prints what an address lacks, and would end this process.
        with contextlib.redirect_stderr(io.StringIO()):
            return board.launch()
    except program.TensorBoardServerException as error:
        raise ValueError(f"TensorBoard did not start: {error.msg}.") from error
    except (OSError, SystemExit) as error:
        cause = error if isinstance(error, OSError) else error.__context__
        raise ValueError(
            f"host must be an address of this machine; it is {host!r} "
            f"({getattr(cause, 'strerror', cause)})."
        ) from error


def serve(folder: str | pathlib.Path, port: int | None = None, host: str = LOCALHOST) -> None:
    """Runs TensorBoard until it is interrupted, and prints its URL; see `start`."""
    print(f"{start(folder, port, host)}  (Ctrl-C ends it)", flush=True)
    threading.Event().wait()
