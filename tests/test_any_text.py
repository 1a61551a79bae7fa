"""Any text, through Python, a SavedModel and the command line: an answer of its own, at its cost.

`make fuzz` tries sixty times as many.
"""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import zoo
from tests.test_fuzz import tries

ODD = [
    "",
    " \n\t\r ",
    "\0",
    "a\0b",
    "\ud800 half a pair",
    "\u202e\u0627\u0644\u0641\u064a\u0644\u0645 \u05e1\u05e8\u05d8",
    "a" + "\u0301" * 3000,
    "👩‍👩‍👧‍👦🏳️‍🌈" * 200,
    "我喜欢这部电影",
    "x" * 70_000,
    "<" * 3000 + "br />" * 3000,
    "!'" * 3000,
    "\u2028 \x85 \ufeff \uffff \U0010ffff",
    b"\xff\xfe\xc3",
    b"\xf0\x9f\x98",
    b"\x80" * 70_000,
    bytes(range(256)),
]
PIECES = st.text(max_size=30) | st.characters(categories=["Cs", "Cc", "Mn", "So"])
TEXTS = (
    st.text(max_size=60)
    | st.binary(max_size=60)
    | st.builds(lambda piece, times: piece * times, PIECES, st.integers(0, 3000))
    | st.sampled_from(ODD)
)
ROWS = st.lists(TEXTS, max_size=6)
GREEDY = {"max_new_tokens": 3, "temperature": 0.0}


@pytest.fixture(scope="module")
def classify(run):
    return zoo.pipeline("sentiment-analysis", run)


@pytest.fixture(scope="module")
def write(plain_writer):
    return zoo.pipeline("text-generation", plain_writer)


@pytest.fixture(scope="module")
def serve(run):
    """The endpoint by itself, as another program calls it."""
    loaded = tf.saved_model.load(str(run / "saved_model" / "1"))

    def served(texts):
        as_bytes = [t.encode("utf-8", "replace") if isinstance(t, str) else t for t in texts]
        answers = loaded.signatures["serve"](text=tf.constant(as_bytes, tf.string, [len(texts)]))
        return answers["probabilities"].numpy()

    return served


def labelled_alone(classify, texts):
    return np.array([classify.probabilities([text])[0] for text in texts]).reshape(len(texts), 2)


@tries(90)
@given(texts=ROWS)
def test_labels(classify, serve, texts):
    probabilities = classify.probabilities(texts)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    alone = labelled_alone(classify, texts)
    np.testing.assert_allclose(probabilities, alone, atol=1e-6)
    np.testing.assert_allclose(serve(texts), alone, atol=1e-6)


@tries(60)
@given(texts=ROWS)
def test_continuations(write, texts):
    answers = write(texts, **GREEDY)
    for text, answer in zip(texts, answers, strict=True):
        alone = write(text, **GREEDY)
        assert isinstance(answer["text"], str) and answer["text"] == alone["text"]
        assert answer["log_probability"] == pytest.approx(alone["log_probability"], abs=1e-4)


@tries(60)
@given(texts=ROWS)
def test_scores(write, texts):
    nats, num_tokens = write.score(texts)
    assert (nats < 0).all() and np.isfinite(nats).all()
    for i, text in enumerate(texts):
        alone, its_tokens = write.score([text])
        assert nats[i] == pytest.approx(alone[0], rel=1e-4, abs=1e-4)
        assert num_tokens[i] == its_tokens[0]


@pytest.mark.parametrize("number", [0, 1, 1000])
def test_batches(classify, serve, write, number):
    texts = (ODD * 100)[:number]
    expected = labelled_alone(classify, ODD[: min(number, len(ODD))])
    expected = np.resize(expected, (number, 2))
    np.testing.assert_allclose(classify.probabilities(texts), expected, atol=1e-6)
    short = [text[:50] for text in texts]
    assert serve(short).shape == (number, 2)
    answers = write(short, **GREEDY)
    assert len(answers) == number
    for text, answer in zip(short[:20], answers, strict=False):
        assert answer["text"] == write(text, **GREEDY)["text"]


def as_lines(texts):
    """Texts that can be lines of standard input."""
    encoded = [t.encode("utf-8", "replace") if isinstance(t, str) else t for t in texts]
    return [text.replace(b"\n", b" ").rstrip(b"\r") for text in encoded]


def test_lines_of_standard_input(call, run, classify, plain_writer, write):
    lines = as_lines(ODD)
    stdin = b"".join(line + b"\n" for line in lines)
    status, printed, told = call("predict", "--model", run, "--json", stdin=stdin)
    assert status == 0, told
    answers = [json.loads(line) for line in printed.split("\n")[:-1]]
    for answer, expected, line in zip(answers, classify(lines), lines, strict=True):
        assert answer == {"text": line.decode("utf-8", "replace"), **expected}

    options = ("--temperature", 0, "--max-new-tokens", 3, "--json")
    status, printed, told = call("generate", "--model", plain_writer, *options, stdin=stdin)
    assert status == 0, told
    written = [json.loads(line)["text"] for line in printed.split("\n")[:-1]]
    assert written == [answer["text"] for answer in write(lines, **GREEDY)]


@pytest.mark.parametrize("command", ["predict", "generate"])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_arguments_that_are_not_utf_8(call, run, plain_writer, command, flags):
    """Python holds the bytes of an argument that are no UTF-8 as halves of surrogate pairs."""
    model = run if command == "predict" else plain_writer
    more = ("--max-new-tokens", 2) if command == "generate" else ()
    status, printed, told = call(command, "--model", model, *more, *flags, "\udcff film", "fine")
    assert status == 0, told
    assert len(printed.splitlines()) == 2


# Ten megabytes. The peak of a process is what its whole life took, so this has one of its own.
TEN_MEGABYTES = """
import resource, sys
import tensorflow as tf

size = 10_000_000
texts = [b"x" * size, b"word " * (size // 5), b"\\xff" * size, b"!" * size, b"<a" * (size // 2)]
labels, writer = (tf.saved_model.load(folder) for folder in sys.argv[1:])
options = {"max_new_tokens": tf.constant(2), "temperature": tf.constant(0.0)}

def answers(*rows):
    rows = tf.constant(rows)
    given = [
        labels.signatures["serve"](text=rows)["score"],
        writer.generate(prompt=rows, **options)["log_probability"],
        writer.signatures["serve"](text=rows)["log_probability"],
    ]
    assert all(bool(tf.reduce_all(tf.math.is_finite(each))) for each in given)

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
short = [b"A fine film."] * 7
answers(b"one", *short)
before = peak()
for text in texts:
    answers(text, *short)
print(peak() - before)
"""


@pytest.mark.slow
def test_a_text_of_ten_megabytes_takes_little_memory(run, plain_writer):
    """Among short ones, whose rows are padded to its length."""
    folders = [str(run / "saved_model" / "1"), str(plain_writer)]
    ran = subprocess.run(
        [sys.executable, "-c", TEN_MEGABYTES, *folders],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 700
