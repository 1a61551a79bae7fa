"""Weights that move: which ones, where to, and with whose vocabulary."""

import numpy as np
import pytest

import zoo


def gru(task, **options):
    return zoo.GRU(**{**task.model_arguments(), "embedding_dim": 16, "units": 32, **options})


def test_a_language_model_becomes_a_classifier(reviews, writing_run):
    writer, writing = zoo.load(writing_run)
    task = zoo.tasks.sentiment(reviews, vocabulary_of=writing)
    assert task.text_to_ids.vocabulary == writing.text_to_ids.vocabulary
    model = gru(task)
    head = model.logits.get_weights()
    copied = zoo.transfer_weights(writer, model)
    assert copied == ["token_embedding", "block_0"]
    for name in copied:
        pairs = zip(
            writer.get_layer(name).get_weights(), model.get_layer(name).get_weights(), strict=True
        )
        assert all(np.array_equal(one, other) for one, other in pairs)
    assert all(
        np.array_equal(one, other)
        for one, other in zip(head, model.logits.get_weights(), strict=True)
    )
    # The same features of the same ids: what was learned has moved.
    ids = task.examples("validation").sequences.padded(np.arange(4))
    np.testing.assert_allclose(writer.features(ids), model.features(ids), atol=1e-6)


def test_the_routine_begins_with_the_weights_of_a_run(reviews, writing_run):
    _, writing = zoo.load(writing_run)
    task = zoo.tasks.sentiment(reviews, vocabulary_of=writing)
    fitted = []
    for weights in (writing_run, zoo.load(writing_run)[0]):
        model = gru(task)
        # A step of no length: what it began with is what it ends with.
        zoo.fit_and_evaluate(
            model,
            task,
            initial_weights=weights,
            epochs=1,
            learning_rate=1e-30,
            verbose=False,
            test=False,
        )
        fitted.append(model.token_embedding.get_weights()[0])
    expected = zoo.load(writing_run)[0].token_embedding.get_weights()[0]
    for weights in fitted:
        np.testing.assert_array_equal(weights, expected)


def test_another_vocabulary_is_refused(reviews, writing_run):
    task = zoo.tasks.sentiment(reviews)
    with pytest.raises(ValueError, match=r"belong to another vocabulary: expected .*vocabulary_of"):
        zoo.fit_and_evaluate(gru(task), task, initial_weights=writing_run, epochs=1, verbose=False)


def test_weights_of_no_layer_in_common_are_refused(reviews, writing_run):
    _, writing = zoo.load(writing_run)
    task = zoo.tasks.sentiment(reviews, vocabulary_of=writing)
    model = gru(task, embedding_dim=5, units=7)
    with pytest.raises(ValueError, match=r"No weights of gru fit gru: expected .*, 5\); found"):
        zoo.transfer_weights(zoo.load(writing_run)[0], model)


def test_an_architecture_takes_what_it_shares_with_another(reviews, writing_run):
    """The embeddings alone, where the blocks differ."""
    _, writing = zoo.load(writing_run)
    task = zoo.tasks.sentiment(reviews, vocabulary_of=writing)
    model = zoo.LSTM(**task.model_arguments(), embedding_dim=16, units=32)
    assert zoo.transfer_weights(zoo.load(writing_run)[0], model) == ["token_embedding"]


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru", "gpt", "transformer"])
def test_all_but_the_head_moves_in_every_architecture(name):
    from tests.models.cases import SMALL

    shared = {**SMALL[name], "vocabulary_size": 20, "sequence_length": 16}
    writer = zoo.create_model(name, **shared, head="language_model", tie_embeddings=True)
    model = zoo.create_model(name, **shared, head="classifier", num_classes=3)
    copied = zoo.transfer_weights(writer, model)
    with_weights = [layer.name for layer in model.layers if layer.weights]
    # A dropout has a state, which is none of what was learned, and moves with its like.
    assert set(with_weights) - set(copied) <= {"logits"} | {
        layer for layer in with_weights if "dropout" in layer
    }
    for layer in set(copied):
        pairs = zip(
            writer.get_layer(layer).get_weights(), model.get_layer(layer).get_weights(), strict=True
        )
        assert all(np.array_equal(one, other) for one, other in pairs)
    assert "token_embedding" in copied
    assert len(copied) > 1
