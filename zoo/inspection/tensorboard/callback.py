"""The callback that fills TensorBoard's dashboards while a model is fitted."""

import pathlib
import sys
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


class TensorBoard(keras.callbacks.Callback):
    """Writes what TensorBoard shows, in place of `keras.callbacks.TensorBoard`.

    Runs `train` and `validation` hold curves by epoch, with the same names (`epoch_loss` ...).
    `train` also holds curves by step (`step/loss`, `step/learning_rate`, `step/gradient_norm`
    before clipping, `step/tokens_per_second`, `step/padding_share`), graphs, histograms, generated
    samples of a language model, images and the files of the projector; `validation` holds
    precision-recall curves; `scores` holds the report, and hyperparameters with final scores, by
    which runs are compared. Each dashboard is a file in this package, see `Dashboard`.

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

    serve = staticmethod(serve)

    # What Keras calls

    def on_train_begin(self, logs=None):
        """Opens the event files."""
        folder = self.log_dir.resolve()
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        self._fit = Fit(
            model=self.model,
            task=self.task,
            run=folder.parent.name if folder.name == "logs" else folder.name,
            options=self.options,
            shows_all=self._shows_all,
            total_steps=steps * epochs if steps and epochs else None,
            progress=self.progress,
            train=EventFile(self.log_dir / "train"),
            validation=EventFile(self.log_dir / "validation"),
            scores=EventFile(self.log_dir / "scores"),
        )
        made = make_dashboards(self._fit)
        self._dashboards = [one for one in made if self._guarded(one, one.applies)]
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
        self._fit.epoch = epoch + 1
        self._fit.logs = dict(logs or {})
        self._call("on_epoch_end")
        for file in self._fit.files:
            file.flush()

    def on_train_end(self, logs=None):
        """Passes the moment on to the dashboards; in a fit by hand it closes the files."""
        self._call("on_fit_end")
        for file in self._fit.files:
            file.close() if self.progress is None else file.flush()

    # What the training routine calls

    def write_report(self, report) -> None:
        """Passes a `zoo.Report` on to the dashboards, and closes the files."""
        self._call("on_report", report)
        for file in self._fit.files:
            file.close()

    def _call(self, moment: str, *arguments) -> None:
        for dashboard in tuple(self._dashboards):
            self._guarded(dashboard, getattr(dashboard, moment), *arguments)

    def _guarded(self, dashboard: Dashboard, function: Callable, *arguments) -> Any:
        """What a method of a dashboard returns; if it fails, the fit continues without it."""
        try:
            return function(*arguments)
        except files.FileError:
            raise  # A full disk, which the rest of the fit would meet as well.
        except Exception as error:
            self._dashboards = [other for other in self._dashboards if other is not dashboard]
            print(
                f"Note: TensorBoard's {dashboard.name!r} failed and is left out: "
                f"{type(error).__name__}: {error}",
                file=sys.stderr,
            )
            return None
