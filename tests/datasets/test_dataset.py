import random

import numpy as np
import pytest

from zoo.datasets import Audit, DatasetError, Split, TextDataset, split_off
from zoo.datasets.dataset import TextCollector, audit


def make_split(size: int = 200, num_classes: int = 4) -> Split:
    labels = np.arange(size, dtype="int32") % num_classes
    return Split([f"text number {i}" for i in range(size)], labels)


def examples(split: Split) -> list[tuple[str, int]]:
    return sorted(zip(split.texts, split.labels.tolist(), strict=True))


def test_carve_divides_without_loss_and_keeps_the_order():
    split = make_split()
    rest, carved = split_off(split, 0.1, seed=0)
    assert len(carved) == 20
    assert sorted(examples(rest) + examples(carved)) == examples(split)
    assert carved.texts == [text for text in split.texts if text in set(carved.texts)]


def test_carve_does_not_depend_on_the_order_of_the_texts():
    split = make_split()
    shuffled = split.take(random.Random(5).sample(range(len(split)), len(split)))
    for one, other in zip(split_off(split, 0.2, 3), split_off(shuffled, 0.2, 3), strict=True):
        assert examples(one) == examples(other)


def test_carve_depends_on_the_seed_and_on_nothing_else():
    split = make_split()
    carves = [split_off(split, 0.1, seed)[1].texts for seed in (0, 1, -1, np.int64(1))]
    assert carves[0] != carves[1] != carves[2]
    assert carves[1] == carves[3]


def test_carve_keeps_the_proportion_of_each_class():
    labels = np.array([0] * 100 + [1] * 300 + [2] * 20, "int32")
    _, carved = split_off(Split([f"text {i}" for i in range(420)], labels), 0.1, seed=0)
    assert np.bincount(carved.labels).tolist() == [10, 30, 2]


def test_carve_puts_equal_texts_on_the_same_side():
    texts = [f"text {i % 50}" for i in range(200)]  # Each text four times, in two classes.
    labels = (np.arange(200) // 100).astype("int32")
    rest, carved = split_off(Split(texts, labels), 0.2, seed=0)
    assert carved.texts
    assert not set(rest.texts) & set(carved.texts)


def test_carve_divides_texts_without_labels():
    rest, carved = split_off(Split([str(i) for i in range(40)]), 0.25, seed=0)
    assert (len(rest), len(carved)) == (30, 10)
    assert carved.labels is None


@pytest.mark.parametrize("share", [0, 1, -0.5, 2])
def test_carve_refuses_a_share_out_of_range(share):
    with pytest.raises(DatasetError, match=f"between 0 and 1, not be {share}"):
        split_off(make_split(), share, seed=0)


def test_carve_refuses_too_few_texts():
    with pytest.raises(DatasetError, match=r"^3 texts are too few to carve off a share of 0\.1\.$"):
        split_off(make_split(3), 0.1, seed=0)


def test_the_fingerprint_tells_texts_labels_and_order_apart():
    split, empty = make_split(4), Split([])

    def fingerprint(train: Split, test: Split = empty) -> str:
        return TextDataset("name", train=train, validation=empty, test=test).fingerprint

    others = [
        split.take([1, 0, 2, 3]),
        Split(split.texts, split.labels[::-1].copy()),
        Split([*split.texts[:-2], "text number 2te", "xt number 3"], split.labels),
    ]
    fingerprints = {fingerprint(split), fingerprint(empty, split), *map(fingerprint, others)}
    assert len(fingerprints) == 5
    assert fingerprint(split) == fingerprint(make_split(4))


def test_unlabelled_texts_are_read_once_and_when_they_are_wanted():
    reads = []

    def read() -> Split:
        reads.append("read")
        return Split(["a text"])

    empty = Split([])
    dataset = TextDataset("name", train=empty, validation=empty, test=empty, unlabelled=read)
    assert reads == []
    assert dataset.unlabelled.texts == dataset.unlabelled.texts == ["a text"]
    assert reads == ["read"]


def make_dataset(train, validation=(), test=(), unlabelled=()) -> TextDataset:
    return TextDataset(
        "name",
        train=Split(train),
        validation=Split(validation),
        test=Split(test),
        unlabelled=lambda: Split(unlabelled),
    )


def test_language_modelling_sees_nothing_of_validation_or_test():
    dataset = make_dataset(
        train=["b", "in test", "a", "b", "in validation"],
        validation=["in validation", "A"],
        test=["in test", "a "],
        unlabelled=["z", "in test", "a", "in test"],
    )
    # In order, repetitions kept, and equal is what is equal to the last character.
    assert dataset.texts_for_language_modelling() == (["b", "a", "b", "z", "a"], 4)
    assert dataset.train.texts == ["b", "in test", "a", "b", "in validation"]


def test_language_modelling_without_unlabelled_texts_learns_from_train():
    empty = Split([])
    dataset = TextDataset("name", train=Split(["a"]), validation=empty, test=empty)
    assert dataset.texts_for_language_modelling() == (["a"], 0)


def test_language_modelling_without_a_text_to_learn_from_is_refused():
    dataset = make_dataset(train=["a", "b"], validation=["b"], test=["a"], unlabelled=["a"])
    with pytest.raises(DatasetError) as caught:
        dataset.texts_for_language_modelling()
    assert str(caught.value) == (
        "name leaves no text to learn from: expected one at least that validation and test do not "
        "hold as well, found none in 3."
    )


def test_a_dataset_holds_documents_unless_it_says_that_it_is_continuous():
    splits = dict.fromkeys(("train", "validation", "test"), Split(["a"]))
    assert TextDataset("name", **splits).is_continuous is False
    assert TextDataset("name", **splits, is_continuous=True).is_continuous is True


def test_a_collector_leaves_out_empty_texts_and_repairs_wrong_bytes():
    collector = TextCollector()
    for label, raw in enumerate([b"good", b" \n\t", b"", b"caf\xe9", "café".encode()]):
        collector.add(raw.decode("utf-8", "surrogateescape"), label)
    assert collector.texts == ["good", "caf\ufffd", "café"]
    assert collector.labels == [0, 3, 4]
    assert (collector.empty, collector.wrong_encoding) == (2, 1)


def test_an_audit_counts_duplicates_within_and_across_splits():
    counted = audit(
        [TextCollector()],
        train=Split(["a", "a", "a", "b", "c"]),
        validation=Split(["b", "d"]),
        test=Split(["a", "a", "e"]),
    )
    assert counted.duplicates == {
        "within train": 2,
        "within validation": 0,
        "within test": 1,
        "in both train and validation": 1,
        "in both train and test": 1,
        "in both validation and test": 0,
    }


def test_an_audit_says_only_what_it_found():
    assert Audit(duplicates={"within train": 0}).sentences() == []
    found = Audit(1_200, 3, {"within train": 7, "within test": 0}).sentences()
    assert found == [
        "Texts left out because they are empty: 1,200.",
        "Texts that are not valid UTF-8, their wrong bytes now U+FFFD: 3.",
        "Duplicate texts within train: 7.",
    ]
