"""What several tests stand on: a small dataset, and one run of the whole way that many look at."""

import gc
import io
import sys

import pytest
import tensorflow as tf

import zoo
from tests.helpers import fit_writer, made_once, make_run
from zoo import cli

# Most graphs of tests run a few steps, and Grappler takes longer to optimize one than those take.
# It is on in the processes that tests start: SavedModels in plain TensorFlow, commands, kills.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
# Traced graphs are many objects that live long.
gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def reviews():
    """A small synthetic dataset."""
    return zoo.datasets.load(
        "synthetic_reviews", train_size=300, validation_size=80, test_size=100, seed=1
    )


@pytest.fixture
def eager():
    """Steps are not traced, which takes most of the time where there are few of them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def grappler():
    """Graphs are optimized as in other processes, whose fits are compared bit by bit."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session")
def run(reviews, tmp_path_factory):
    """The folder of a run that nobody changes, with everything in it."""

    def make(folder):
        make_run(reviews, folder, dashboards="default")

    return made_once(tmp_path_factory, "gru", make)


@pytest.fixture(scope="session")
def writing_run(reviews, tmp_path_factory):
    """The folder of a run of text generation that nobody changes, with everything in it."""

    def make(folder):
        fit_writer(zoo.tasks.text_generation(reviews), folder, dashboards="default")
        zoo.export_saved_model(*zoo.load(folder), folder / "saved_model" / "1")

    return made_once(tmp_path_factory, "writing", make)


@pytest.fixture(scope="session")
def plain_writer(writing_run, tmp_path_factory):
    """The SavedModel of that run without XLA, which compiles anew for each number of rows."""

    def make(folder):
        zoo.export_saved_model(*zoo.load(writing_run), folder / "1", jit_compile=False)

    return made_once(tmp_path_factory, "plain", make) / "1"


@pytest.fixture
def call(monkeypatch, capsys):
    """Runs a command as a shell would: (exit status, standard output, standard error)."""

    def run(*arguments, stdin: bytes = b""):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        stream = io.TextIOWrapper(io.BytesIO(stdin))
        monkeypatch.setattr(sys, "stdin", stream)
        status = 0
        try:
            cli.main()
        except SystemExit as leaving:
            status = leaving.code or 0
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
