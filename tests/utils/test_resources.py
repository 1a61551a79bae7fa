"""Memory, disk and cores, on this system and on others."""

import os

import numpy as np

from zoo.utils import resources


def test_memory_that_is_used_is_seen():
    before = resources.resident_memory()
    array = np.ones(20_000_000)
    assert resources.resident_memory() - before > 0.9 * array.nbytes
    assert resources.peak_memory() >= resources.resident_memory() * 0.99
    assert resources.available_memory() > 0


def test_cores_are_counted_where_a_process_has_no_affinity(monkeypatch):
    assert resources.num_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert resources.num_cores() == os.cpu_count()
