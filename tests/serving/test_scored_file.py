"""Files that are scored: every format is read, and the user's bytes are copied."""

import json
import os
import subprocess
import sys
import threading

import pytest

import zoo
from zoo.datasets import DatasetError
from zoo.serving.scored_file import batches_of_lines


@pytest.fixture(scope="module")
def classify(run):
    return zoo.pipeline(run)


def cells(classify, text):
    return ",".join(classify.cells(classify(text))).encode()


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        (b"id,text,name\n1,a fine film,Caf\xe9\n2,dull,B\n3,weak,C\n", b","),
        (b"\xef\xbb\xbfid,text\r\n1,a fine film\r\n2,dull\r\n", b","),
        (b'sep=;\n"id";text\n"1" ;a fine film\n2;"du""ll"', b";"),
        (b'id\ttext\n1\ta "fine film\n2\tdull\n', b"\t"),
        (b'text,quoted\na fine film,\'x\'\n"two\nlines","y"\n', b","),
    ],
)
def test_the_bytes_of_a_table_are_copied(classify, tmp_path, content, delimiter):
    suffix = "tsv" if delimiter == b"\t" else "csv"
    (tmp_path / f"in.{suffix}").write_bytes(content)
    classify.predict_file(tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}")
    written = (tmp_path / f"out.{suffix}").read_bytes()
    pieces = {delimiter + delimiter.join([b"label", b"score"])}
    for text in ("a fine film", "dull", "weak", 'du"ll', 'a "fine film', "two\nlines"):
        pieces.add(delimiter + delimiter.join(cells(classify, text).split(b",")))
    left = written
    for piece in pieces:
        left = left.replace(piece, b"")
    end = b"" if content.endswith(b"\n") else b"\n"
    assert left == content + end and written != left


def test_utf_16_stays_utf_16(classify, tmp_path):
    content = "id\ttext\n1\ta fine film é\n".encode("utf-16")
    (tmp_path / "in.csv").write_bytes(content)
    classify.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    written = (tmp_path / "out.csv").read_bytes()
    assert written.startswith(content[: len("id,text") * 2 + 2])
    # A .csv stays separated by tabs if it was so.
    label, score = classify.cells(classify("a fine film é"))
    rows = ["id,text,label,score", f"1,a fine film é,{label},{score}"]
    assert written.decode("utf-16") == "".join(f"{row}\n".replace(",", "\t") for row in rows)


def test_json_lines_keep_their_bytes(classify, tmp_path):
    lines = [b'{"id":1.0,  "text": "a fine film"}', b'{"text":"caf\\u00e9 dull","more":[1, 2]}']
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    classify.predict_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    written = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert all(new.startswith(old[:-1] + b", ") for old, new in zip(lines, written, strict=True))
    answer = classify("a fine film")
    assert json.loads(written[0]) == {
        **{"id": 1.0, "text": "a fine film"},
        **{"label": answer["label"], "score": answer["score"]},
    }
    classify.predict_file(tmp_path / "in.jsonl", tmp_path / "out.csv")
    table = (tmp_path / "out.csv").read_text().splitlines()
    assert table[0] == "id,text,more,label,score" and table[2].startswith(',café dull,"[1, 2]",')


def test_other_formats_are_read_and_converted(classify, tmp_path):
    objects = [{"id": 1, "text": "a fine film"}, {"id": 2, "text": None}]
    (tmp_path / "in.json").write_text(json.dumps(objects, indent=2))
    classify.predict_file(tmp_path / "in.json", tmp_path / "out.json")
    scored = json.loads((tmp_path / "out.json").read_text())
    assert [{k: row[k] for k in ("id", "text")} for row in scored] == objects
    assert scored[1]["label"] == classify("")["label"]
    (tmp_path / "in.txt").write_text("a fine film\ndull\n")
    classify.predict_file(tmp_path / "in.txt", tmp_path / "lines.csv")
    lines = (tmp_path / "lines.csv").read_text().splitlines()
    assert lines[0] == "text,label,score" and lines[2].startswith("dull,")
    (tmp_path / "in.csv").write_text('id,text\n1,"a, fine film"\n')
    classify.predict_file(tmp_path / "in.csv", tmp_path / "out.tsv")
    assert (
        (tmp_path / "out.tsv").read_text().startswith("id\ttext\tlabel\tscore\n1\ta, fine film\t")
    )


def test_a_run_knows_its_column(classify, run, tmp_path, monkeypatch):
    (tmp_path / "in.csv").write_text("text,body\nnothing,a fine film\n")
    monkeypatch.setattr("zoo.serving.scored_file.columns_of_run", lambda _: {"text_column": "body"})
    classify.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    label, score = classify.cells(classify("a fine film"))
    assert (tmp_path / "out.csv").read_text().endswith(f"nothing,a fine film,{label},{score}\n")
    classify.predict_file(tmp_path / "in.csv", tmp_path / "out.csv", text_column="text")
    assert ",".join(classify.cells(classify("nothing"))) in (tmp_path / "out.csv").read_text()
    (tmp_path / "in.csv").write_text("text\nnothing\n")
    with pytest.raises(DatasetError, match="has no column 'body'"):
        classify.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")


def test_a_pipe_is_answered_as_it_comes(classify, tmp_path, monkeypatch):
    pipe, answers = tmp_path / "pipe", tmp_path / "answers"
    os.mkfifo(pipe)
    output = answers.open("w")
    monkeypatch.setattr(sys, "stdout", output)
    thread = threading.Thread(target=classify.predict_file, args=(pipe, "-"))
    thread.start()
    try:
        with open(pipe, "wb", buffering=0) as writing:
            for number, text in enumerate([b"a fine film", b"dull", b"weak"], start=1):
                writing.write(b"text\n" * (number == 1) + text + b"\n")
                for _ in range(300):
                    if answers.read_bytes().count(b"\n") == number + 1:
                        break
                    thread.join(0.1)
                assert answers.read_bytes().count(b"\n") == number + 1
    finally:
        thread.join()
        output.close()
    assert answers.read_text().startswith("text,label,score\na fine film,")


def test_lines_come_as_they_are_written():
    chunks = [b"one\ntw", b"o\r\nthree\nfo", b"ur", b""]

    class Stream:
        def read1(self, _):
            return chunks.pop(0)

    assert list(batches_of_lines(Stream())) == [[b"one"], [b"two", b"three"], [b"four"]]


@pytest.mark.slow
def test_a_reader_that_closes_the_pipe_ends_the_command_well(run):
    command = [sys.executable, "-m", "zoo", "predict", "--model", str(run)]
    ran = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ran.stdin.write(b"a fine film\n")
    ran.stdin.flush()
    assert ran.stdout.readline().endswith(b"\ta fine film\n")  # Before the input has ended.
    ran.stdout.close()
    ran.stdin.write(b"dull\n" * 3)
    ran.stdin.close()
    assert (ran.wait(timeout=100), ran.stderr.read()) == (0, b"")
    ran.stderr.close()
