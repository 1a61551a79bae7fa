"""Event files, and one function for each kind of summary that TensorBoard draws.

The functions return protocol buffers and write nothing; `EventFile` writes.
"""

import contextlib
import io
import os
import pathlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.pr_curve import summary as pr_curve_summary
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

from zoo.utils import files
from zoo.utils.terminal import one_line, printable

# Bars of a histogram, and dots an inch of an image.
_BUCKETS = 30
_DPI = 80

# Of event files, which each begins with.
_VERSION = "brain.Event:2"

# Seconds until a summary is on disk, where it is shown, and safe if the fit is stopped.
_SHOWN_AFTER = 10


class EventFile:
    """An event file; TensorBoard shows the folder that it is in as a run.

    TensorBoard's own writer has a thread whose errors nobody catches.

    Args:
        folder: the folder of the run, created if it does not exist.

    Raises:
        FileError: here and in each method, if the file cannot be written.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        with self._errors_named():
            folder.mkdir(parents=True, exist_ok=True)
            # By name in the order of time, as TensorBoard reads them.
            name = f"events.out.tfevents.{time.time_ns():020d}.{os.getpid()}"
            self._stream = (folder / name).open("wb")
        self._records = RecordWriter(self._stream)
        self._flushed = time.monotonic()
        self._add(Event(wall_time=time.time(), file_version=_VERSION))

    def write(self, summary: Summary, step: int) -> None:
        """Adds a summary that one of the functions below returns."""
        self._add(Event(wall_time=time.time(), step=step, summary=summary))

    def write_graph(self, graph: bytes) -> None:
        """Adds a serialized `GraphDef`: the graph of ops."""
        self._add(Event(wall_time=time.time(), graph_def=graph))

    def flush(self) -> None:
        """Writes everything that was added to disk."""
        with self._errors_named():
            self._stream.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Closes the file."""
        with self._errors_named():
            self._stream.close()

    def _add(self, event: Event) -> None:
        with self._errors_named():
            self._records.write(event.SerializeToString())
        if time.monotonic() - self._flushed > _SHOWN_AFTER:
            self.flush()

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise files.FileError(f"Cannot write {self.folder}: {error.strerror}.") from error


def together(summaries: Sequence[Summary]) -> Summary:
    """Joins summaries into one."""
    values = [value for summary in summaries for value in summary.value]
    return Summary(value=values)


def of_events(message) -> Summary:
    """The same message in the class of event files; some functions return TensorFlow's."""
    return Summary.FromString(message.SerializeToString())


def scalars(values: Mapping[str, float | None]) -> Summary:
    """A point on each of several curves, by tag; None is left out."""
    return together([scalar_pb(tag, value) for tag, value in values.items() if value is not None])


def histogram(tag: str, values: np.ndarray) -> Summary:
    """A histogram of numbers of any shape, in buckets of equal width.

    TensorBoard's own function compares every number with every bucket, which for an embedding
    takes a second and a gigabyte. NaN and infinity are left out.
    """
    values = np.ravel(np.asarray(values, "float32"))
    values = values[np.isfinite(values)]
    counts, edges = np.histogram(values, bins=_BUCKETS)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
    return _summary(
        tag,
        tensor_util.make_tensor_proto(buckets, dtype=np.float64),
        histogram_metadata.create_summary_metadata(display_name=None, description=None),
    )


def image(tag: str, figure) -> Summary:
    """A matplotlib figure."""
    if (layout := figure.get_layout_engine()) is not None:
        # Done here it is done once, and not with each of the two drawings of a picture.
        layout.execute(figure)
        figure.set_layout_engine("none")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    width, height = (int(side) for side in figure.get_size_inches() * _DPI)
    encoded = [str(width).encode(), str(height).encode(), file.getvalue()]
    return _summary(
        tag,
        tensor_util.make_tensor_proto(encoded, dtype=np.object_),
        image_metadata.create_summary_metadata(
            display_name=None, description=None, converted_to_tensor=True
        ),
    )


def text(tag: str, markdown: str) -> Summary:
    """Some Markdown."""
    return text_pb(tag, markdown)


def table(tag: str, rows: Sequence[Sequence[str]]) -> Summary:
    """A table of strings, as Markdown; the first row is the header."""
    header, *others = [list(map(escape_markdown, row)) for row in rows]
    lines = [header, ["---"] * len(header), *others]
    return text_pb(tag, "\n".join(f"| {' | '.join(line)} |" for line in lines))


def escape_markdown(plain: str) -> str:
    """Plain text that reads the same as Markdown, on one line."""
    return re.sub(r"[\\`*_\[\]<>|]", r"\\\g<0>", " ".join(printable(plain).split()))


def pr_curves(
    labels: np.ndarray,
    probabilities: np.ndarray,
    label_names: Sequence[str],
    classes: Sequence[int] | np.ndarray | None = None,
) -> Summary:
    """Precision-recall curves over all thresholds.

    Args:
        labels: true classes (N,).
        probabilities: probabilities (N, C) of the classes.
        label_names: the names of the C classes.
        classes: those that get a curve against the rest; None for class 1 of two, else all.
    """
    if classes is None:
        classes = [1] if len(label_names) == 2 else range(len(label_names))
    curves = [
        pr_curve_summary.pb(one_line(label_names[of]), labels == of, probabilities[:, of])
        for of in classes
    ]
    return together([of_events(curve) for curve in curves])


def _summary(tag: str, tensor, metadata) -> Summary:
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])
