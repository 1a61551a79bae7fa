"""Batches of examples of similar length, a pure function of seed and epoch."""

from typing import Any, NamedTuple

import numpy as np

# Batches that are sorted by length together: few enough that each epoch makes other batches.
_POOL = 50


class Batch(NamedTuple):
    """Some examples, as arrays.

    Attributes:
        inputs: inputs of the model: ids `int32` (B, T), padded right with 0, or a dict of arrays.
        targets: the targets, (B, ...).
        weights: weight of each target in the loss; None for equal weights.
        num_targets: number of targets that the loss is a mean over.
    """

    inputs: Any
    targets: np.ndarray
    weights: np.ndarray | None
    num_targets: int


def epoch_batches(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """The order of one epoch of training: batches of examples of nearly one length.

    Args:
        lengths: tokens of each example, (N,).
        batch_size: examples per batch; only the last of each pool of batches may hold fewer.
        seed: seed of the order.
        epoch: counts from 0.

    Returns:
        Arrays of indices; each example is in one of them, once. Batch k is a function of the
        arguments alone, so that training can resume at any step.
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
