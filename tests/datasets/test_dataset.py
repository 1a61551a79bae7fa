import random

import numpy as np
import pytest

from zoo.datasets import LABELLED_TEXTS, Audit, DatasetError, Split, TextDataset, split_off
from zoo.datasets.audit import TextCollector


def make_split(size: int = 200, num_classes: int = 4) -> Split:
    labels = np.arange(size, dtype="int32") % num_classes
    return Split({"text": [f"text number {i}" for i in range(size)], "label": labels})


def examples(split: Split) -> list[tuple[str, int]]:
    return sorted(zip(split["text"], split["label"].tolist(), strict=True))


def test_split_off_divides_without_loss_and_keeps_the_order():
    split = make_split()
    rest, held_out = split_off(split, 0.1, seed=0)
    assert len(held_out) == 20
    assert sorted(examples(rest) + examples(held_out)) == examples(split)
    assert held_out["text"] == [text for text in split["text"] if text in set(held_out["text"])]


def test_split_off_does_not_depend_on_the_order_of_the_texts():
    split = make_split()
    shuffled = split.take(random.Random(5).sample(range(len(split)), len(split)))
    for one, other in zip(split_off(split, 0.2, 3), split_off(shuffled, 0.2, 3), strict=True):
        assert examples(one) == examples(other)


def test_split_off_depends_on_the_seed_and_on_nothing_else():
    split = make_split()
    choices = [split_off(split, 0.1, seed)[1]["text"] for seed in (0, 1, -1, np.int64(1))]
    assert choices[0] != choices[1] != choices[2]
    assert choices[1] == choices[3]


def test_split_off_keeps_the_proportion_of_each_class():
    labels = np.array([0] * 100 + [1] * 300 + [2] * 20, "int32")
    split = Split({"text": [f"text {i}" for i in range(420)], "label": labels})
    _, held_out = split_off(split, 0.1, seed=0)
    assert np.bincount(held_out["label"]).tolist() == [10, 30, 2]


def test_split_off_puts_equal_texts_on_the_same_side():
    texts = [f"text {i % 50}" for i in range(200)]  # Each text four times, in two classes.
    labels = (np.arange(200) // 100).astype("int32")
    rest, held_out = split_off(Split({"text": texts, "label": labels}), 0.2, seed=0)
    assert held_out["text"]
    assert not set(rest["text"]) & set(held_out["text"])


def held_out_counts(texts, labels, share=0.1, seed=0):
    """How many examples of each class are held out; each class is left in training."""
    rest, held_out = split_off(Split({"text": texts, "label": labels}), share, seed)
    assert set(rest["label"]) == set(labels)
    assert not set(rest["text"]) & set(held_out["text"])
    return np.bincount(held_out["label"], minlength=max(labels) + 1).tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("repeated", [60, 100, 400, 800])
def test_no_group_of_equal_texts_decides_the_size_of_a_split(seed, repeated):
    texts = ["fine"] * repeated + [f"text {i}" for i in range(1100 - repeated)]
    assert sum(held_out_counts(texts, [0] * 1100, seed=seed)) == 110
    assert sum(held_out_counts(texts, [0] * 550 + [1] * 550, seed=seed)) == 110


def test_rare_classes_are_split_by_largest_remainder_over_all():
    texts = [f"text {i}" for i in range(1000)]
    labels = [i // 4 for i in range(1000)]
    counts = held_out_counts(texts, labels)
    assert (sum(counts), max(counts)) == (100, 1)
    # Which of equal classes are held out depends on the seed, not on their names.
    assert counts != held_out_counts(texts, labels, seed=1)
    assert max(np.flatnonzero(counts)) > 200


def test_each_class_with_two_different_texts_is_held_out_where_there_is_room():
    sizes = [300, 185, 3, 2, 2, 1]
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    texts = [f"text {i}" for i in range(len(labels))]
    texts[-3:-1] = ["the same"] * 2
    counts = held_out_counts(texts, labels)
    assert counts[2:] == [1, 1, 0, 0] and sum(counts) == round(0.1 * sum(sizes))
    assert abs(counts[0] - 30) <= 1 and abs(counts[1] - 18.5) <= 1


def test_pairs_of_equal_texts_are_held_out_within_the_share():
    labels = [i // 4 for i in range(1000)]
    assert sum(held_out_counts([f"text {i // 2}" for i in range(1000)], labels)) == 100
    texts = [f"text {i % 500}" for i in range(1000)]  # Each text in two classes.
    assert sum(held_out_counts(texts, [i // 500 for i in range(1000)])) == 100


def test_split_off_refuses_few_different_texts():
    with pytest.raises(DatasetError, match=r"^700 texts, 2 of them different, are too few to"):
        split_off(Split({"text": ["yes"] * 300 + ["no"] * 400}), 0.1, seed=0)


def test_split_off_divides_texts_without_labels():
    rest, held_out = split_off(Split({"text": [str(i) for i in range(40)]}), 0.25, seed=0)
    assert (len(rest), len(held_out)) == (30, 10)
    assert list(held_out.columns) == ["text"]


@pytest.mark.parametrize("share", [0, 1, -0.5, 2])
def test_split_off_refuses_a_share_out_of_range(share):
    with pytest.raises(DatasetError, match=f"share must be above 0 and below 1; it is {share}"):
        split_off(make_split(), share, seed=0)


def test_split_off_refuses_too_few_texts():
    with pytest.raises(DatasetError, match=r"^3 texts are too few to split off a share of 0\.1\.$"):
        split_off(make_split(3), 0.1, seed=0)


def test_the_fingerprint_tells_texts_labels_and_order_apart():
    split, empty = make_split(4), Split({"text": []})

    def fingerprint(train: Split, test: Split = empty) -> str:
        return TextDataset("name", train=train, validation=empty, test=test).fingerprint

    others = [
        split.take([1, 0, 2, 3]),
        Split({"text": split["text"], "label": split["label"][::-1].copy()}),
        Split(
            {
                "text": [*split["text"][:-2], "text number 2te", "xt number 3"],
                "label": split["label"],
            }
        ),
    ]
    fingerprints = {fingerprint(split), fingerprint(empty, split), *map(fingerprint, others)}
    assert len(fingerprints) == 5
    assert fingerprint(split) == fingerprint(make_split(4))


def test_the_fingerprints_of_texts_and_labels_are_those_in_shipped_reports():
    empty = Split({"text": []})
    splits = {"train": make_split(4), "validation": make_split(2), "test": empty}
    assert TextDataset("name", **splits).fingerprint == "3e1bbf61b632ba534024228300ca8ff4"
    splits = dict.fromkeys(splits, Split({"text": ["a text", "caf\u00e9"]}))
    assert TextDataset("name", **splits).fingerprint == "b988028b9243b9455efdc048b75da5a1"


def test_the_fingerprint_tells_columns_apart_and_not_their_order():
    def fingerprint(**columns) -> str:
        split = Split(columns)
        return TextDataset("name", train=split, validation=split, test=split).fingerprint

    texts, others = ["a", "b"], ["c", "d"]
    assert fingerprint(source=texts, target=others) == fingerprint(target=others, source=texts)
    different = [
        fingerprint(source=texts, target=others),
        fingerprint(source=others, target=texts),
        fingerprint(source=[*texts, *others]),
        fingerprint(text=[*texts, *others]),
        fingerprint(text=texts, score=[1.0, 2.0]),
        fingerprint(text=texts, score=[1.0, 3.0]),
        fingerprint(text=texts, score=[1, 2]),
        fingerprint(text=texts, label=[1, 2]),
    ]
    assert len(set(different)) == len(different)


def test_the_columns_of_a_split_are_equally_long():
    with pytest.raises(ValueError, match=r"equally long; they are: text 2, label 1\.$"):
        Split({"text": ["a", "b"], "label": [1]})


def test_a_split_knows_its_kinds():
    split = Split({"text": ["a", "b"], "label": [1, 0], "score": [0.5, 1]})
    assert split.kinds == {"text": "text", "label": "category", "score": "number"}
    assert [split[name].dtype for name in ("label", "score")] == [np.int32, np.float32]
    assert split.take([1]).kinds == split.kinds
    assert (len(split), len(split.take([1, 0, 1]))) == (2, 3)


def test_unlabelled_texts_are_read_once_and_when_they_are_wanted():
    reads = []

    def read() -> Split:
        reads.append("read")
        return Split({"text": ["a text"]})

    empty = Split({"text": []})
    dataset = TextDataset("name", train=empty, validation=empty, test=empty, unlabelled=read)
    assert reads == []
    assert dataset.unlabelled["text"] == dataset.unlabelled["text"] == ["a text"]
    assert reads == ["read"]


def make_dataset(train, validation=(), test=(), unlabelled=()) -> TextDataset:
    return TextDataset(
        "name",
        train=Split({"text": train}),
        validation=Split({"text": validation}),
        test=Split({"text": test}),
        unlabelled=lambda: Split({"text": unlabelled}),
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
    assert dataset.train["text"] == ["b", "in test", "a", "b", "in validation"]


def test_language_modelling_without_unlabelled_texts_learns_from_train():
    empty = Split({"text": []})
    dataset = TextDataset("name", train=Split({"text": ["a"]}), validation=empty, test=empty)
    assert dataset.texts_for_language_modelling() == (["a"], 0)


def test_language_modelling_without_a_text_to_learn_from_is_refused():
    dataset = make_dataset(train=["a", "b"], validation=["b"], test=["a"], unlabelled=["a"])
    with pytest.raises(DatasetError) as caught:
        dataset.texts_for_language_modelling()
    assert str(caught.value) == (
        "name has no training text: expected at least one that is not in validation or test, found "
        "none among 3."
    )


def test_a_dataset_holds_documents_unless_it_says_that_it_is_continuous():
    splits = dict.fromkeys(("train", "validation", "test"), Split({"text": ["a"]}))
    assert TextDataset("name", **splits).is_continuous is False
    assert TextDataset("name", **splits, is_continuous=True).is_continuous is True


def test_a_collector_leaves_out_empty_texts_and_repairs_wrong_bytes():
    collector = TextCollector(LABELLED_TEXTS)
    for label, raw in enumerate([b"good", b" \n\t", b"", b"caf\xe9", "café".encode()]):
        collector.add(raw.decode("utf-8", "surrogateescape"), label)
    assert collector.columns == {"text": ["good", "caf\ufffd", "café"], "label": [0, 3, 4]}
    assert (collector.empty, collector.wrong_encoding) == (2, 1)


def test_an_audit_counts_duplicates_within_and_across_splits():
    dataset = make_dataset(
        train=["a", "a", "a", "b", "c"], validation=["b", "d"], test=["a", "a", "e"]
    )
    assert dataset.audit.duplicates == {
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


def test_near_duplicates_are_counted_apart_from_duplicates():
    train = ["A film.", "a FILM", "a  film", "A film.", "don't", "dont", "3.5", "35", "!!!", "???"]
    train += ["\uff26\uff49\uff4c\uff4d", "film!", "Stra\u00dfe", "strasse"]
    test = ["a film", "A film.", "Good!", "film"]
    validation = ["good", "don't"]
    splits = {
        name: Split({"text": texts})
        for name, texts in (("train", train), ("validation", validation), ("test", test))
    }
    audit = TextDataset("mine", **splits).audit
    assert audit.near_duplicates == {
        "within train": 4,
        "within validation": 0,
        "within test": 1,
        "in both train and validation": 0,
        "in both train and test": 1,
        "in both validation and test": 1,
    }
    assert (
        "Near duplicates within train, equal but for case, white space and punctuation: 4."
        in audit.sentences()
    )


def test_near_duplicates_of_several_columns_are_equal_in_all():
    pairs = Split({"one": ["a b", "A, b", "a b"], "two": ["c", "C!", "d"]})
    empty = Split({"one": [], "two": []})
    audit = TextDataset("pairs", train=pairs, validation=empty, test=empty).audit
    assert audit.near_duplicates["within train"] == 1


def test_contradictory_labels_are_counted_over_all_splits():
    def split(texts, labels):
        return Split({"text": list(texts), "label": labels})

    audit = TextDataset(
        "mine",
        train=split("abca", [0, 1, 1, 1]),
        validation=split("bd", [1, 0]),
        test=split("cd", [0, 0]),
        label_names=["no", "yes"],
    ).audit
    assert audit.contradictions == 2
    assert "Texts that have more than one label: 2." in audit.sentences()


def test_a_column_may_be_a_generator_but_no_string():
    split = Split({"text": (word for word in ("a", "b")), "label": iter([1, 0])})
    assert split["text"] == ["a", "b"] and split["label"].tolist() == [1, 0]
    for wrong in ("ab", b"ab", {"a": 1}):
        with pytest.raises(ValueError, match="must be a list, an array or another iterable; they"):
            Split({"text": wrong})
