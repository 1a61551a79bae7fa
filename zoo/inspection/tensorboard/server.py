"""TensorBoard itself, on the folder of a run or of several."""

import pathlib
import threading

from tensorboard import program

from zoo.training.run import Run

# Things kept of each kind, where TensorBoard's own bounds are lower: all epochs are to be seen.
_KEPT = "images=200,text=200,histograms=200,pr_curves=200"


def logs_of(folder: str | pathlib.Path) -> pathlib.Path:
    """The folder that TensorBoard is to be shown.

    Args:
        folder: that of a run, of several, or logs.

    Raises:
        ValueError: where there are no logs in it.
    """
    folder = pathlib.Path(folder)
    own = Run(folder).logs
    # Of one run: its parts are then called train and validation, without a path before them.
    place = own if own.is_dir() else folder
    if not any(place.rglob("events.out.tfevents.*")):
        raise ValueError(
            f"{folder} holds no logs: expected the folder of a run that `zoo fit --out` has "
            "written, or a folder of such."
        )
    return place


def start(folder: str | pathlib.Path, port: int | None = None) -> str:
    """Starts TensorBoard in this process, for this machine alone.

    Args:
        folder: see `logs_of`.
        port: 0 for any that is free; None for 6006, or the next that is free.

    Returns:
        Its address.

    Raises:
        ValueError: where there are no logs, or the port is taken.
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
    """Runs TensorBoard until it is interrupted, and says where; for arguments see `start`."""
    print(f"{start(folder, port)}  (Ctrl-C ends it)", flush=True)
    threading.Event().wait()
