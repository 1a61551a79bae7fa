"""Tables as people bring them: delimiters, quotes, encodings, what surrounds the rows."""

import contextlib
import csv
import gzip
import io
import itertools
import json
import os
import random
import threading

import pytest

from zoo.datasets import DatasetError, ReadingOptions, from_files, open_records

COLUMNS = {"text": "text", "label": "category"}
ROWS = [(f"film {i} was fine and {i * 7} long", ["bad", "good"][i % 2]) for i in range(40)]


def table(rows=ROWS, delimiter=",", header=("text", "label"), **options) -> str:
    stream = io.StringIO()
    options = {"lineterminator": "\n", **options}
    csv.writer(stream, delimiter=delimiter, **options).writerows([header, *rows])
    return stream.getvalue()


def plain(rows=ROWS, delimiter=",") -> str:
    """A table without any quoting."""
    return "".join(f"{delimiter.join(row)}\n" for row in [("text", "label"), *rows])


def read(tmp_path, content, name="a.csv", columns=COLUMNS, **options):
    """(rows as tuples of the columns, notes)."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_records(path, columns, ReadingOptions(**options)) as records:
        places = [records.place(column) for column in columns]
        rows = [tuple(record.fields[place] for place in places) for record in records]
        return rows, records.notes()


def refusal(tmp_path, content, **arguments) -> str:
    with pytest.raises(DatasetError) as caught:
        read(tmp_path, content, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{tmp_path}/", "")


# Delimiters


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.data", "a", "a.txt", "A.CSV"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_header_whatever_the_suffix(delimiter, name, tmp_path):
    assert read(tmp_path, table(delimiter=delimiter), name) == (ROWS, [])


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;;"])
def test_a_first_line_names_the_delimiter_as_excel_writes_it(line, tmp_path):
    rows = [(f"a, b and c: {text}", label) for text, label in ROWS]
    assert read(tmp_path, f"{line}\r\n" + plain(rows, ";")) == (rows, [])


def test_an_option_names_the_delimiter(tmp_path):
    content = plain(delimiter="~")
    assert read(tmp_path, content, delimiter="~") == (ROWS, [])
    assert read(tmp_path, plain(delimiter="\t"), delimiter="tab") == (ROWS, [])
    assert "no column 'text'" in refusal(tmp_path, content)
    for delimiter in ("", ",,", '"', "\n"):
        with pytest.raises(DatasetError, match="delimiter must be one character"):
            ReadingOptions(delimiter=delimiter)


# Quotes


def test_a_tsv_has_no_quotes(tmp_path):
    marks = {0: '"{}"', 3: '"{}', 7: '{}"', 9: '"{}" he said', 12: '5" {}', 20: '"', 30: '""{}'}
    rows = [(marks.get(i, "{}").format(text), label) for i, (text, label) in enumerate(ROWS)]
    assert read(tmp_path, plain(rows, "\t"), "a.tsv")[0] == rows
    swapped = "label\ttext\n" + "".join(f"{label}\t{text}\n" for text, label in rows)
    assert read(tmp_path, swapped, "a.tsv")[0] == rows


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_tsv_that_a_csv_writer_made_has_quotes(quoting, tmp_path):
    rows = [(f'he said "{text}"', label) for text, label in ROWS]
    assert read(tmp_path, table(rows, "\t", quoting=quoting), "a.tsv")[0] == rows
    rows = [(f"{text}\nand a second line", label) for text, label in ROWS]
    found, notes = read(tmp_path, table(rows, "\t", quoting=quoting), "a.tsv")
    assert found == rows
    assert notes == ["Records of several lines, because of the quotes around a field: 40."]


@pytest.mark.parametrize(("first", "last"), [(5, 25), (5, None), (0, 39), (38, 39), (39, None)])
@pytest.mark.parametrize("is_label_first", [False, True])
def test_a_stray_quote_joins_no_rows(first, last, is_label_first, tmp_path):
    rows = [
        (('"' if i == first else "") + text + ('"' if i == last else ""), label)
        for i, (text, label) in enumerate(ROWS)
    ]
    content = plain(rows)
    if is_label_first:
        content = "label,text\n" + "".join(f"{label},{text}\n" for text, label in rows)
    found, notes = read(tmp_path, content)
    assert found == rows
    note = "Lines with a quote at the start of a field that does not enclose it, read as text: 1."
    assert notes == [note]


@pytest.mark.parametrize("kind", ["number", "text"])
def test_a_stray_quote_joins_no_rows_of_numbers_or_pairs(kind, tmp_path):
    values = [str(i / 8) if kind == "number" else f"Satz {i}" for i in range(40)]
    texts = [('"' if i == 5 else "") + f"text {i}" + ('"' if i == 25 else "") for i in range(40)]
    rows = list(zip(texts, values, strict=True))
    found, notes = read(tmp_path, plain(rows), columns={"text": "text", "label": kind})
    assert found == rows
    assert len(notes) == 1


def test_texts_of_several_lines_are_read_whole_and_counted(tmp_path):
    # Each line of the first text has as many commas as a row has.
    rows = [("Hello, world\nand\r\n\r\nfine", "bad"), ("One, two\nthree", "good"), *ROWS]
    found, notes = read(tmp_path, table(rows))
    assert found == rows
    assert notes == ["Records of several lines, because of the quotes around a field: 2."]


def test_a_text_of_several_lines_that_look_like_rows_is_read_whole(tmp_path):
    rows = [("First, yes\nsecond, no\nthird", "bad"), *ROWS]
    assert read(tmp_path, table(rows))[0] == rows


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('5" nails', '5" nails'),
        ('"Great" film', '"Great" film'),
        ('"said ""no"""', 'said "no"'),
        (r'"said \"no\" twice"', 'said "no" twice'),
        (r'"said \"no, never\" twice"', 'said "no, never" twice'),
        (r'"a path, C:\new\"', "a path, C:\\new\\"),
        ('  "a, b"  ', "a, b"),
        ('""', ""),
        ('"""quoted"""', '"quoted"'),
        ("it's", "it's"),
        ("'a word' of it", "'a word' of it"),
    ],
)
def test_quotes_enclose_a_field_or_are_text(field, expected, tmp_path):
    found, _ = read(tmp_path, plain() + f"{field},good\n")
    assert found == [*ROWS, (expected, "good")]


def test_single_quotes_enclose_fields_if_the_rows_fit_only_so(tmp_path):
    rows = [(f"{text}, and more", label) for text, label in ROWS]
    content = "text,label\n" + "".join(f"'{text}',{label}\n" for text, label in rows)
    assert read(tmp_path, content) == (rows, [])


def test_a_header_may_have_quotes_and_line_ends(tmp_path):
    content = '"the\ntext",label\n' + "".join(f"{t},{la}\n" for t, la in ROWS)
    assert read(tmp_path, content, columns={"the\ntext": "text", "label": "category"})[0] == ROWS


# What surrounds the rows


@pytest.mark.parametrize("above", ["", "\n \n", "Results of 2026\n", "# made by x\n# twice\n"])
@pytest.mark.parametrize("below", ["", "\n\n", "  \n", "\x1a"])
def test_lines_around_the_rows_are_skipped_and_those_with_words_counted(above, below, tmp_path):
    found, notes = read(tmp_path, above + table() + below)
    assert found == ROWS
    num_words = sum(bool(line.strip()) for line in above.split("\n"))
    assert notes == ([f"Lines left out above the header: {num_words}."] if num_words else [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2])
def test_line_ends_of_all_systems_and_byte_order_marks_are_read(end, mark, tmp_path):
    assert read(tmp_path, mark + table(lineterminator=end).encode()) == (ROWS, [])


def test_other_characters_do_not_end_a_line(tmp_path):
    rows = [("a\rb\u2028c\u0085d\x0be\x0cf\x1cg", "good"), *ROWS]
    assert read(tmp_path, plain(rows))[0] == rows


def test_delimiters_at_the_end_of_lines_are_no_fields(tmp_path):
    lines = plain().splitlines()
    for header in ("text,label", "text,label,", "text,label,,"):
        content = "\n".join([header, *(f"{line},," for line in lines[1:])])
        assert read(tmp_path, content) == (ROWS, [])
    content = "\n".join(["text,label", *lines[1:20], f"{lines[20]},x"])
    assert "line 21: expected 2 fields, as the first line has, found 3" in refusal(
        tmp_path, content
    )


def test_a_column_that_differs_in_case_is_suggested(tmp_path):
    message = refusal(tmp_path, table(header=("Text", "label")))
    assert message.endswith("has 'Text', 'label'. Did you mean 'Text'?")


def test_headers_within_a_table_are_left_out_and_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(table(ROWS[:20]) + table(ROWS[20:]))
    dataset = from_files(path)
    assert dataset.label_names == ("bad", "good")
    assert dataset.audit.notes == ("Lines left out because they repeat the header: 1.",)


# Without a header


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("a", "\t")])
@pytest.mark.parametrize("is_label_first", [False, True])
def test_two_columns_without_a_header_are_recognized_and_said(
    name, delimiter, is_label_first, tmp_path
):
    step = -1 if is_label_first else 1
    content = "".join(delimiter.join(row[::step]) + "\n" for row in ROWS)
    found, notes = read(tmp_path, content, name)
    assert found == ROWS
    assert len(notes) == 1
    assert notes[0].startswith("The first line is read as a text with its label")


def test_a_header_with_other_names_is_not_taken_for_a_row(tmp_path):
    message = refusal(tmp_path, table(header=("body", "stars")))
    assert "has no column 'text'" in message
    assert "'body', 'stars'" in message


def test_an_option_names_the_columns_of_a_file_without_a_header(tmp_path):
    content = "".join(f"{i}\t{la}\t{text}\n" for i, (text, la) in enumerate(ROWS))
    assert read(tmp_path, content, "a.txt", header="id,label,text") == (ROWS, [])
    # Where the names are there, they are the header.
    assert read(tmp_path, "id\tlabel\ttext\n" + content, "a", header="id, label, text")[0] == ROWS
    with pytest.raises(DatasetError, match="header must be different names"):
        ReadingOptions(header="text,text")


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_an_encoding_is_that_of_the_byte_order_mark(encoding, tmp_path):
    rows = [(f"{text} — très “bien” 好", label) for text, label in ROWS]
    for end in ("\n", "\r\n", "\r"):
        content = table(rows, lineterminator=end).encode(encoding)
        assert read(tmp_path, content) == (rows, [])


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "für größere Häuser"),
        ("cp1252", "it\u2019s a “café”"),
        ("cp1251", "очень хороший фильм"),
        ("koi8_r", "весь фильм очень хороший"),
        ("shift_jis", "とても良い映画でした"),
        ("gb18030", "很好的电影 我喜欢"),
        ("utf-16-le", "fine"),
    ],
)
def test_what_is_no_utf_8_is_refused_with_a_guess_that_reads_it(encoding, words, tmp_path):
    rows = [(f"{text} {words}", label) for text, label in ROWS]
    content = table(rows).encode(encoding)
    message = refusal(tmp_path, content)
    assert f"encoding={encoding!r}" in message
    assert read(tmp_path, content, encoding=encoding) == (rows, [])


def test_a_few_wrong_bytes_are_no_other_encoding(tmp_path):
    content = table([*ROWS, ("caf?", "good")]).encode().replace(b"caf?", b"caf\xe9")
    assert read(tmp_path, content)[0] == [*ROWS, ("caf\udce9", "good")]
    # Where the encoding is given, all are accepted.
    content = table([(f"{text} ?", label) for text, label in ROWS]).encode()
    content = content.replace(b"?", b"\xe9")
    assert len(read(tmp_path, content, encoding="utf-8")[0]) == len(ROWS)


def test_texts_that_are_no_utf_8_late_in_a_file_are_refused_too(tmp_path):
    early = [(f"{text} {'long ' * 80}{i}", la) for i in range(20) for text, la in ROWS]
    late = [(f"für {text} {i}", label) for i in range(60) for text, label in ROWS]
    path = tmp_path / "a.csv"
    path.write_bytes(table([*early, *late]).encode("cp1252"))
    with pytest.raises(DatasetError, match=r"found 2,400 of 3,200 texts that are not; .*cp1252"):
        from_files(path)


def test_an_unknown_encoding_is_refused():
    with pytest.raises(DatasetError, match="encoding must be the name of a text encoding"):
        ReadingOptions(encoding="utf-99")


# Bytes and pipes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp1252", "shift_jis"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_records_keep_their_bytes_and_take_cells_at_their_end(encoding, end, tmp_path):
    content = f'sep=;{end}text;"label"{end}"a;{end}b";good;{end} x  ;bad'.encode(encoding)
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with open_records(path, COLUMNS, ReadingOptions(encoding=encoding)) as records:
        rows = list(records)
        assert records.preamble + records.header_raw + b"".join(r.raw for r in rows) == content
        added = [records.with_cells(None, ["new"]), *(records.with_cells(r, ["1;2"]) for r in rows)]
    text = b"".join(added).decode(encoding)
    assert text.split(end) == ['text;"label";new', '"a;', 'b";good;"1;2"', ' x  ;bad;"1;2"', ""]


def test_bytes_that_are_not_valid_are_kept_in_the_record(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(table().encode() + b"caf\xe9,good\n")
    with open_records(path, COLUMNS) as records:
        *_, last = records
        assert last.raw == b"caf\xe9,good\n"
        assert records.with_cells(last, ["0.5"]) == b"caf\xe9,good,0.5\n"


@pytest.mark.parametrize(
    ("header", "lines"),
    [
        ("text,label\n", ["one,good\n", "two,bad\n"]),
        ("", ['{"text": "one", "label": "good"}\n', '{"text": "two", "label": "bad"}\n']),
    ],
)
def test_a_pipe_is_read_line_by_line(header, lines, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    answered = [threading.Event() for _ in lines]

    def write():
        with open(pipe, "w") as stream:
            stream.write(header)
            for line, event in zip(lines, answered, strict=True):
                stream.write(line)
                stream.flush()
                assert event.wait(20)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with open_records(pipe, COLUMNS) as records:
        found = []
        for record, event in zip(records, itertools.chain(answered, [None]), strict=False):
            found.append(record.fields)
            event.set()
    writer.join(20)
    assert found == [["one", "good"], ["two", "bad"]]


# Damage


@pytest.mark.parametrize("kind", ["table", "quoted", "json", "fasttext", "utf-16", "gzip"])
def test_damaged_bytes_cause_no_other_error_than_that_of_data(kind, tmp_path):
    objects = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
    content = {
        "table": plain().encode(),
        "quoted": table([(f'a "b",\n{t}', la) for t, la in ROWS]).encode(),
        "json": "\n".join(objects).encode(),
        "fasttext": "".join(f"__label__{la} {t}\n" for t, la in ROWS).encode(),
        "utf-16": table().encode("utf-16"),
        "gzip": gzip.compress(table().encode()),
    }[kind]
    path = tmp_path / "a"
    generator = random.Random(kind)
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(generator.randrange(1, 5)):
            place = generator.randrange(len(damaged))
            inserted = generator.choice(
                [b"", b'"', b"\n", b"\0", b",", b"\xff", b"\r", b"{", b"\\"]
            )
            damaged[place : place + generator.randrange(3)] = inserted
        path.write_bytes(damaged[: generator.choice([None, generator.randrange(len(damaged))])])
        with contextlib.suppress(DatasetError), open_records(path, COLUMNS) as records:
            for record in records:
                assert len(record.fields) == len(records.header)
