"""TensorBoard itself, on the folder of a run or of several."""

import pathlib
import threading

from tensorboard import program

from zoo.training.run import Run
from zoo.utils import files

# Summaries shown of each kind, where TensorBoard's defaults are lower: all epochs are shown.
_KEPT = "images=200,text=200,histograms=200,pr_curves=200"


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


def start(folder: str | pathlib.Path, port: int | None = None) -> str:
    """Starts TensorBoard in this process, reachable from this machine only.

    Args:
        folder: see `logs_of`.
        port: 0 for any free port; None for 6006, or the next free one.

    Returns:
        Its address.

    Raises:
        ValueError: if there are no logs, or the port is taken.
    """
    board = program.TensorBoard()
    options = ["--logdir", str(logs_of(folder)), "--host", "127.0.0.1", "--load_fast=false"]
    options += [f"--samples_per_plugin={_KEPT}"]
    options += [] if port is None else ["--port", str(port)]
    board.configure(argv=["tensorboard", *options])
    try:
        return board.launch()
    except program.TensorBoardServerException as error:
        raise ValueError(f"TensorBoard did not start: {error.msg}") from error


def serve(folder: str | pathlib.Path, port: int | None = None) -> None:
    """Runs TensorBoard until it is interrupted, and prints its address; see `start`."""
    print(f"{start(folder, port)}  (Ctrl-C ends it)", flush=True)
    threading.Event().wait()
