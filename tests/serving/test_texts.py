"""What a call takes as its texts, in one process and in others."""

import io
import os
import pickle

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.serving.texts import read_texts

TWO = ["a fine film", "dull"]


@pytest.mark.parametrize(
    "given",
    [
        tuple(TWO),
        iter(TWO),
        (text for text in TWO),
        map(str, TWO),
        {"first": TWO[0], "second": TWO[1]}.values(),
        np.array(TWO),
        np.array(TWO, object),
        np.array(TWO, "S"),
        tf.constant(TWO),
        tf.data.Dataset.from_tensor_slices(TWO),
        io.BytesIO(b"a fine film\ndull"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_any_iterable_of_texts_is_read_once(given):
    read = read_texts(given)
    assert [text.rstrip("\n") for text in read.decode()] == TWO and not read.is_single


@pytest.mark.parametrize(
    "given",
    [
        *("a fine film", b"a fine film", np.str_("a fine film")),
        *(np.array("a fine film"), tf.constant("a fine film")),
    ],
    ids=lambda given: type(given).__name__,
)
def test_one_text_is_one_text(given):
    read = read_texts(given)
    assert read.encode() == [b"a fine film"] and read.is_single


class _Table:
    """Iterates over the names of its columns, as tables of pandas do."""

    columns = ("text", "label")

    def __iter__(self):
        return iter(self.columns)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "texts must be a string or an iterable of strings; it is of type NoneType."),
        (3, "texts must be a string or an iterable of strings; it is of type int."),
        (bytearray(b"x"), "it is of type bytearray."),
        ({"text": "a fine film"}, "it is of type dict: pass its values."),
        (_Table(), "it is of type _Table: pass one of its columns."),
        ([None], "A text must be a string; one is of type NoneType, at index 0."),
        (["a", float("nan")], "one is of type float, at index 1."),
        ([TWO], "one is of type list, at index 0."),
        (np.array([TWO]), "one is of type ndarray, at index 0."),
    ],
)
def test_anything_else_is_refused_in_one_sentence(given, message):
    with pytest.raises(TypeError) as caught:
        read_texts(given)
    assert str(caught.value).endswith(message)


@pytest.fixture(scope="module")
def classify(run):
    return zoo.pipeline(run)


@pytest.fixture(scope="module")
def write(plain_writer):
    return zoo.pipeline(plain_writer)


def test_pipelines_take_generators_and_single_strings(classify, write, run):
    assert classify(text for text in TWO) == classify(TWO)
    assert classify.probabilities(TWO[0]).shape == (1, 2)
    prompts, short = ["The", "A film"], {"max_new_tokens": 3}
    assert write((prompt for prompt in prompts), **short) == write(prompts, **short)
    one, many = write.score(prompts[1]), write.score(map(str, prompts))
    assert one[0].shape == (1,) and many[0].shape == (2,)
    assert one[0] == pytest.approx(many[0][1:], abs=1e-4)
    loaded = zoo.load(run)
    explained = zoo.explain((text for text in TWO), loaded, method="occlusion")
    assert [attribution.text for attribution in explained] == TWO
    with pytest.raises(TypeError, match="prompt must be one string; it is of type list"):
        write.stream(prompts)
    for refuses in (classify, classify.probabilities, write, write.score, write.stream):
        with pytest.raises(TypeError, match="of type dict: pass its values"):
            refuses({"text": "The"})


def test_a_pipeline_is_pickled_as_its_path(classify, run, monkeypatch, tmp_path):
    monkeypatch.chdir(run.parent)
    pickled = pickle.dumps(zoo.pipeline("sentiment-analysis", run.name))
    assert len(pickled) < 1000
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(pickled)
    assert type(again) is zoo.TextClassifier and again(TWO) == classify(TWO)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here.")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_says_so_in_one_sentence(classify, write, run):
    classify("warm")

    def in_fork(function) -> str:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            message = b"no error"
            try:
                function()
            except RuntimeError as error:
                message = str(error).encode()
            finally:
                os.write(writing, message)
                os._exit(0)
        os.close(writing)
        with open(reading) as stream:
            message = stream.read()
        os.waitpid(child, 0)
        return message

    for function in (
        lambda: classify("a film"),
        lambda: write.stream("The"),
        lambda: write.score(["The"]),
        lambda: zoo.pipeline(run),
        lambda: zoo.load(run),
    ):
        message = in_fork(function)
        assert message.startswith("This process was forked after TensorFlow was used")
        assert message.count(". ") == 0 and 'get_context("spawn")' in message
