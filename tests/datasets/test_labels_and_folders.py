"""Spellings of labels; folders of texts, and what lies next to what is read."""

from pathlib import Path

import pytest

from zoo.datasets import DatasetError, from_files, load
from zoo.datasets.labels import LabelSpellings, clean_label, label_key

TEXTS = {"text": "text"}
ROWS = [(f"film {i} was fine", ["bad", "good"][i % 2]) for i in range(60)]


def total(dataset) -> int:
    return sum(map(len, (dataset.train, dataset.validation, dataset.test)))


# Labels


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("0", "0.000"),
        ("-1", "\u22121"),
        ("1e3", "1000"),
        ("True", "TRUE"),
        ("good", "Good"),
        ("very  good", "very good"),
        ("pos\u00a0x", "pos x"),
        ("pos", "pos\u200b"),
        ("pos", "\ufeffpos"),
        ("caf\u00e9", "cafe\u0301"),
        ("Stra\u00dfe", "STRASSE"),
        ("\uff11", "1"),
    ],
)
def test_spellings_of_the_same_label_have_one_key(one, other):
    assert label_key(one) == label_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "10"),
        ("a,b", "b,a"),
        ("12345678901234567890", "12345678901234567891"),
        ("1", "true"),
        ("-1", "1"),
        ("cafe", "caf\u00e9"),
        ("very good", "verygood"),
    ],
)
def test_other_labels_have_other_keys(one, other):
    assert label_key(one) != label_key(other)


def test_a_class_is_named_by_its_most_frequent_spelling():
    spellings = LabelSpellings(["Good", "good\u200b", "good\u200b", "1.0", "1", "nan", "<NA>"])
    assert [spellings.name(label) for label in ("Good", "good\u200b", "GOOD")] == ["good"] * 3
    assert [spellings.name(label) for label in ("1.0", "1", "+1.00")] == ["1"] * 3
    assert [spellings.name(label) for label in ("NULL", "N/A", "None", "NaN")] == [None] * 4
    assert spellings.name("new") == "new"
    assert clean_label(" a\u200d \u0301 ") == "a \u0301"


def write(path: Path, labels) -> Path:
    lines = [f"{text} {label!r},{label}" for (text, _), label in zip(ROWS, labels, strict=True)]
    path.write_text("text,label\n" + "\n".join(lines), encoding="utf-8")
    return path


def test_spellings_are_named_and_merged_on_demand(tmp_path):
    labels = [["Good", "good", "good\u200b"][i % 3] if i % 2 else "bad" for i in range(60)]
    path = write(tmp_path / "a.csv", labels)
    dataset = from_files(path)
    assert dataset.label_names == ("Good", "bad", "good", "good\u200b")
    (note,) = dataset.audit.notes
    assert note == (
        "Labels that differ only in case, spaces, invisible marks or the spelling of a number, "
        "and are different classes: 'Good' (10), 'good' (10) and 'good\\u200b' (10); "
        "normalize_labels merges them."
    )
    merged = from_files(path, normalize_labels=True)
    assert merged.label_names == ("Good", "bad")
    assert (total(merged), merged.audit.notes) == (60, ())
    assert merged.arguments["normalize_labels"] is True
    assert load(merged.name, **merged.arguments).fingerprint == merged.fingerprint
    assert "normalize_labels" not in dataset.arguments


def test_labels_of_other_splits_are_merged_as_those_of_training(tmp_path):
    path = write(tmp_path / "a.csv", [label for _, label in ROWS])
    other = tmp_path / "b.csv"
    other.write_text("text,label\none,Good\ntwo, BAD\nthree,NaN\n")
    with pytest.raises(DatasetError, match="labels that the training split does not have"):
        from_files(path, test_data=other)
    dataset = from_files(path, test_data=other, normalize_labels=True)
    assert dataset.test["label"].tolist() == [1, 0]
    assert dataset.audit.unlabelled == 1


def test_texts_without_a_label_are_left_out_and_counted(tmp_path):
    labels = ["" if i < 4 else "  " if i < 6 else ROWS[i][1] for i in range(60)]
    dataset = from_files(write(tmp_path / "a.csv", labels))
    assert (total(dataset), dataset.audit.unlabelled) == (54, 6)
    assert "Texts left out because they have no label: 6." in dataset.audit.sentences()


def test_labels_that_look_like_missing_values_are_named(tmp_path):
    labels = [["NA", "nan", "NULL"][i % 3] if i < 12 else ROWS[i][1] for i in range(60)]
    path = write(tmp_path / "a.csv", labels)
    dataset = from_files(path)
    assert dataset.label_names == ("NA", "NULL", "bad", "good", "nan")
    assert dataset.audit.notes == (
        "Labels that look like missing values and are classes: 'NA' (4), 'nan' (4) and 'NULL' "
        "(4); normalize_labels leaves their texts out.",
    )
    dataset = from_files(path, normalize_labels=True)
    assert dataset.label_names == ("bad", "good")
    assert (total(dataset), dataset.audit.unlabelled) == (48, 12)


def test_texts_that_look_like_missing_values_and_single_labels_are_named(tmp_path):
    path = tmp_path / "a.csv"
    rows = [("nan", "bad"), ("nan", "good"), ("N/A", "bad"), *ROWS, ("Total", "63")]
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    assert from_files(path).audit.notes == (
        "Texts that look like missing values and are kept: 3, 'nan', 'N/A'.",
        "Labels of a single text: '63'.",
    )


# Folders


def folder(path: Path, name, rows=ROWS) -> Path:
    """Texts in files that `name(number, label)` names."""
    for number, (text, label) in enumerate(rows):
        file = path / name(number, label)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


@pytest.mark.parametrize(
    "name",
    [
        lambda i, label: f"{label}/{i}.TXT",
        lambda i, label: f"{label}/{i}.{'Txt' if i % 3 else 'txt'}",
        lambda i, label: f"{label}/{i}",
        lambda i, label: f"{label}/part{i % 3}/{i}.txt",
        lambda i, label: f"{label}/{'deep/er/' if i % 3 else ''}{i}.txt",
    ],
)
def test_all_texts_of_a_class_are_read(name, tmp_path):
    dataset = from_files(folder(tmp_path / "films", name))
    assert dataset.label_names == ("bad", "good")
    assert total(dataset) == 60
    whole = from_files(tmp_path / "films", columns=TEXTS)
    assert total(whole) == 60
    num_deep = sum(len(Path(name(i, la)).parts) > 2 for i, (_, la) in enumerate(ROWS))
    note = f"Texts in subfolders of films, read like the others: {num_deep}."
    assert dataset.audit.notes == ((note,) if num_deep else ())


def test_what_lies_next_to_the_texts_is_counted(tmp_path):
    films = folder(tmp_path / "films", lambda i, label: f"{label}/{i}.txt")
    for name in (
        *("readme.txt", "good/a.md", "good/b.md", "bad/c.html", "good/deep/d.md", "unsup/e.txt"),
        *(".hidden/f.txt", "__MACOSX/g.txt", "good/.h.txt", ".ipynb_checkpoints/i.txt"),
    ):
        (films / name).parent.mkdir(exist_ok=True)
        (films / name).write_text("not a text")
    (films / "good" / "link.txt").symlink_to("/nowhere")
    (films / "good" / "folder.txt").mkdir()
    dataset = from_files(films)
    assert dataset.label_names == ("bad", "good")
    assert total(dataset) == 60
    files, hidden = dataset.audit.notes
    assert files == (
        "Files left out of films: 7 (3 .md, 3 .txt and 1 .html), 'bad/c.html', 'good/a.md', "
        "'good/b.md' and 4 more."
    )
    assert hidden.startswith("Hidden files and folders left out of films: 4, ")


@pytest.mark.parametrize("validation", ["validation", "valid", "val", "dev", "Dev"])
@pytest.mark.parametrize("train", ["train", "Train"])
def test_folders_of_splits_have_their_usual_names(train, validation, tmp_path):
    def split(i):
        return train if i < 40 else validation if i < 50 else "test"

    films = folder(tmp_path / "films", lambda i, label: f"{split(i)}/{label}/{i}.txt")
    (films / "README").write_text("about")
    (films / "extra").mkdir()
    dataset = from_files(films)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [40, 10, 10]
    assert dataset.audit.notes == (
        "Left out of films, next to the folders of the splits: 2, 'README', 'extra'.",
    )
    (films / "development" / "bad").mkdir(parents=True)
    whole = from_files(films, columns=TEXTS)
    assert [len(s) for s in (whole.train, whole.validation, whole.test)] == [40, 10, 10]


def test_two_folders_for_one_split_are_refused(tmp_path):
    names = ("train", "val", "dev")
    films = folder(tmp_path / "films", lambda i, label: f"{names[i % 3]}/{label}/{i}.txt")
    with pytest.raises(DatasetError, match="two folders for validation: 'dev', 'val'"):
        from_files(films)


def test_a_folder_of_other_files_is_refused_with_what_it_has(tmp_path):
    films = folder(tmp_path / "films", lambda i, label: f"{label}/{i}.md")
    with pytest.raises(DatasetError, match=r"found 'bad', 'good' with 60 \.md\.$"):
        from_files(films)


def test_a_folder_in_another_encoding_is_refused_with_a_guess(tmp_path):
    films = folder(tmp_path / "films", lambda i, label: f"{label}/{i}.txt")
    for file in films.rglob("*.txt"):
        file.write_bytes(f"{file.read_text()} für größere Häuser".encode("cp1252"))
    with pytest.raises(DatasetError, match=r"found 60 of 60 texts that are not; it may be cp1252"):
        from_files(films)
    dataset = from_files(films, encoding="cp1252")
    assert all("größere" in text for text in dataset.train["text"])
    assert load(dataset.name, **dataset.arguments).fingerprint == dataset.fingerprint


# Paths


def test_a_tilde_is_the_home_folder_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    content = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_text(content)
    dataset = load("~/a.csv", validation_data="~/b.csv", test_data="~/c.csv")
    assert total(dataset) == 180
    assert dataset.arguments["path"] == str(tmp_path / "a.csv")
    assert dataset.arguments["test_data"] == str(tmp_path / "c.csv")


@pytest.mark.parametrize("address", ["gs://b/a.csv", "s3://b/a", "https://x/a.csv", "hf://d/a"])
def test_addresses_are_refused_in_one_sentence(address, tmp_path):
    path = write(tmp_path / "a.csv", [label for _, label in ROWS])
    expected = f"The data must be files on this machine; '{address}' is an address: download it"
    with pytest.raises(DatasetError, match=expected):
        load(address)
    with pytest.raises(DatasetError, match=expected):
        from_files(path, test_data=address)
    with pytest.raises(DatasetError, match="The data must be files on this machine"):
        from_files(Path(address))
