"""Fits leave nothing behind, so that any number of them goes into one process."""

import gc
import weakref

import pytest

import zoo
from zoo.training.optimizers import OPTIMIZERS


def graphs():
    """TensorFlow's graphs of functions that are alive, by identity."""
    from tensorflow.python.framework.func_graph import FuncGraph

    gc.collect()
    return {id(each) for each in gc.get_objects() if type(each) is FuncGraph}


def whole_way(reviews, folder, optimizer):
    """Fits, reads back and exports; a weak reference to the model that was fitted."""
    task = zoo.tasks.sentiment(reviews)
    made = []

    def make():
        model = zoo.GRU(**task.model_arguments(), embedding_dim=4, units=4)
        made.append(weakref.ref(model))
        return model

    options = {"epochs": 1, "optimizer": optimizer, "log_dir": folder, "verbose": False}
    zoo.fit_and_evaluate(make, task, **options)
    zoo.export_saved_model(*zoo.load(folder), folder / "saved_model" / "1")
    return made[0]


@pytest.mark.parametrize(
    "optimizer",
    ["adam", *(pytest.param(o, marks=pytest.mark.slow) for o in OPTIMIZERS if o != "adam")],
)
def test_a_fit_leaves_neither_model_nor_graph(reviews, tmp_path, optimizer):
    before = graphs()
    model = whole_way(reviews, tmp_path, optimizer)
    assert len(graphs() - before) == 0
    assert model() is None
