"""The bar of a fit, without a fit."""

import io
import sys
import warnings
from types import SimpleNamespace

import pytest
from IPython import display
from rich.console import Console

from zoo.tasks.metric import Metric
from zoo.training import progress


class Handle:
    """What a cell shows, as IPython changes it."""

    def __init__(self, shown):
        self.shown = [shown["text/plain"]]

    def update(self, shown, raw):
        assert raw
        self.shown.append(shown["text/plain"])


def fitted(monkeypatch, console):
    """The bar's callback after the first batch of the second of three epochs, not at its end."""
    monkeypatch.setattr(progress, "Console", lambda **options: console)
    bar = progress.ProgressBar("imdb", [Metric("accuracy", main=True)])
    bar.set_model(SimpleNamespace(name="gru"))
    bar.set_params({"epochs": 3, "steps": 4})
    bar.on_train_begin()
    bar.on_epoch_begin(1)
    bar.on_train_batch_end(0, {"loss": 0.25})
    return bar


def test_a_notebook_without_widgets_shows_a_bar_without_a_warning(monkeypatch):
    handles = []
    monkeypatch.setattr(
        display, "display", lambda shown, **_: handles.append(Handle(shown)) or handles[-1]
    )
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    output = io.StringIO()
    console = Console(file=output, force_jupyter=False)
    console.is_jupyter = True
    console.print = lambda *arguments, **_: output.write(f"{arguments[0]}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bar = fitted(monkeypatch, console)
        bar.on_epoch_end(1, {"loss": 0.25, "seconds": 2.0})
        bar.on_train_end()
    (handle,) = handles
    assert handle.shown[-2] == f"epoch 2/3  [{'=' * 8:30}]  25%  loss 0.250"
    assert handle.shown[-1] == ""
    assert output.getvalue() == "gru, imdb\n  epoch 2/3  loss 0.2500  2.0 s\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_shows_a_bar_and_a_file_only_lines(monkeypatch, is_terminal):
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, force_jupyter=False, width=90)
    bar = fitted(monkeypatch, console)
    bar.on_train_end()
    assert output.getvalue().startswith("gru, imdb\n")
    assert ("epoch 2/3" in output.getvalue()) == is_terminal
