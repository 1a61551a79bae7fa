import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo.datasets
from zoo.datasets import (
    DatasetError,
    TextDataset,
    dataset_function,
    from_files,
    list_datasets,
    load,
)

TEXTS = {"text": "text"}
ROWS = [(f'The {i}th film, said "she",\nwas good.', ["bad", "good"][i % 2]) for i in range(60)]


def write_table(path: Path, rows, header=("text", "label"), encoding="utf-8") -> Path:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


def write_json_lines(path: Path, rows) -> Path:
    lines = [json.dumps({"label": label, "text": text, "id": 3}) for text, label in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_folder(path: Path, rows) -> Path:
    for number, (text, label) in enumerate(rows):
        folder = path / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:04}.txt").write_text(text, encoding="utf-8")
    return path


def examples(dataset: TextDataset) -> list[tuple[str, str]]:
    """All texts with the names of their labels, whatever the split."""
    splits = (dataset.train, dataset.validation, dataset.test)
    return sorted(
        (text, dataset.label_names[label])
        for split in splits
        for text, label in zip(split["text"], split["label"], strict=True)
    )


def error_of(path: Path, **arguments) -> str:
    with pytest.raises(DatasetError) as caught:
        from_files(path, **arguments)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message.replace(f"{path.parent}/", "")


# Round trips


WRITERS = {
    "reviews.csv": write_table,
    "reviews.TSV": write_table,
    "reviews.tsv": write_table,
    "reviews.jsonl": write_json_lines,
    "reviews.json": write_json_lines,
    "reviews": write_folder,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_dataset(name, tmp_path):
    dataset = from_files(WRITERS[name](tmp_path / name, ROWS))
    assert dataset.name == name
    assert dataset.label_names == ("bad", "good")
    assert examples(dataset) == sorted(ROWS)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [48, 6, 6]
    assert dataset.train["label"].dtype == np.int32
    joined = "Records of several lines, because of the quotes around a field: 60."
    assert dataset.audit.sentences() == ([joined] if name.lower().endswith("sv") else [])
    # The splits depend on texts and labels only, not on the format.
    reference = from_files(write_table(tmp_path / "reference.csv", ROWS))
    assert sorted(dataset.test["text"]) == sorted(reference.test["text"])
    assert sorted(dataset.validation["text"]) == sorted(reference.validation["text"])


@pytest.mark.parametrize("name", WRITERS)
def test_its_arguments_make_a_dataset_again(name, tmp_path, monkeypatch):
    rows = [(text, i % 3) for i, (text, _) in enumerate(ROWS)]
    WRITERS[name](tmp_path / name, rows)
    WRITERS[name](tmp_path / f"test_{name}", [("Another text.", 2)])
    monkeypatch.chdir(tmp_path)
    dataset = from_files(name, test_data=f"test_{name}", seed=3, validation_share=0.3)
    monkeypatch.chdir("/")
    arguments = json.loads(json.dumps(dataset.arguments))
    again = load(dataset.name, **arguments)
    assert again.fingerprint == dataset.fingerprint
    assert again.test["text"] == ["Another text."]
    assert (again.name, again.label_names) == (name, ("0", "1", "2"))


def test_columns_may_have_other_names_and_places(tmp_path):
    rows = [(label, "2026", text) for text, label in ROWS]
    path = write_table(tmp_path / "reviews.csv", rows, header=("stars", "year", " body "))
    assert examples(load(path, text_column="body", label_column="stars")) == sorted(ROWS)


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path):
    path = write_table(tmp_path / "reviews.csv", ROWS, encoding="utf-8-sig")
    path.write_bytes(path.read_bytes() + b"\r\n\r\n")
    assert examples(from_files(path)) == sorted(ROWS)
    path = write_json_lines(tmp_path / "reviews.jsonl", ROWS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\n\n")
    assert examples(from_files(path)) == sorted(ROWS)


def test_a_text_may_be_long_and_the_csv_limit_stays_as_it_was(tmp_path):
    limit = csv.field_size_limit()
    rows = [*ROWS, ("long " * 200_000, "good")]
    assert examples(from_files(write_table(tmp_path / "reviews.csv", rows))) == sorted(rows)
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "2", "1"], ("1", "2", "10")),
        (["0.5", "-1", "3"], ("-1", "0.5", "3")),
        (["10", "2", "two"], ("10", "2", "two")),
    ],
)
def test_classes_are_sorted_as_numbers_where_all_are(labels, expected, tmp_path):
    rows = [(f"text {i}", labels[i % 3]) for i in range(60)]
    dataset = from_files(write_table(tmp_path / "reviews.csv", rows))
    assert dataset.label_names == expected
    assert examples(dataset) == sorted(rows)


def test_json_values_may_be_numbers_and_labels_booleans(tmp_path):
    path = tmp_path / "reviews.jsonl"
    rows = [{"text": i, "label": i % 2 == 0} for i in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)))
    dataset = from_files(path)
    assert dataset.label_names == ("false", "true")
    assert ("7", "false") in examples(dataset)


# Splits


def test_separate_files_are_the_splits(tmp_path):
    dataset = from_files(
        write_table(tmp_path / "train.csv", ROWS[:40]),
        validation_data=write_json_lines(tmp_path / "validation.jsonl", ROWS[40:45]),
        test_data=write_folder(tmp_path / "test", ROWS[45:]),
    )
    assert dataset.train["text"] == [text for text, _ in ROWS[:40]]
    assert dataset.validation["text"] == [text for text, _ in ROWS[40:45]]
    assert sorted(dataset.test["text"]) == sorted(text for text, _ in ROWS[45:])
    assert examples(dataset) == sorted(ROWS)


def test_the_test_split_does_not_depend_on_the_validation_share(tmp_path):
    path = write_table(tmp_path / "reviews.csv", ROWS)
    one, other = (from_files(path, validation_share=share) for share in (0.1, 0.4))
    assert one.test["text"] == other.test["text"]
    assert len(one.validation) < len(other.validation)
    assert from_files(path, seed=1).test["text"] != one.test["text"]


def test_a_folder_with_train_and_test_is_read_as_imdb_is_laid_out(tmp_path):
    write_folder(tmp_path / "train", [*ROWS[:40], ("no label", "unsup")])
    write_folder(tmp_path / "test", ROWS[40:])
    dataset = from_files(tmp_path)
    assert dataset.label_names == ("bad", "good")
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [36, 4, 20]
    assert examples(dataset) == sorted(ROWS)
    write_folder(tmp_path / "validation", [("valid", "bad")])
    assert from_files(tmp_path).validation["text"] == ["valid"]


def test_classes_may_be_called_train_and_test(tmp_path):
    rows = [(f"text {i}", ["test", "train"][i % 2]) for i in range(40)]
    assert examples(from_files(write_folder(tmp_path, rows))) == sorted(rows)


# Texts without labels


def test_texts_without_labels(tmp_path):
    texts = [f"text {i}" for i in range(40)]
    table = write_table(tmp_path / "texts.csv", [[text] for text in texts], header=["text"])
    write_folder(tmp_path, [(text, "folder") for text in texts])
    for path in (table, tmp_path / "folder"):
        dataset = from_files(path, columns=TEXTS)
        splits = (dataset.train, dataset.validation, dataset.test)
        assert sorted(text for split in splits for text in split["text"]) == sorted(texts)
        assert dataset.label_names is None
        assert not dataset.is_continuous
        assert all(list(split.columns) == ["text"] for split in splits)
        assert load(dataset.name, **dataset.arguments).fingerprint == dataset.fingerprint


def test_one_plain_text_is_cut_at_line_ends(tmp_path):
    text = "".join(f"Line {i} of a play.\n" for i in range(100))
    (tmp_path / "play.txt").write_text(text)
    dataset = from_files(tmp_path / "play.txt", columns=TEXTS)
    parts = [dataset.train["text"], dataset.validation["text"], dataset.test["text"]]
    assert [len(part) for part in parts] == [1, 1, 1]
    assert "".join(part[0] for part in parts) == text
    assert all(part[0].startswith("Line") and part[0].endswith("\n") for part in parts)
    assert [round(len(part[0]) / len(text), 2) for part in parts] == [0.81, 0.09, 0.1]
    assert dataset.is_continuous
    again = load(dataset.name, **json.loads(json.dumps(dataset.arguments)))
    assert (again.fingerprint, again.is_continuous) == (dataset.fingerprint, True)


def test_a_plain_text_without_line_ends_is_cut_between_words_or_anywhere(tmp_path):
    for name, text in (("words", "word " * 100), ("characters", "字" * 100)):
        path = tmp_path / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        dataset = from_files(path, columns=TEXTS)
        parts = [split["text"][0] for split in (dataset.train, dataset.validation, dataset.test)]
        assert "".join(parts) == text
        assert all(part.startswith(text[0]) for part in parts)


def test_plain_texts_may_have_files_of_their_own_for_validation_and_test(tmp_path):
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.txt").write_text(f"A play for {name}.\n" * 50)
    dataset = from_files(
        tmp_path / "train.txt",
        validation_data=tmp_path / "validation.txt",
        test_data=tmp_path / "test.txt",
        columns=TEXTS,
    )
    assert dataset.train["text"] == ["A play for train.\n" * 50]
    assert dataset.validation["text"] == ["A play for validation.\n" * 50]
    assert dataset.test["text"] == ["A play for test.\n" * 50]
    assert dataset.is_continuous
    assert load(dataset.name, **dataset.arguments).fingerprint == dataset.fingerprint

    dataset = from_files(tmp_path / "train.txt", test_data=tmp_path / "test.txt", columns=TEXTS)
    assert dataset.train["text"][0] + dataset.validation["text"][0] == "A play for train.\n" * 50
    assert dataset.test["text"] == ["A play for test.\n" * 50]
    assert dataset.is_continuous


def test_documents_are_not_taken_for_a_running_text(tmp_path):
    documents = [(f"Document {i}.", "documents") for i in range(3)]
    folder = write_folder(tmp_path, documents) / "documents"
    one_each = from_files(folder, validation_share=0.5, test_share=0.34, columns=TEXTS)
    assert [len(s) for s in (one_each.train, one_each.validation, one_each.test)] == [1, 1, 1]
    assert not one_each.is_continuous

    play = tmp_path / "play.txt"
    play.write_text("A line of a play.\n" * 50)
    assert not from_files(play, test_data=folder, columns=TEXTS).is_continuous
    # A document that is cut has its beginning and its end in different splits; one that is not has
    # both, be it the only one.
    table = write_table(tmp_path / "one.csv", [["A line of a play.\n" * 50]], header=["text"])
    assert from_files(table, columns=TEXTS).is_continuous
    assert from_files(table, test_data=play, columns=TEXTS).is_continuous
    assert not from_files(play, test_data=table, columns=TEXTS).is_continuous
    whole = from_files(table, validation_data=play, test_data=play, columns=TEXTS)
    assert not whole.is_continuous
    assert not from_files(write_table(tmp_path / "reviews.csv", ROWS)).is_continuous


@pytest.mark.parametrize("name", ["texts.csv", "texts.tsv", "texts.jsonl"])
def test_a_column_without_labels_beside_it_may_have_any_name(name, tmp_path):
    texts = [f"text {i}" for i in range(40)]
    path = tmp_path / name
    if name.endswith(".jsonl"):
        path.write_text("\n".join(json.dumps({"body": text}) for text in texts))
    else:
        write_table(path, [[text] for text in texts], header=["body"])
    dataset = load(path, text_column="body", columns=TEXTS)
    splits = (dataset.train, dataset.validation, dataset.test)
    assert sorted(text for split in splits for text in split["text"]) == sorted(texts)
    assert dataset.label_names is None
    assert not dataset.is_continuous
    assert load(dataset.name, **dataset.arguments).fingerprint == dataset.fingerprint
    missing = "expected 'text', found only" if name.endswith(".jsonl") else "has no column 'text'"
    assert missing in error_of(path, columns=TEXTS)


def test_a_single_plain_text_may_have_line_ends_of_any_system_and_a_byte_order_mark(tmp_path):
    text = "".join(f"Line {i} of a caf\u00e9.\n" for i in range(100))
    plays = {}
    for name, end in (("unix", "\n"), ("windows", "\r\n"), ("old", "\r")):
        path = tmp_path / f"{name}.txt"
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", end).encode())
        plays[name] = from_files(path, columns=TEXTS)
        assert plays[name].train["text"][0].startswith("Line 0")
        assert plays[name].audit.sentences() == []
    assert len({play.fingerprint for play in plays.values()}) == 1


def test_what_a_field_holds_is_kept_line_ends_too(tmp_path):
    texts = [f"text {i},\r\nwith a second line\n" for i in range(40)]
    table = write_table(tmp_path / "a.csv", [[text] for text in texts], header=["text"])
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    for path in (table, lines):
        dataset = from_files(path, columns=TEXTS)
        assert set(dataset.train["text"]) < set(texts)


def test_wrong_bytes_in_a_single_plain_text_are_replaced_and_counted(tmp_path):
    path = tmp_path / "play.txt"
    path.write_bytes(b"A caf\xe9 in a play.\n" + b"A play.\n" * 49)
    dataset = from_files(path, columns=TEXTS)
    assert dataset.audit.wrong_encoding == 1
    assert dataset.train["text"][0].startswith("A caf\ufffd in a play.\n")


def test_a_large_plain_text_comes_through_whole(tmp_path):
    text = "".join(f"Line {i} of a very long play.\n" for i in range(200_000))
    path = tmp_path / "play.txt"
    path.write_text(text)
    dataset = from_files(path, columns=TEXTS)
    splits = (dataset.train, dataset.validation, dataset.test)
    assert "".join(split["text"][0] for split in splits) == text


# Other columns


PAIRS = {"source": "text", "target": "text"}
RATED = {"text": "text", "score": "number"}


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.jsonl"])
def test_a_dataset_of_pairs_has_two_columns_of_texts(name, tmp_path):
    rows = [(f"Satz {i % 30}", f"sentence {i}") for i in range(60)]
    path = tmp_path / name
    if name.endswith(".csv"):
        write_table(path, rows, header=("de", "target"))
    else:
        path.write_text("\n".join(json.dumps({"de": de, "target": en}) for de, en in rows))
    dataset = from_files(path, columns=PAIRS, source_column="de")
    splits = (dataset.train, dataset.validation, dataset.test)
    assert dataset.columns == PAIRS
    assert sorted(
        pair for s in splits for pair in zip(s["source"], s["target"], strict=True)
    ) == sorted(rows)
    # Equal sources are on the same side.
    assert not set(dataset.train["source"]) & set(dataset.test["source"])
    assert dataset.label_names is None
    arguments = json.loads(json.dumps(dataset.arguments))
    assert load(dataset.name, **arguments).fingerprint == dataset.fingerprint
    switched = {"path": path, "columns": PAIRS, "source_column": "target", "target_column": "de"}
    assert load(dataset.name, **switched).fingerprint != dataset.fingerprint


@pytest.mark.parametrize("name", ["rated.csv", "rated.jsonl"])
def test_numbers_are_read_as_float32(name, tmp_path):
    rows = [(f"text {i}", str(i / 10 - 2)) for i in range(60)]
    path = tmp_path / name
    if name.endswith(".csv"):
        write_table(path, rows, header=("text", "stars"))
    else:
        path.write_text("\n".join(json.dumps({"text": t, "stars": float(n)}) for t, n in rows))
    dataset = from_files(path, columns=RATED, score_column="stars")
    assert dataset.columns == RATED
    assert dataset.train["score"].dtype == np.float32
    expected = {text: np.float32(number) for text, number in rows}
    for split in (dataset.train, dataset.validation, dataset.test):
        assert [expected[text] for text in split["text"]] == split["score"].tolist()
    assert load(dataset.name, **dataset.arguments).fingerprint == dataset.fingerprint


@pytest.mark.parametrize("value", ["five", "", "nan", "1e40", "1,5"])
def test_what_is_no_number_is_refused_with_its_place(value, tmp_path):
    path = write_table(
        tmp_path / "a.csv", [("fine", "5"), ("", "x"), ("bad", value)], header=("text", "stars")
    )
    assert error_of(path, columns=RATED, score_column="stars") == (
        f"a.csv, line 4: expected a number in 'stars', found {value!r}."
    )


def test_a_json_value_that_is_no_number_is_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine", "score": true}')
    assert error_of(path, columns=RATED) == (
        "a.jsonl, line 1: expected a number in 'score', found true or false."
    )


def test_folders_and_plain_texts_have_no_numbers(tmp_path):
    folder = write_folder(tmp_path / "folder", ROWS)
    assert error_of(folder, columns=RATED) == (
        "folder is a folder: expected a file with the columns 'text', 'score'."
    )
    (tmp_path / "a.txt").write_text("A text.")
    assert error_of(tmp_path / "a.txt", columns=RATED) == (
        "a.txt is plain text without 'score': expected a .csv, .tsv or .jsonl file."
    )
    assert error_of(tmp_path / "a.txt", columns=PAIRS) == (
        "a.txt is one plain text: expected a .csv, .tsv or .jsonl file."
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"text": "txt"}, "The kind of column 'text' must be one of text, category, number"),
        ({"label": "category"}, "columns must have a text and at most one category; it is"),
        ({"text": "text", "a": "category", "b": "category"}, "at most one category"),
    ],
)
def test_columns_that_make_no_dataset_are_refused(columns, expected, tmp_path):
    with pytest.raises(DatasetError, match=expected):
        from_files(write_table(tmp_path / "a.csv", ROWS), columns=columns)


# What is counted


def test_wrong_bytes_are_replaced_and_counted_in_every_format(tmp_path):
    rows = [*ROWS, ("A caf? of a film.", "good")]
    for name, write in WRITERS.items():
        path = write(tmp_path / name, rows)
        for file in path.rglob("*.txt") if path.is_dir() else [path]:
            file.write_bytes(file.read_bytes().replace(b"caf?", b"caf\xe9"))
        dataset = from_files(path)
        assert dataset.audit.wrong_encoding == 1
        assert ("A caf\ufffd of a film.", "good") in examples(dataset)


def test_half_a_character_from_a_json_escape_is_replaced_and_counted(tmp_path):
    dataset = from_files(write_json_lines(tmp_path / "reviews.jsonl", [*ROWS, ("\ud83d", "good")]))
    assert dataset.audit.wrong_encoding == 1
    assert ("\ufffd", "good") in examples(dataset)


def test_empty_texts_are_left_out_and_counted_in_every_split(tmp_path):
    rows = [*ROWS, ("", "good"), (" \n ", "bad"), ("", "")]
    dataset = from_files(
        write_table(tmp_path / "train.csv", rows),
        test_data=write_json_lines(tmp_path / "test.jsonl", [("A test.", "bad"), ("\t", "bad")]),
    )
    assert dataset.audit.empty == 4
    assert examples(dataset) == sorted([*ROWS, ("A test.", "bad")])


def test_duplicates_across_splits_are_counted_and_kept(tmp_path):
    dataset = from_files(
        write_table(tmp_path / "train.csv", [*ROWS, ROWS[0]]),
        test_data=write_table(tmp_path / "test.csv", ROWS[:12]),
    )
    assert len(dataset.test) == 12
    found = dataset.audit.duplicates
    assert found["in both train and validation"] == 0
    assert found["in both train and test"] + found["in both validation and test"] == 12
    assert found["within train"] + found["within validation"] == 1


# What is refused


def test_what_is_not_there_is_refused(tmp_path):
    assert error_of(tmp_path / "none.csv") == "There is no file or folder none.csv."
    path = write_table(tmp_path / "train.csv", ROWS)
    missing = tmp_path / "none.csv"
    with pytest.raises(DatasetError, match=f"There is no file or folder {missing}"):
        from_files(path, test_data=missing)


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = write_table(tmp_path / "reviews.csv", ROWS)

    def refuse(file, *_, **__):
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("zoo.datasets.reading.opening.open", refuse, raising=False)
    assert error_of(path) == "reviews.csv cannot be read: Permission denied."


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "", "a.csv is empty: expected a first line that names the columns."),
        ("a.csv", "text,label\n", "a.csv has no text: expected at least one that is not empty."),
        ("a.jsonl", "\n", "a.jsonl has no text: expected at least one that is not empty."),
        (
            "a.csv",
            "body,stars\nfine,5\n",
            "a.csv has no column 'text': its first line, which should name the columns, has "
            "'body', 'stars'.",
        ),
        (
            "a.csv",
            "text,stars\nfine,5\n",
            "a.csv has no column 'label': its first line, which should name the columns, has "
            "'text', 'stars'.",
        ),
        ("a.csv", "text,text,label\n1,2,3\n", "a.csv has 2 columns 'text': expected one."),
        (
            "a.csv",
            'text,label\n"two\nlines",1\n\nfine,good,5\n',
            "a.csv, line 5: expected 2 fields, as the first line has, found 3.",
        ),
        (
            "a.csv",
            'text,label\nfine,1\n"never closed\nfine,1\n',
            "a.csv, line 3: expected quotes to be closed, and doubled within a field.",
        ),
        (
            "a.csv",
            "text,label\nfine\0,1\n",
            "a.csv, line 2: expected UTF-8 text, found a NUL byte; is it UTF-16, or damaged?",
        ),
        (
            "a.csv",
            "text,label\nfine,  \nbad,\n",
            "a.csv has no text with a label: expected at least one.",
        ),
        (
            "a.csv",
            "text,label\nfine,1\nbad,1\n",
            "a.csv has only one class, '1': expected two or more.",
        ),
        (
            "a.csv",
            "text,label\nfine,1\nbad,0\n",
            "Cannot split test off a.csv: 2 texts are too few to split off a share of 0.1.",
        ),
        (
            "a.jsonl",
            '{"text": "fine", "label": 1}\n{"text": "bad", \n',
            "a.jsonl, line 2: expected one JSON object per line, found what is not JSON: "
            "Expecting property name enclosed in double quotes.",
        ),
        (
            "a.json",
            '[["fine", 1]]',
            "a.json, line 1: expected a JSON object with 'text', found a list.",
        ),
        (
            "a.jsonl",
            '{"body": "fine", "label": 1}',
            "a.jsonl, line 1: expected 'text', found only 'body', 'label'.",
        ),
        (
            "a.jsonl",
            '{"text": "fine", "stars": 1}',
            "a.jsonl, line 1: expected 'label', found only 'text', 'stars'.",
        ),
        (
            "a.jsonl",
            '\n{"text": ["fine"], "label": 1}',
            "a.jsonl, line 2: expected a text in 'text', found a list.",
        ),
        (
            "a.jsonl",
            '{"text": "fine", "label": [1]}',
            "a.jsonl, line 1: expected a text in 'label', found a list.",
        ),
        (
            "a.jsonl",
            '{"text": "fine", "label": null}',
            "a.jsonl has no text with a label: expected at least one.",
        ),
        (
            "a.docx",
            "fine",
            "a.docx has the suffix '.docx': expected a .csv, .tsv or .jsonl file or a folder with "
            "one folder per class.",
        ),
        (
            "a.txt",
            "fine",
            "a.txt is plain text without 'label': expected a .csv, .tsv or .jsonl file or a folder "
            "with one folder per class.",
        ),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(name, content, expected, tmp_path):
    path = tmp_path / name
    path.write_text(content)
    assert error_of(path) == expected


def test_utf_16_without_a_byte_order_mark_is_refused_with_a_guess(tmp_path):
    path = write_table(tmp_path / "a.csv", ROWS, encoding="utf-16-be")
    assert error_of(path) == (
        "a.csv, line 1: expected UTF-8 text, found a NUL byte; it is most likely UTF-16: read it "
        "with encoding='utf-16-be'."
    )


def test_a_text_that_was_taken_for_a_header_is_cut_short(tmp_path):
    path = write_table(tmp_path / "a.csv", ROWS, header=["A long text. " * 100, "good"])
    assert len(error_of(path)) < 200


def test_a_folder_without_class_folders_is_refused(tmp_path):
    folder = write_folder(tmp_path, [("a text", "folder")]) / "folder"
    expected = "folder: expected one folder per class in it, with .txt files of one text each, "
    assert error_of(folder) == expected + "found '0000.txt'."
    (folder / "0000.txt").unlink()
    assert error_of(folder) == expected + "found nothing."
    assert error_of(folder, columns=TEXTS) == "folder: expected .txt files in it, found nothing."


def test_labels_that_training_does_not_have_are_refused(tmp_path):
    path = write_table(tmp_path / "train.csv", ROWS)
    test_path = write_table(tmp_path / "test.csv", [("a", "good"), ("b", "ugly"), ("c", "Bad")])
    with pytest.raises(DatasetError) as caught:
        from_files(path, test_data=test_path)
    assert str(caught.value) == (
        f"{test_path} has labels that the training split does not have: 'Bad', 'ugly'; "
        "expected 'bad', 'good'."
    )


def test_a_class_with_a_single_text_is_left_for_training(tmp_path):
    path = write_table(tmp_path / "a.csv", [*ROWS, *[("always the same", "rare")] * 10])
    dataset = from_files(path)
    rare = dataset.label_names.index("rare")
    assert np.count_nonzero(dataset.train["label"] == rare) == 10
    assert rare not in {*dataset.validation["label"], *dataset.test["label"]}


def test_labels_that_are_nearly_all_different_are_refused(tmp_path):
    rows = [(f"text {number}", f"{{id}} {number % 35}") for number in range(60)]
    path = write_table(tmp_path / "{a}.csv", rows, header=["text", "id [1]"])
    assert error_of(path, label_column="id [1]") == (
        "{a}.csv has 35 different labels for 60 texts in 'id [1]': is this the right column? "
        "Expected at least 2 texts per class on average."
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "a.txt has no text: expected at least one that is not empty."),
        (b" \r\n\t\n", "a.txt has no text: expected at least one that is not empty."),
        (b"\xef\xbb\xbf", "a.txt has no text: expected at least one that is not empty."),
        (
            b"Hi",
            "Cannot split test off a.txt: A text of 2 characters is too short, or has "
            "too much white space, to split off a share of 0.1.",
        ),
        (
            b"Words",
            "Cannot split validation off a.txt: A text of 4 characters is too short, or "
            "has too much white space, to split off a share of 0.1.",
        ),
        (
            b"Words." + b"\n" * 94,
            "Cannot split test off a.txt: A text of 100 characters is too short, or has "
            "too much white space, to split off a share of 0.1.",
        ),
        (
            "One line.\nAnother".encode("utf-16-le"),
            "a.txt, line 1: expected UTF-8 text, found a NUL byte; it is most likely UTF-16: read "
            "it with encoding='utf-16-le'.",
        ),
        (
            b"One line.\nAnother\0",
            "a.txt, line 2: expected UTF-8 text, found a NUL byte; is it UTF-16, or damaged?",
        ),
    ],
    ids=["empty", "blank", "only a mark", "tiny", "small", "blank end", "UTF-16", "NUL"],
)
def test_a_plain_text_that_is_none_is_refused_in_one_sentence(content, expected, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert error_of(path, columns=TEXTS) == expected


def test_a_wrong_suffix_is_refused_with_what_fits_texts_without_labels(tmp_path):
    path = tmp_path / "play.docx"
    path.write_text("A play.")
    assert error_of(path, columns=TEXTS) == (
        "play.docx has the suffix '.docx': expected a .csv, .tsv, .jsonl or .txt file or a folder "
        "of .txt files."
    )


# By name or path


def test_load_reads_files_by_their_path(tmp_path, monkeypatch):
    write_table(tmp_path / "reviews.csv", ROWS)
    monkeypatch.chdir(tmp_path)
    fingerprints = {
        load(path).fingerprint for path in ("reviews.csv", "./reviews.csv", Path("reviews.csv"))
    }
    assert len(fingerprints) == 1


def test_a_name_wins_over_a_file_of_that_name_unless_it_is_written_as_a_path(tmp_path, monkeypatch):
    write_folder(tmp_path / "imdb_reviews", ROWS)
    monkeypatch.chdir(tmp_path)
    assert examples(load("./imdb_reviews")) == sorted(ROWS)
    assert examples(load(Path("imdb_reviews"))) == sorted(ROWS)
    with pytest.raises(DatasetError, match="Unknown argument of imdb_reviews 'text_column'"):
        load("imdb_reviews", text_column="body")


def test_unknown_names_are_refused_with_what_there_is():
    with pytest.raises(DatasetError) as caught:
        load("imbd")
    message = str(caught.value)
    assert message.startswith("Unknown dataset 'imbd': expected one of imdb, imdb_reviews, ")
    assert all(name in message for name in list_datasets())
    assert message.endswith(
        ", or a path to a CSV, TSV, JSONL or TXT file or folder. Did you mean 'imdb'?"
    )
    with pytest.raises(DatasetError, match=r"^There is no file or folder .*/none\.csv\.$"):
        load("none.csv")


def test_named_datasets_are_what_they_are_whether_labels_are_asked_for_or_not():
    sizes = {"train_size": 40, "validation_size": 20, "test_size": 20}
    dataset = load("synthetic_reviews", **sizes, columns=TEXTS)
    assert list(dataset.train.columns) == ["text", "label"]
    assert "columns" not in dataset.arguments
    again = load(dataset.name, **dataset.arguments)
    assert again.fingerprint == dataset.fingerprint


def test_named_datasets_without_a_column_that_is_asked_for_are_refused():
    with pytest.raises(DatasetError) as caught:
        load("synthetic_reviews", train_size=1, columns={"text": "text", "target": "number"})
    assert str(caught.value) == (
        "synthetic_reviews has no column 'target' of kind number: its columns are 'text' (text), "
        "'label' (category)."
    )


def test_unknown_arguments_are_refused_with_what_there_is(tmp_path):
    with pytest.raises(DatasetError) as caught:
        load("imdb", sed=1)
    assert str(caught.value) == (
        "Unknown argument of imdb_reviews 'sed': expected one of validation_share, seed, "
        "data_dir. Did you mean 'seed'?"
    )
    with pytest.raises(DatasetError, match=r"'txt_column': expected one of text_column, .* Did"):
        load(tmp_path / "a.csv", txt_column="body")


def test_a_dataset_is_registered_by_its_function_alone():
    for name in list_datasets():
        function = dataset_function(name)
        assert getattr(zoo.datasets, function.__name__) is function


def test_importing_the_datasets_imports_no_tensorflow():
    code = (
        "import sys, zoo.datasets; print([m for m in sys.modules if m in ('tensorflow', 'keras')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
