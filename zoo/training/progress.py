"""The progress bar of a fit, in a terminal or a notebook."""

import time
from collections.abc import Iterable
from typing import Any

import keras
from rich import progress
from rich.console import Console
from rich.text import Text

from zoo.tasks.metric import Metric, main_metric
from zoo.utils.terminal import one_line


class ProgressBar(keras.callbacks.Callback):
    """A progress bar over batches, and a line for each finished epoch, on standard error.

    If standard error is not a terminal, only the lines are printed.

    Args:
        title: The name of the fit.
        metrics: The metrics of its task; the lines show the loss and the main one.
    """

    def __init__(self, title: str, metrics: Iterable[Metric]):
        super().__init__()
        self._title = title
        main = main_metric(metrics).name
        self._shown = ("loss", main, "val_loss", f"val_{main}")
        self._bar: Any = None

    def on_train_begin(self, logs=None):
        """Starts the progress bar."""
        self._console = Console(stderr=True)
        self._console.print(Text(one_line(f"{self.model.name}, {self._title}")))
        if self._console.is_terminal or self._console.is_jupyter:
            self._bar = progress.Progress(
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(bar_width=30),
                progress.TextColumn("{task.percentage:3.0f}%"),
                progress.TimeRemainingColumn(compact=True),
                progress.TextColumn("{task.fields[status]}", markup=False),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=self.params.get("steps"), status="")
        self._shown_at = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Resets the bar."""
        self._batch = 0
        if self._bar:
            self._bar.reset(
                self._task, description=f"epoch {epoch + 1}/{self.params['epochs']}", status=""
            )

    def on_train_batch_end(self, batch, logs=None):
        """Advances the bar, at most ten times a second."""
        self._batch += 1
        if self._bar and time.monotonic() - self._shown_at > 0.1:
            self._shown_at = time.monotonic()
            status = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
            self._bar.update(self._task, completed=self._batch, status=status)

    def on_epoch_end(self, epoch, logs=None):
        """Prints the scores of the epoch."""
        scores = "  ".join(f"{name} {logs[name]:.4f}" for name in self._shown if name in logs)
        self._console.print(
            f"  epoch {epoch + 1}/{self.params['epochs']}  {scores}  {logs['seconds']:.1f} s",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def on_train_end(self, logs=None):
        """Removes the bar."""
        if self._bar:
            self._bar.stop()
            self._bar = None
