"""Options of the factories, and names that are wrong."""

import keras
import numpy as np
import pytest

import zoo
from zoo.registry import UnknownNameError

IDS = np.array([[3, 4, 5, 0], [6, 0, 0, 0]], "int32")


def test_a_model_that_reads_both_ways_cannot_be_advanced():
    model = zoo.LSTM(vocabulary_size=10, units=3, bidirectional=True)
    assert not model.causal
    with pytest.raises(ValueError, match=r"reads in both directions.*bidirectional=False"):
        model.initial_state(1, 4)


def test_an_encoder_decoder_asks_for_its_source():
    model = zoo.Transformer(vocabulary_size=10, embedding_dim=8, head="language_model")
    with pytest.raises(ValueError, match=r"its state needs source_ids"):
        model.initial_state(1, 4)


def test_penalties_enter_the_training_loss():
    plain = zoo.GRU(vocabulary_size=10, units=3)
    plain(IDS)
    assert plain.losses == []
    penalized = zoo.GRU(vocabulary_size=10, units=3, l1=0.5, l2=0.25)
    penalized(IDS)
    kernels = [
        keras.ops.convert_to_numpy(w) for w in penalized.trainable_variables if "kernel" in w.name
    ]
    expected = sum(0.5 * np.abs(k).sum() + 0.25 * (k**2).sum() for k in kernels)
    assert len(kernels) == 3
    np.testing.assert_allclose(sum(map(float, penalized.losses)), expected, rtol=1e-5)


def test_dropout_is_for_training_only():
    model = zoo.SimpleRNN(vocabulary_size=10, units=3, embedding_dropout=0.5, dropout=0.5)
    np.testing.assert_array_equal(model(IDS), model(IDS))
    assert not np.array_equal(model(IDS, training=True), model(IDS, training=True))


def test_wrong_names_are_told_with_the_right_ones():
    with pytest.raises(UnknownNameError, match=r"Unknown model 'ltsm'.*gru, lstm.*mean 'lstm'"):
        zoo.create_model("ltsm", vocabulary_size=10)
    with pytest.raises(UnknownNameError, match=r"argument of lstm 'unit'.*Did you mean 'units'"):
        zoo.create_model("lstm", vocabulary_size=10, unit=3)
    with pytest.raises(
        ValueError,
        match=(
            r"head must be one of classifier, regressor, language_model, tagger, masked; "
            r"it is 'word'"
        ),
    ):
        zoo.LSTM(vocabulary_size=10, head="word")
    with pytest.raises(ValueError, match=r"multiple of num_heads; 10 is not one of 4"):
        zoo.Transformer(vocabulary_size=10, embedding_dim=10, num_heads=4)
    with pytest.raises(ValueError, match=r"multiple of num_heads; 10 is not one of 4"):
        zoo.GPT(vocabulary_size=10, sequence_length=4, embedding_dim=10, num_heads=4)
    with pytest.raises(ValueError, match=r"multiple of num_key_heads; 2 is not one of 3"):
        zoo.GPT(vocabulary_size=10, sequence_length=4, num_heads=2, num_key_heads=3)
    with pytest.raises(ValueError, match=r"gpt needs sequence_length.*it is None"):
        zoo.GPT(vocabulary_size=10)
    with pytest.raises(ValueError, match=r"positions must be one of learned, rotary; it is 'sine'"):
        zoo.GPT(vocabulary_size=10, sequence_length=4, positions="sine")
    with pytest.raises(ValueError, match=r"tie_embeddings asks for head='language_model'"):
        zoo.GRU(vocabulary_size=10, tie_embeddings=True)
    with pytest.raises(ValueError, match=r"tie_embeddings asks for head='language_model'"):
        zoo.GPT(vocabulary_size=10, sequence_length=4, tie_embeddings=True)
    with pytest.raises(AttributeError, match=r"no attribute 'LSTMM'"):
        _ = zoo.LSTMM


def test_public_names_are_listed():
    assert {"LSTM", "GRU", "SimpleRNN", "Transformer", "fit_and_evaluate"} <= set(dir(zoo))
    assert zoo.LSTM.__doc__


@pytest.mark.parametrize("positions", ["distance", "sine"])
def test_a_transformer_knows_the_order_of_tokens(positions):
    keras.utils.set_random_seed(0)
    model = zoo.Transformer(vocabulary_size=10, embedding_dim=8, positions=positions)
    one, other = np.array([[3, 4, 5, 6]]), np.array([[4, 3, 5, 6]])
    assert not np.allclose(model(one), model(other), atol=1e-5)


def test_a_bag_of_words_does_not():
    model = zoo.BagOfWords(vocabulary_size=10)
    np.testing.assert_allclose(
        model(np.array([[3, 4, 5]])), model(np.array([[5, 3, 4]])), atol=1e-6
    )
