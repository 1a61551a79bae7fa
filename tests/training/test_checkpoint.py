"""Where a fit stands comes back to the bit, or is told to be damaged."""

import os
import signal
import threading

import numpy as np
import pytest

from zoo.training.checkpoint import Checkpoint, stopping_on_signals
from zoo.utils.files import FileError

FACTS = {"step": 7, "loss": 0.1 + 0.2, "tiny": 5e-324, "history": [{"val_loss": None}]}
ARRAYS = {
    "weights": [np.array([[1e-45, -0.0], [np.inf, np.nan]], "float32"), np.zeros((0, 3))],
    "optimizer": [np.array(2**63 - 1), *(np.array(n, "uint32") for n in range(12))],
}


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "checkpoint.npz")


def test_facts_and_arrays_come_back_to_the_bit(checkpoint):
    assert checkpoint.load() is None
    for facts in ({}, FACTS):
        checkpoint.save(facts, ARRAYS)
    facts, arrays = checkpoint.load()
    assert facts == FACTS
    assert list(arrays) == list(ARRAYS)
    for name, values in ARRAYS.items():
        assert len(arrays[name]) == len(values)
        for ours, expected in zip(arrays[name], values, strict=True):
            assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
            assert ours.tobytes() == expected.tobytes()
    assert os.listdir(checkpoint.path.parent) == ["checkpoint.npz"]
    checkpoint.remove()
    checkpoint.remove()
    assert checkpoint.load() is None


def test_each_cut_and_each_flipped_byte_of_an_array_is_seen(checkpoint):
    checkpoint.save(FACTS, {"weights": [np.arange(64.0)]})
    content = checkpoint.path.read_bytes()
    expected = checkpoint.load()
    unseen = 0
    for place in range(0, len(content), 7):
        checkpoint.path.write_bytes(content[:place])
        with pytest.raises(FileError, match=r"checkpoint\.npz is damaged"):
            checkpoint.load()
        flipped = bytearray(content)
        flipped[place] ^= 0x10
        checkpoint.path.write_bytes(flipped)
        try:
            facts, arrays = checkpoint.load()
        except FileError:
            continue
        # A byte of the archive's own that says nothing, such as a date.
        unseen += 1
        assert facts == expected[0]
        np.testing.assert_array_equal(arrays["weights"], expected[1]["weights"])
    assert unseen < len(content) / 7 / 4


def test_pickled_objects_are_not_loaded(checkpoint):
    np.savez(checkpoint.path, facts=np.array([object()], dtype=object))
    with pytest.raises(FileError, match="is damaged"):
        checkpoint.load()


def test_one_is_due_when_the_interval_is_over(tmp_path):
    assert not Checkpoint(tmp_path / "checkpoint.npz", interval=3600).is_due
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz", interval=0)
    assert checkpoint.is_due


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request_and_the_second_works_as_ever(number):
    received = []
    former = signal.signal(number, lambda *_: received.append(1))
    try:
        with stopping_on_signals() as request:
            assert request.signal is None
            os.kill(os.getpid(), number)
            assert (request.signal, received) == (number, [])
            os.kill(os.getpid(), number)
            assert received == [1]
        os.kill(os.getpid(), number)
        assert received == [1, 1]
    finally:
        signal.signal(number, former)


def test_another_thread_leaves_signals_alone():
    former = signal.getsignal(signal.SIGINT)
    seen = []

    def fit():
        with stopping_on_signals() as request:
            seen.append((request.signal, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=fit)
    thread.start()
    thread.join()
    assert seen == [(None, former)]
