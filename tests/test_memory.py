"""Fits leave nothing behind, so that any number of them goes into one process."""

import gc
import weakref

import pytest

import zoo
from zoo.optimizers import OPTIMIZERS


def graphs():
    """TensorFlow's graphs of functions that are alive, by identity."""
    from tensorflow.python.framework.func_graph import FuncGraph

    gc.collect()
    return {id(each) for each in gc.get_objects() if type(each) is FuncGraph}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_fit_leaves_neither_model_nor_graph(reviews, tmp_path, optimizer):
    task = zoo.tasks.sentiment(reviews)
    made = []

    def make():
        model = zoo.GRU(**task.model_arguments(), embedding_dim=4, units=4)
        made.append(weakref.ref(model))
        return model

    before = graphs()
    zoo.fit_and_evaluate(make, task, epochs=1, optimizer=optimizer, log_dir=tmp_path, verbose=False)
    model, loaded_task = zoo.load(tmp_path)
    zoo.export_saved_model(model, loaded_task, tmp_path / "saved_model" / "1")
    del model, loaded_task
    assert len(graphs() - before) == 0
    assert [each() for each in made] == [None]
