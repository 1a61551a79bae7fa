"""Which examples go together: batches by length, as a pure function of a seed and an epoch."""

import numpy as np

# So many batches are sorted by length at a time: few enough that every epoch mixes examples anew.
_POOL = 50


def epoch_batches(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """The order of one epoch of training: batches of examples of nearly one length.

    Args:
        lengths: tokens of each example, (N,).
        batch_size: examples a batch; only the last of each pool of batches may hold fewer.
        seed: another seed gives other batches.
        epoch: counts from 0.

    Returns:
        Arrays of indices; each example is in one of them, once. Batch k is a function of the
        arguments alone, so that a run can go on at any place.
    """
    random = np.random.default_rng([seed, epoch])
    shuffled = random.permutation(len(lengths))
    batches = []
    for start in range(0, len(shuffled), _POOL * batch_size):
        pool = shuffled[start : start + _POOL * batch_size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """All examples once, shortest first: the order of evaluation, with the least padding."""
    order = np.argsort(lengths, kind="stable")
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
