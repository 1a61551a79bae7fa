"""Several processes, played by two fits that share what a batch, a decision and a writer is."""

import os

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import FIT
from zoo.training import checkpoint, devices, prepare


class FakeDevices(devices.Devices):
    """One of two processes, which notes what it is asked."""

    def __init__(self, rank, answers=None):
        super().__init__(rank, 2)
        self.decisions = []
        self.batches = []
        self._answers = answers

    def shard(self, batch):
        part = super().shard(batch)
        self.batches.append((batch, part))
        return part

    def agree(self, decision):
        self.decisions.append(decision)
        if self._answers is None:
            return decision
        return self._answers[len(self.decisions) - 1]


@pytest.fixture(scope="module")
def task():
    reviews = zoo.datasets.load(
        "synthetic_reviews", train_size=70, validation_size=20, test_size=20, seed=1
    )
    return zoo.tasks.sentiment(reviews)


def fit(task, process, folder, monkeypatch, **options):
    monkeypatch.setattr(prepare, "current", lambda: process)
    return zoo.fit_and_evaluate(
        lambda: zoo.BagOfWords(**task.model_arguments(), embedding_dim=4),
        task,
        **{**FIT, "epochs": 2, "batch_size": 20, "log_dir": folder, **options},
    )


def test_two_processes_share_each_batch(task, tmp_path, monkeypatch):
    processes = [FakeDevices(0), FakeDevices(1)]
    for rank, process in enumerate(processes):
        fit(task, process, tmp_path / str(rank), monkeypatch)
    assert len(processes[0].batches) == len(processes[1].batches) == 2 * 4
    for (whole, first), (again, second) in zip(*(p.batches for p in processes), strict=True):
        for parts in zip(*map(keras.tree.flatten, (whole, again, first, second)), strict=True):
            if parts[0] is None:
                assert parts[2] is parts[3] is None
                continue
            np.testing.assert_array_equal(parts[0], parts[1])
            np.testing.assert_array_equal(np.concatenate(parts[2:]), parts[0])


def test_one_process_writes(task, tmp_path, monkeypatch):
    fit(task, FakeDevices(1), tmp_path / "second", monkeypatch)
    assert not (tmp_path / "second").exists()
    fit(task, FakeDevices(0), tmp_path / "first", monkeypatch)
    assert {"model.keras", "report.json", "task.json"} <= set(os.listdir(tmp_path / "first"))


def test_processes_are_asked_alike_and_stop_together(task, tmp_path, monkeypatch):
    """The second one sees no signal, and stops since the first has."""
    first = FakeDevices(0)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                os.kill(os.getpid(), 2)

    with pytest.raises(checkpoint.Interrupted):
        fit(task, first, tmp_path / "first", monkeypatch, callbacks=[Stop()])
    second = FakeDevices(1, answers=first.decisions)
    with pytest.raises(checkpoint.Interrupted):
        fit(task, second, tmp_path / "second", monkeypatch)
    assert len(second.decisions) == len(first.decisions) and not any(second.decisions)
    assert first.decisions[-1]


def test_arrays_without_rows_and_nothing_are_kept():
    process = devices.Devices(1, 2)
    batch = {"ids": np.arange(6).reshape(3, 2), "scale": np.float32(2.0), "weights": None}
    part = process.shard(batch)
    np.testing.assert_array_equal(part["ids"], [[4, 5]])
    assert part["scale"] == 2.0 and part["weights"] is None


def test_one_process_decides_alone():
    alone = devices.current()
    batch = (np.ones(3), None)
    assert alone.is_writer and alone.shard(batch) is batch
    assert alone.agree(True) and not alone.agree(False)
    with pytest.raises(NotImplementedError, match="Several processes do not exchange"):
        devices.Devices(0, 2).agree(True)
    with pytest.raises(ValueError, match="rank must be at least 0 and below count; it is 2 of 2"):
        devices.Devices(2, 2)
