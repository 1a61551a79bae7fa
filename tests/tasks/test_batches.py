"""Batches as a function of seed and epoch."""

import numpy as np

from zoo.tasks.batches import epoch_batches, sorted_batches

LENGTHS = np.random.default_rng(0).integers(1, 400, 10_000)


def padding_share(batches):
    padded = sum(len(batch) * LENGTHS[batch].max() for batch in batches)
    return 1 - LENGTHS.sum() / padded


def test_each_example_is_in_one_batch():
    for batches in (epoch_batches(LENGTHS, 64, 1, 0), sorted_batches(LENGTHS, 64)):
        assert sorted(np.concatenate(batches)) == list(range(len(LENGTHS)))
        assert max(map(len, batches)) == 64


def test_they_depend_on_seed_and_epoch_alone():
    first, again = (epoch_batches(LENGTHS, 64, 5, 3) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    for other in (epoch_batches(LENGTHS, 64, 5, 4), epoch_batches(LENGTHS, 64, 6, 3)):
        assert not np.array_equal(np.concatenate(first), np.concatenate(other))


def test_every_epoch_has_as_many_steps():
    assert len({len(epoch_batches(LENGTHS, 48, 0, epoch)) for epoch in range(5)}) == 1


def test_little_is_padding_and_the_order_is_not_by_length():
    batches = epoch_batches(LENGTHS, 64, 0, 0)
    assert padding_share(batches) < 0.05 < padding_share(np.array_split(np.arange(10_000), 157))
    means = [LENGTHS[batch].mean() for batch in batches]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.2
