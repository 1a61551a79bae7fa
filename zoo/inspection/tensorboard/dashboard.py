"""What every dashboard is: a file in this package that registers a subclass of `Dashboard`.

    @register_dashboard("word_count")
    class WordCount(Dashboard):
        def on_epoch_end(self):
            words = sum(len(text.split()) for text in self.fit.task.data.texts("train"))
            self.fit.train.write(summaries.scalars({"words": words}), self.fit.epoch)

A dashboard that fails never stops a fit: the callback prints a note and continues without it.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras

from zoo.inspection.tensorboard.summaries import EventFile
from zoo.registry import Registry
from zoo.training.settings import DASHBOARDS

# The levels of detail that write something.
LEVELS = tuple(level for level in DASHBOARDS if level != "none")

_DASHBOARDS = Registry("dashboard", "zoo.inspection.tensorboard")


class Progress(Protocol):
    """What the training routine knows of a fit in addition to Keras's logs.

    `tokens` and `positions` (tokens and padding) count what was trained on so far. `validation` is
    the `Evaluation` of the last epoch, and at the end of the fit that of the restored weights.
    """

    tokens: int
    positions: int
    validation: Any


@dataclasses.dataclass
class Fit:
    """A fit as dashboards see it, with the event files that they write to.

    Attributes:
        model: the model, compiled.
        task: its task, with a dataset; None where it is unknown.
        run: the name of the run.
        options: the options of the fit, by name.
        shows_all: True for `dashboards="all"`.
        total_steps: steps of the whole fit; None where it is unknown.
        progress: see `Progress`; None in a fit by hand.
        train, validation, scores: the event files, one for each of TensorBoard's runs.
        epoch: completed epochs, from 1 once the first one ends.
        logs: Keras's logs of the last epoch.
        started: `time.perf_counter()` at the beginning of the fit.
    """

    model: keras.Model
    task: Any
    run: str
    options: Mapping[str, Any]
    shows_all: bool
    total_steps: int | None
    progress: Progress | None
    train: EventFile
    validation: EventFile
    scores: EventFile
    epoch: int = 0
    logs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    started: float = dataclasses.field(default_factory=time.perf_counter)

    @property
    def files(self) -> tuple[EventFile, EventFile, EventFile]:
        """The event files."""
        return self.train, self.validation, self.scores

    @property
    def is_classifier(self) -> bool:
        """Whether the task assigns each text one of its classes."""
        return self.task is not None and self.task.has_classes

    @property
    def is_language_model(self) -> bool:
        """Whether the model predicts the next token from those before it."""
        return self.task is not None and self.task.head == "language_model" and self.model.causal

    def epoch_scores(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The logs of the last epoch, of training and of validation, without the prefix `val_`."""
        prefix = "val_"
        train = {k: v for k, v in self.logs.items() if not k.startswith(prefix)}
        validation = {k: v for k, v in self.logs.items() if k.startswith(prefix)}
        return train, {name.removeprefix(prefix): value for name, value in validation.items()}

    def validation_details(self) -> Mapping[str, Any]:
        """The details of the last `Evaluation` of the validation split; empty if unknown."""
        evaluation = None if self.progress is None else self.progress.validation
        return {} if evaluation is None else evaluation.details


class Dashboard:
    """One thing that TensorBoard shows. Override the methods for the moments at which it writes.

    Args:
        fit: what it shows, and where it writes.

    Attributes:
        name: its name, set by `register_dashboard`.
        level: `"all"` if it takes so long that it must be asked for, else `"default"`.
    """

    name: str
    level = "default"

    def __init__(self, fit: Fit):
        self.fit = fit

    def applies(self) -> bool:
        """Whether there is anything to show of this fit. If not, it is not called again."""
        return True

    def on_fit_begin(self) -> None:
        """Called before the first step."""

    def on_epoch_begin(self) -> None:
        """Called before the first step of each epoch."""

    def on_step_begin(self) -> None:
        """Called before each step."""

    def on_step_end(self, logs: Mapping[str, float]) -> None:
        """Called after each step, with Keras's logs."""

    def on_epoch_end(self) -> None:
        """Called after validation, when `fit.epoch` and `fit.logs` are those of the epoch."""

    def on_fit_end(self) -> None:
        """Called once the model has the weights that it keeps."""

    def on_report(self, report) -> None:
        """Called with the `zoo.Report` of the fit; never in a fit by hand."""


def register_dashboard(name: str) -> Callable[[type[Dashboard]], type[Dashboard]]:
    """Enters a subclass of `Dashboard` under a name."""

    def register(cls: type[Dashboard]) -> type[Dashboard]:
        cls.name = name
        _DASHBOARDS.register(name, cls)
        return cls

    return register


def list_dashboards() -> list[str]:
    """The names of all dashboards, in alphabetical order."""
    return _DASHBOARDS.names()


def make_dashboards(fit: Fit) -> list[Dashboard]:
    """A new dashboard of each kind that the level of detail of a fit asks for."""
    made = [_DASHBOARDS[name](fit) for name in list_dashboards()]
    return [dashboard for dashboard in made if fit.shows_all or dashboard.level == "default"]
