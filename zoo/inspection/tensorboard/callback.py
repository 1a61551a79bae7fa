"""The callback that fills TensorBoard's dashboards while a model is fitted."""

import pathlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from zoo.inspection.tensorboard.dashboard import (
    LEVELS,
    Dashboard,
    Fit,
    Progress,
    make_dashboards,
)
from zoo.inspection.tensorboard.server import serve
from zoo.inspection.tensorboard.summaries import EventFile
from zoo.utils import files
from zoo.utils.terminal import one_line

# Seconds that a dashboard may take, however short the fit is.
_GRACE = 15.0


class TensorBoard(keras.callbacks.Callback):
    """Writes what TensorBoard shows, in place of `keras.callbacks.TensorBoard`.

    Runs `train` and `validation` hold curves by epoch, with the same names (`epoch_loss` ...).
    `train` also holds curves by step (`step/loss`, `step/learning_rate`, `step/gradient_norm`
    before clipping, `step/tokens_per_second`, `step/padding_share`), graphs, histograms, generated
    samples of a language model, images and the files of the projector; `validation` holds
    precision-recall curves; `scores` holds the report, and hyperparameters with final scores, by
    which runs are compared. Each dashboard is a file in this package, see `Dashboard`.

    No dashboard stops or outlasts a fit: one that fails, or that has taken longer than everything
    else and more than 15 seconds, is left out from then on, with a note on standard error. The
    same holds for all of them where the logs cannot be written.

    `zoo.fit_and_evaluate` adds it whenever it has a `log_dir`.

    Args:
        log_dir: the folder for the three runs.
        task: the task of the model, with its dataset; without it there are no projector,
            precision-recall curves, samples and images.
        dashboards: `"default"`, with images of attention or gates at the end of a fit of 15
            seconds or more; `"all"` adds what takes longer: these images for each epoch,
            histograms of gradients, a point for each step, and the profile of five steps.
        options: the options of the fit by name, for the comparison of runs.
        progress: see `Progress`; None in a fit by hand.

    Raises:
        ValueError: if `dashboards` is unknown.

    Example:
    >>> callback = zoo.inspection.TensorBoard("logs", task=task)
    >>> callback.log_dir.name  # model.fit(..., callbacks=[callback])
    'logs'
    """

    def __init__(
        self,
        log_dir: str | pathlib.Path,
        *,
        task=None,
        dashboards: str = "default",
        options: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ):
        super().__init__()
        if dashboards not in LEVELS:
            raise ValueError(
                f"dashboards must be one of {', '.join(LEVELS)}; it is {dashboards!r}."
            )
        self.log_dir = files.user_path(log_dir)
        self.task: Any = task if task is not None and task.has_data else None
        self.options = dict(options or {})
        self.progress = progress
        self._shows_all = dashboards == "all"
        self._dashboards: list[Dashboard] = []
        self._fit: Fit | None = None
        self._seconds: dict[str, float] = {}
        self._has_given_up = False

    serve = staticmethod(serve)

    # What Keras calls

    def on_train_begin(self, logs=None):
        """Opens the event files."""
        folder = self.log_dir.resolve()
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        self._seconds = {}
        self._has_given_up = False
        try:
            train, validation, scores = (
                EventFile(self.log_dir / part) for part in ("train", "validation", "scores")
            )
        except files.FileError as error:
            self._give_up(error)
            return
        self._fit = Fit(
            model=self.model,
            task=self.task,
            run=folder.parent.name if folder.name == "logs" else folder.name,
            options=self.options,
            shows_all=self._shows_all,
            total_steps=steps * epochs if steps and epochs else None,
            progress=self.progress,
            train=train,
            validation=validation,
            scores=scores,
        )
        made = make_dashboards(self._fit)
        self._dashboards = [one for one in made if self._guarded(one, one.applies)]
        if self._has_given_up:
            self._dashboards = []
        self._call("on_fit_begin")

    def on_epoch_begin(self, epoch, logs=None):
        """Passes the moment on to the dashboards."""
        self._call("on_epoch_begin")

    def on_train_batch_begin(self, batch, logs=None):
        """Passes the moment on to the dashboards."""
        self._call("on_step_begin")

    def on_train_batch_end(self, batch, logs=None):
        """Passes the moment on to the dashboards."""
        self._call("on_step_end", logs or {})

    def on_epoch_end(self, epoch, logs=None):
        """Passes the moment on to the dashboards, with epochs counted from 1."""
        if self._fit is not None:
            self._fit.epoch = epoch + 1
            self._fit.logs = dict(logs or {})
        self._call("on_epoch_end")
        self._flush()

    def on_train_end(self, logs=None):
        """Passes the moment on to the dashboards; in a fit by hand it closes the files."""
        self._call("on_fit_end")
        self._flush(close=self.progress is None)

    # What the training routine calls

    def write_report(self, report) -> None:
        """Passes a `zoo.Report` on to the dashboards, and closes the files."""
        self._call("on_report", report)
        self._flush(close=True)

    def _flush(self, close: bool = False) -> None:
        try:
            for file in () if self._fit is None else self._fit.files:
                file.close() if close else file.flush()
        except files.FileError as error:
            self._give_up(error)

    def _call(self, moment: str, *arguments) -> None:
        for dashboard in tuple(self._dashboards):
            self._guarded(dashboard, getattr(dashboard, moment), *arguments)

    def _guarded(self, dashboard: Dashboard, function: Callable, *arguments) -> Any:
        """What a method of a dashboard returns; if it fails, the fit continues without it."""
        start = time.perf_counter()
        try:
            return function(*arguments)
        except files.FileError as error:
            self._give_up(error)
        except Exception as error:
            self._leave_out(dashboard, "failed", f"{type(error).__name__}: {error}")
        finally:
            self._count_seconds(dashboard, time.perf_counter() - start)
        return None

    def _count_seconds(self, dashboard: Dashboard, seconds: float) -> None:
        """Adds to the seconds of a dashboard, which is left out if they are too many."""
        taken = self._seconds[dashboard.name] = self._seconds.get(dashboard.name, 0.0) + seconds
        if self._fit is None or taken <= _GRACE or dashboard not in self._dashboards:
            return
        rest = time.perf_counter() - self._fit.started - sum(self._seconds.values())
        if taken > rest:
            reason = f"{taken:.0f} seconds, and the rest of the fit {rest:.0f}"
            self._leave_out(dashboard, "took too long", reason)

    def _leave_out(self, dashboard: Dashboard, what: str, reason: str) -> None:
        self._dashboards = [other for other in self._dashboards if other is not dashboard]
        _note(f"TensorBoard's {dashboard.name!r} {what} and is left out: {reason}")

    def _give_up(self, error: Exception) -> None:
        """Writes nothing from now on. A full disk stops the fit where it writes by itself."""
        if not self._has_given_up:
            _note(f"TensorBoard's logs end here: {error}")
        self._has_given_up = True
        self._dashboards = []
        self._fit = None


def _note(sentence: str) -> None:
    print(f"Note: {one_line(sentence)}", file=sys.stderr)
