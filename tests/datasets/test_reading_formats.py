"""JSON, fastText, sheets, Parquet, compressed files, the standard input: the same texts."""

import bz2
import datetime
import gzip
import io
import json
import lzma
import sys
import zipfile

import pytest

from zoo.datasets import DatasetError, ReadingOptions, from_files, open_records

COLUMNS = {"text": "text", "label": "category"}
ROWS = [(f"film {i} was fine", ["bad", "good"][i % 2]) for i in range(12)]
OBJECTS = [{"text": text, "label": label} for text, label in ROWS]
CSV = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)


def read(path, content=None, columns=COLUMNS, **options):
    """(rows as tuples of the columns, notes)."""
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_records(path, columns, ReadingOptions(**options)) as records:
        places = [records.place(column) for column in columns]
        rows = [tuple(record.fields[place] for place in places) for record in records]
        return rows, records.notes()


def refusal(path, content, **arguments) -> str:
    with pytest.raises(DatasetError) as caught:
        read(path, content, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{path.parent}/", "")


# JSON


def by_column(kind):
    columns = {name: [each[name] for each in OBJECTS] for name in COLUMNS}
    return {name: kind(values) for name, values in columns.items()}


JSON = {
    "lines": "\n".join(map(json.dumps, OBJECTS)),
    "lines with commas": ",\n".join(map(json.dumps, OBJECTS)) + ",\n",
    "lines and blank ones": "\n\n".join(map(json.dumps, OBJECTS)) + "\n \n",
    "array": json.dumps(OBJECTS),
    "pretty array": "\n" + json.dumps(OBJECTS, indent=2) + "\n",
    "pretty objects": "\n".join(json.dumps(each, indent=1) for each in OBJECTS),
    "columns": json.dumps(by_column(lambda values: {str(i): v for i, v in enumerate(values)})),
    "lists": json.dumps(by_column(list)),
    "index": json.dumps({str(i): each for i, each in enumerate(OBJECTS)}),
    "split": json.dumps({"columns": ["text", "label"], "index": [0], "data": ROWS}),
    "table": json.dumps({"schema": {"fields": []}, "data": OBJECTS}),
}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a", "a.json.gz"])
@pytest.mark.parametrize("orientation", JSON)
def test_json_is_read_in_every_orientation(orientation, name, tmp_path):
    content = JSON[orientation].encode()
    content = gzip.compress(content) if name.endswith(".gz") else content
    assert read(tmp_path / name, content) == (ROWS, [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("orientation", ["lines", "array"])
def test_json_has_a_byte_order_mark(orientation, encoding, tmp_path):
    assert read(tmp_path / "a.json", JSON[orientation].encode(encoding)) == (ROWS, [])


def test_comments_in_json_lines_are_counted(tmp_path):
    content = f"// made\n# by hand\n{JSON['lines']}\n"
    note = "Lines left out because they are comments: 2."
    assert read(tmp_path / "a.jsonl", content) == (ROWS, [note])


def test_null_nan_and_missing_keys_are_no_value(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [
        *map(json.dumps, OBJECTS),
        '{"text": null, "label": "good"}',
        '{"label": "good"}',
        '{"text": NaN, "label": "good"}',
        '{"text": "a", "label": NaN}',
        '{"text": "b", "label": null}',
        '{"text": "c"}',
    ]
    path.write_text("\n".join(lines))
    dataset = from_files(path)
    assert (dataset.audit.empty, dataset.audit.unlabelled) == (3, 3)
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == len(ROWS)


def test_a_key_within_an_object_is_named_by_its_path(tmp_path):
    objects = [{"data": {"text": each["text"]}, "label": each["label"]} for each in OBJECTS]
    content = "\n".join(map(json.dumps, objects))
    columns = {"data.text": "text", "label": "category"}
    assert read(tmp_path / "a.jsonl", content, columns) == (ROWS, [])
    # A key of that very name comes first.
    content = json.dumps({"data.text": "x", "data": {"text": "y"}, "label": "z"})
    assert read(tmp_path / "a.jsonl", content, columns) == ([("x", "z")], [])


def test_arrays_are_rows_if_their_values_are_named(tmp_path):
    for content in (json.dumps(ROWS), "\n".join(map(json.dumps, ROWS))):
        assert read(tmp_path / "a.json", content, header="text,label") == (ROWS, [])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": "a", "text": "b", "label": 1}', "the key 'text' comes twice in an object."),
        ('[{"text": "a", "label": 1}', "the array has no end."),
        ('[{"text": "a", "label": 1},\n{"text": }]', "a.json, line 2: expected JSON, found"),
        ("{'text': 'a', 'label': 1}", "Expecting property name enclosed in double quotes."),
        ('{"Text": "a", "label": 1}', "found only 'Text', 'label'. Did you mean 'Text'?"),
        ("[1, 2]", "line 1: expected a JSON object with 'text', found a number."),
        ('{"text": "a", "label": 1}\0', "found a NUL byte"),
    ],
)
def test_what_is_no_json_is_refused_in_one_sentence(content, expected, tmp_path):
    assert expected in refusal(tmp_path / "a.json", content)


# fastText


@pytest.mark.parametrize("name", ["a.txt", "a", "a.csv", "train.ft.txt.bz2"])
def test_lines_with_labels_are_read_as_fasttext_does(name, tmp_path):
    content = "".join(f"__label__{label} {text}\n" for text, label in ROWS).encode()
    content = bz2.compress(content) if name.endswith(".bz2") else content
    assert read(tmp_path / name, content) == (ROWS, [])
    path = tmp_path / name
    assert from_files(path).label_names == ("bad", "good")


def test_a_line_with_two_labels_is_refused(tmp_path):
    content = "__label__good a\n__label__good __label__long b\n"
    assert refusal(tmp_path / "a.txt", content) == (
        "a.txt, line 2: expected one label, found 'good', 'long'."
    )


# Binary files


def workbook(*sheets) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_the_first_sheet_that_is_not_empty_is_read_and_the_others_are_named(tmp_path):
    rows = [("Results", None), (), ("text", " label "), *ROWS, (None, None), ("five", 5)]
    content = workbook(("empty", []), ("films", rows), ("notes", [("by", "x")]))
    found, notes = read(tmp_path / "a.xlsx", content)
    assert found == [*ROWS, ("five", 5)]
    assert notes == ["Sheets left out: 'notes'.", "Rows left out above the header: 1."]


def test_cells_of_a_sheet_become_texts_and_labels(tmp_path):
    day = datetime.datetime(2026, 1, 2)
    rows = [(f"{text} ", [1, True, day, 2.5][i % 4]) for i, (text, _) in enumerate(ROWS)]
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(("s", [("text", "label"), *rows, (7, 1), ("no label", None)])))
    dataset = from_files(path, validation_share=0.3, test_share=0.3)
    assert set(dataset.label_names) == {"1", "true", "2026-01-02 00:00:00", "2.5"}
    assert dataset.audit.unlabelled == 1
    texts = {text for s in (dataset.train, dataset.validation, dataset.test) for text in s["text"]}
    assert {"7", "film 3 was fine "} < texts


def test_parquet_is_read_with_its_types(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts, labels = zip(*ROWS, strict=True)
    columns = {
        "id": list(range(len(ROWS))),
        "text": texts,
        "label": pyarrow.array(labels).dictionary_encode(),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == (ROWS, [])
    numbers = {"text": texts, "label": pyarrow.array([1, None, 0] * 4)}
    parquet.write_table(pyarrow.table(numbers), tmp_path / "b")
    assert [label for _, label in read(tmp_path / "b")[0]] == [1, None, 0] * 4


@pytest.mark.parametrize(("name", "package"), [("a.xlsx", "openpyxl"), ("a.parquet", "pyarrow")])
def test_a_package_that_is_missing_is_named_with_its_extra(name, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.parquet", None)
    assert refusal(tmp_path / name, b"PK\3\4" if package == "openpyxl" else b"PAR1") == (
        f"{name} can only be read with the package {package}, which is not installed: it is in "
        "the extra 'tables'."
    )


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        written.writestr("a.csv", CSV)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", archive(), "a.csv is a ZIP archive: unpack it, or compress the file with gzip."),
        ("a.xlsx", archive(), "a.xlsx is no Excel workbook, or is damaged: "),
        ("a.xlsx", b"", "a.xlsx is no Excel workbook, or is damaged: "),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a file of an old Office program"),
        ("a.parquet", b"PAR1 no", "a.parquet is no Parquet file, or is damaged: "),
        ("a.csv.gz", gzip.compress(CSV.encode())[:-20], "a.csv.gz is damaged: "),
        ("a.csv.xz", lzma.compress(CSV.encode())[:-20], "a.csv.xz is damaged: "),
    ],
)
def test_damaged_and_other_binary_files_are_refused(name, content, expected, tmp_path):
    if name == "a.xlsx":
        pytest.importorskip("openpyxl")
    assert expected in refusal(tmp_path / name, content)


# Compressed, and the standard input


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv", "a.csv.bz2", "a.csv.xz", "a.gz"])
@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_whatever_their_name(name, compress, tmp_path):
    assert read(tmp_path / name, compress(CSV.encode())) == (ROWS, [])


class Input:
    """A standard input with these bytes."""

    closed = False

    def __init__(self, content: bytes):
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize("content", [CSV, JSON["lines"], CSV.replace(",", "\t")])
def test_the_standard_input_is_read_as_a_file_without_a_suffix(content, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Input(content.encode()))
    assert read("-") == (ROWS, [])


def test_a_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DatasetError, match="The standard input is closed"):
        read("-")


def test_plain_text_is_a_record_a_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\n\ntwo\r\nthree")
    with open_records(path, {"text": "text"}) as records:
        assert (records.format, records.header) == ("lines", ["text"])
        assert [record.fields for record in records] == [["one"], [""], ["two"], ["three"]]


def test_a_file_without_a_suffix_is_plain_text_if_it_is_nothing_else(tmp_path):
    path = tmp_path / "play"
    path.write_text("A line of a play.\n" * 50)
    dataset = from_files(path, columns={"text": "text"})
    assert dataset.is_continuous
    assert "".join(s["text"][0] for s in (dataset.train, dataset.validation, dataset.test)) == (
        "A line of a play.\n" * 50
    )
