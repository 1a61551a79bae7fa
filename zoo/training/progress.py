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

_WIDTH = 30


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
        steps = self.params.get("steps")
        if self._console.is_jupyter:
            self._bar = _NotebookBar(steps)
        elif self._console.is_terminal:
            self._bar = _TerminalBar(self._console, steps)
        self._shown_at = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Resets the bar."""
        self._batch = 0
        if self._bar:
            self._bar.reset(f"epoch {epoch + 1}/{self.params['epochs']}")

    def on_train_batch_end(self, batch, logs=None):
        """Advances the bar, at most ten times a second."""
        self._batch += 1
        if self._bar and time.monotonic() - self._shown_at > 0.1:
            self._shown_at = time.monotonic()
            status = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
            self._bar.update(self._batch, status)

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


class _TerminalBar:
    """A bar that is drawn over itself."""

    def __init__(self, console: Console, steps: int | None):
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=_WIDTH),
            progress.TextColumn("{task.percentage:3.0f}%"),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("{task.fields[status]}", markup=False),
            console=console,
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=steps, status="")

    def reset(self, description: str) -> None:
        self._progress.reset(self._task, description=description, status="")

    def update(self, step: int, status: str) -> None:
        self._progress.update(self._task, completed=step, status=status)

    def stop(self) -> None:
        self._progress.stop()


class _NotebookBar:
    """A bar of plain text in the output of a cell: it needs no widgets, as those of rich do."""

    def __init__(self, steps: int | None):
        from IPython import display

        self._steps, self._description = steps, ""
        self._handle: Any = display.display(_plain(""), raw=True, display_id=True)

    def reset(self, description: str) -> None:
        self._description = description
        self.update(0, "")

    def update(self, step: int, status: str) -> None:
        text = f"{self._description}  {step}"
        if self._steps:
            share = min(step / self._steps, 1.0)
            filled = round(share * _WIDTH)
            text = f"{self._description}  [{'=' * filled:{_WIDTH}}] {share:4.0%}"
        self._show(f"{text}  {status}".rstrip())

    def stop(self) -> None:
        self._show("")

    def _show(self, text: str) -> None:
        self._handle.update(_plain(text), raw=True)


def _plain(text: str) -> dict[str, str]:
    return {"text/plain": text}
