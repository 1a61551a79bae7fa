"""Weights in fewer bits: how far they are off, and that what is stored is what answers."""

import keras
import numpy as np
import pytest

import zoo
from zoo.serving.quantization import QuantizedVariable


def variable(shape, seed=0):
    return keras.Variable(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def test_eight_bits_are_off_by_half_a_step_of_each_row():
    table = variable((2**13, 32))
    kept = QuantizedVariable(table, "int8")
    assert kept.kept.dtype == "int8"
    value = np.asarray(table)
    steps = np.abs(value).max(axis=1, keepdims=True) / 127
    assert (np.abs(kept.restored() - value) <= steps / 2 + 1e-7).all()


def test_a_row_of_zeros_stays_one():
    table = np.ones((2**13, 32), "float32")
    table[7] = 0
    np.testing.assert_allclose(QuantizedVariable(keras.Variable(table), "int8").restored(), table)


@pytest.mark.parametrize(
    ("shape", "quantization", "expected"),
    [
        ((2**13, 32), "float16", "float16"),
        # Small matrices and vectors do not pay.
        ((64, 64), "int8", "float16"),
        ((5,), "int8", "float16"),
        ((2**13, 32), "float32", "float32"),
    ],
)
def test_what_is_kept_in_how_many_bits(shape, quantization, expected):
    original = variable(shape)
    kept = QuantizedVariable(original, quantization)
    assert kept.kept.dtype == expected
    np.testing.assert_allclose(kept.restored(), original, rtol=1e-3, atol=1e-6)


def test_whole_numbers_stay_whole():
    state = keras.Variable(np.array([2**31 + 1, 7], "uint32"), dtype="uint32")
    restored = QuantizedVariable(state, "int8").restored()
    assert restored.dtype == "uint32"
    assert restored.numpy().tolist() == [2**31 + 1, 7]


TEXTS = ["The story was never weak.", "", "What counts for me is the music."]


@pytest.mark.parametrize("quantization", ["float32", "float16", "int8"])
def test_a_classifier_answers_as_the_model_that_is_read_back_from_it(quantization, run, tmp_path):
    """Both ways see the stored weights and no others, and these are near the fitted ones."""
    fitted, task = zoo.load(run)
    path = zoo.export_saved_model(fitted, task, tmp_path / "1", quantization=quantization)
    probabilities = zoo.TextClassifier(path).probabilities(TEXTS)
    model, task = zoo.load(path)
    np.testing.assert_allclose(
        probabilities, keras.ops.softmax(model(task.text_to_ids(TEXTS))), atol=1e-6
    )
    np.testing.assert_allclose(
        probabilities, keras.ops.softmax(fitted(task.text_to_ids(TEXTS))), atol=2e-3
    )


@pytest.fixture(scope="module")
def large_table(reviews):
    """A language model whose embeddings are large enough for 8 bits, and its task."""
    task = zoo.tasks.text_generation(reviews)
    options = {"embedding_dim": 2048, "units": 8, "tie_embeddings": True}
    return zoo.GRU(**task.model_arguments(), **options), task


def test_fewer_bits_take_less_room(large_table, tmp_path):
    sizes = {}
    for quantization in ("float32", "float16", "int8"):
        path = zoo.export_saved_model(
            *large_table, tmp_path / quantization, quantization=quantization
        )
        sizes[quantization] = (path / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert sizes["float16"] < 0.55 * sizes["float32"]
    assert sizes["int8"] < 0.6 * sizes["float16"]


def test_what_is_read_back_writes_what_the_stored_model_writes(large_table, tmp_path):
    plain = {"jit_compile": False}
    path = zoo.export_saved_model(*large_table, tmp_path / "1", quantization="int8", **plain)
    again = zoo.export_saved_model(*zoo.load(path), tmp_path / "2", **plain)
    stored, read_back = zoo.TextGenerator(path), zoo.TextGenerator(again)
    np.testing.assert_allclose(read_back.score(TEXTS)[0], stored.score(TEXTS)[0], rtol=1e-4)
    options = {"max_new_tokens": 12, "seed": 5}
    assert read_back("The", **options)["text"] == stored("The", **options)["text"]


def test_another_quantization_is_refused(run, tmp_path):
    model, task = zoo.load(run)
    with pytest.raises(ValueError, match=r"one of float32, float16, int8; it is 'int4'"):
        zoo.export_saved_model(model, task, tmp_path / "1", quantization="int4")


def test_a_damaged_saved_model_is_not_read_back(run, tmp_path):
    model, task = zoo.load(run)
    path = zoo.export_saved_model(model, task, tmp_path / "1")
    weights = path / "variables" / "variables.data-00000-of-00001"
    # Its end is a description that is not looked at here.
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(OSError, match=r"variables\.data-00000-of-00001 is damaged: expected"):
        zoo.load(path)
