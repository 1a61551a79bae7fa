"""`split_off`: divides a split in two, by class and without a text on both sides."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.datasets.dataset import DatasetError, Split

# A group of equal texts may exceed the quota of its class by this share of it.
_TOLERANCE = 0.01

# Labels of this many classes with fewer texts each are more likely ids or names.
_MIN_TEXTS_PER_CLASS, _MANY_CLASSES = 2, 10


def split_off(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Divides a split in two, stratified by category: for training and for validation.

    Which examples are held out depends on the texts, the categories, `share` and `seed` only, not
    on the order of the examples. Equal texts are on the same side, so that validation has no text
    of train. With several text columns, this holds for the first one.

    The number of examples held out is `share` of all, within one. The classes get theirs by largest
    remainder. Each class with two different texts gets at least one, as long as these are at most
    half of all; at least one of its texts is left for training. Equal texts that are too many for
    the quota of their class are left for training.

    Args:
        split: The split to divide.
        share: The share to hold out, above 0 and below 1.
        seed: Seed of the choice.

    Returns:
        (rest, held out), each in the order of `split`.

    Raises:
        DatasetError: If `share` is out of range or one side would be empty.

    Example:
    >>> rest, held_out = zoo.datasets.split_off(reviews.train, 0.25, seed=1)
    >>> len(rest) + len(held_out) == len(reviews.train)
    True
    """
    check_share(share)
    key = int(seed).to_bytes(8, "little", signed=True)
    digests = [
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
        for text in split.of_kind("text")[0]
    ]
    # Equal texts are a group; groups are numbered in the order of their digests.
    _, group = np.unique(np.frombuffer(b"".join(digests), ">u8"), return_inverse=True)
    # A stratum is one combination of classes.
    categories = np.stack([np.zeros(len(split), "int32"), *split.of_kind("category")])
    _, stratum = np.unique(categories, axis=1, return_inverse=True)
    is_held_out = _choose(group, stratum.ravel(), share)[group] if len(split) else np.zeros(0, bool)
    if is_held_out.all() or not is_held_out.any():
        num_different = int(group.max(initial=-1)) + 1
        different = f", {num_different} of them different," if num_different < len(split) else ""
        raise DatasetError(
            f"{len(split)} texts{different} are too few to split off a share of {share}."
        )
    return split.take(np.flatnonzero(~is_held_out)), split.take(np.flatnonzero(is_held_out))


def check_share(share: float) -> None:
    """Raises a `DatasetError` unless `share` is above 0 and below 1."""
    if not 0 < share < 1:
        raise DatasetError(f"share must be above 0 and below 1; it is {share}.")


def check_repetition(labels: Sequence[str], column: str, source: Path) -> None:
    """Raises a `DatasetError` for labels that are nearly all different.

    Args:
        labels: The label of each text.
        column: The name of their column.
        source: Where they were read from.
    """
    different = len(set(labels))
    if different >= _MANY_CLASSES and len(labels) < _MIN_TEXTS_PER_CLASS * different:
        raise DatasetError(
            f"{source} has {different:,} different labels for {len(labels):,} texts in {column!r}: "
            f"is this the right column? Expected at least {_MIN_TEXTS_PER_CLASS} texts per class "
            "on average."
        )


def _choose(group: np.ndarray, stratum: np.ndarray, share: float) -> np.ndarray:
    """Which groups are held out, bool (G,).

    Args:
        group: The group of each example, (N,), from 0 to G - 1 in the order of preference.
        stratum: The stratum of each example, (N,), from 0 to S - 1.
        share: The share to hold out.
    """
    num_groups, num_strata = int(group.max()) + 1, int(stratum.max()) + 1
    # A cell is a group in a stratum. Nearly all groups have a single one.
    cells, sizes = np.unique(group.astype("int64") * num_strata + stratum, return_counts=True)
    cell_group, cell_stratum = np.divmod(cells, num_strata)
    starts = np.searchsorted(cell_group, np.arange(num_groups + 1)).tolist()
    different = np.bincount(cell_stratum, minlength=num_strata)
    # Where most examples are a few texts, training keeps half of the different ones.
    most = np.ceil(different * max(1.5 * share, 0.5) - 1e-9).astype("int64")
    room = np.minimum(most, different - 1).tolist()
    num_of_stratum = np.bincount(stratum)
    # As near to the share of each class as to that of all examples.
    total = int(np.round(share * num_of_stratum).sum())
    if abs(total - share * len(group)) >= 1:
        total = round(share * len(group))
    first = np.full(num_strata, num_groups)
    np.minimum.at(first, cell_stratum, cell_group)
    quota = _quotas(num_of_stratum, different > 1, total, share, first).tolist()

    members = list(zip(cell_stratum.tolist(), sizes.tolist(), strict=True))
    left = list(quota)  # Of each stratum; below 0 within the tolerance.
    tolerance = [int(quotas * _TOLERANCE) for quotas in quota]
    num_open = sum(number > 0 for number in left)
    is_chosen = np.zeros(num_groups, bool)

    def take(index: int) -> None:
        nonlocal num_open
        is_chosen[index] = True
        for of, number in members[starts[index] : starts[index + 1]]:
            num_open -= left[of] > 0 >= left[of] - number
            left[of] -= number
            room[of] -= 1

    for index in range(num_groups):
        if not num_open:
            break
        its = members[starts[index] : starts[index + 1]]
        if any(left[of] > 0 for of, _ in its) and all(
            room[of] > 0 and left[of] + tolerance[of] >= number for of, number in its
        ):
            take(index)

    # A stratum whose groups are all larger than its quota gets the smallest one.
    number_left = sum(left)
    group_sizes = np.bincount(group)
    untouched = {of for of in range(num_strata) if quota[of] and left[of] == quota[of]}
    if untouched:
        for index in np.argsort(group_sizes, kind="stable").tolist():
            its = members[starts[index] : starts[index + 1]]
            size = int(group_sizes[index])
            is_small = size <= (number_left if is_chosen.any() else max(number_left, 2 * total))
            if not is_small:
                break
            if any(of in untouched for of, _ in its) and all(room[of] > 0 for of, _ in its):
                take(index)
                number_left -= size
                untouched -= {of for of, _ in its}
    return is_chosen


def _quotas(
    sizes: np.ndarray, can_be_divided: np.ndarray, total: int, share: float, order: np.ndarray
) -> np.ndarray:
    """The number of examples to hold out of each stratum, (S,), by largest remainder.

    Args:
        sizes: The number of examples of each stratum, (S,).
        can_be_divided: Whether a stratum has two different texts, bool (S,).
        total: The sum of the quotas, as far as there are examples for them.
        share: The share to hold out.
        order: Which of equal remainders come first, (S,).
    """
    most = np.where(can_be_divided, sizes - 1, 0)
    quotas = np.zeros(len(sizes), "int64")
    if 2 * can_be_divided.sum() <= total:
        quotas += can_be_divided
    wanted = total - int(quotas.sum())
    exact = np.clip(share * sizes - quotas, 0, most - quotas)
    if abs(exact.sum() - wanted) >= 1 and exact.any():
        exact *= wanted / exact.sum()
    # The remainders of equal strata are equal, whatever the rounding.
    exact = np.round(np.minimum(exact, most - quotas), 9)
    whole = np.floor(exact).astype("int64")
    quotas += whole
    ranked = np.lexsort((order, whole - exact))
    while (wanted := total - int(quotas.sum())) > 0 and (quotas < most).any():
        with_room = ranked[(quotas < most)[ranked]]
        quotas[with_room[:wanted]] += 1
    return quotas
