"""A Keras model of one's own for a task: what it may end in, and what is refused."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.models.suited_model import depends_on_padding, suited_model

V = 30
ARGUMENTS = {"vocabulary_size": V, "head": "classifier", "num_classes": 2}
IDS = np.array([[5, 9, 2, 29], [7, 3, 0, 0]], "int32")


def sequential(*last, vocabulary_size=V, **options):
    embedding = layers.Embedding(vocabulary_size, 4, mask_zero=True)
    return keras.Sequential([embedding, layers.GlobalAveragePooling1D(), *last], **options)


class Mine(keras.Model):
    """A subclass, whose outputs are known once it is called."""

    def __init__(self, last, after=lambda outputs: outputs, vocabulary_size=V):
        super().__init__()
        self.embedding = layers.Embedding(vocabulary_size, 4)
        self.last = last
        self.after = after

    def call(self, token_ids):
        return self.after(self.last(keras.ops.sum(self.embedding(token_ids), axis=1)))


def probabilities(model):
    return np.asarray(keras.ops.softmax(model(IDS)))


def sigmoid():
    return layers.Dense(1, activation="sigmoid", bias_initializer="ones")


@pytest.mark.parametrize("make", [sequential, Mine], ids=["Sequential", "subclass"])
def test_one_sigmoid_is_the_probability_of_the_second_class(make):
    mine = make(sigmoid())
    suited = suited_model(mine, **ARGUMENTS)
    expected = np.asarray(mine(IDS))[:, 0]
    np.testing.assert_allclose(probabilities(suited)[:, 1], expected, rtol=1e-5)
    assert suited.name == mine.name
    assert [id(v) for v in suited.variables] == [id(v) for v in mine.variables]


@pytest.mark.parametrize("make", [sequential, Mine], ids=["Sequential", "subclass"])
def test_a_softmax_is_kept_as_it_is(make):
    mine = make(layers.Dense(2, activation="softmax"))
    np.testing.assert_allclose(probabilities(suited_model(mine, **ARGUMENTS)), mine(IDS), rtol=1e-5)
    unnamed = Mine(layers.Dense(2), keras.ops.softmax)
    suited = suited_model(unnamed, **ARGUMENTS)
    np.testing.assert_allclose(probabilities(suited), unnamed(IDS), rtol=1e-5)


def test_one_logit_is_that_of_the_second_class():
    mine = sequential(layers.Dense(1))
    logits = np.asarray(suited_model(mine, **ARGUMENTS)(IDS))
    np.testing.assert_array_equal(logits[:, 0], 0)
    np.testing.assert_array_equal(logits[:, 1], mine(IDS)[:, 0])


@pytest.mark.parametrize("make", [sequential, Mine], ids=["Sequential", "subclass"])
def test_a_model_that_ends_in_logits_is_the_given_one(make):
    mine = make(layers.Dense(2))
    assert suited_model(mine, **ARGUMENTS) is mine
    lstm = zoo.LSTM(vocabulary_size=V, units=2, num_classes=2)
    assert suited_model(lstm, **ARGUMENTS) is lstm
    large = zoo.LSTM(vocabulary_size=V + 5, units=2, num_classes=2)
    assert suited_model(large, **ARGUMENTS) is large
    number = sequential(layers.Dense(1))
    assert suited_model(number, **{**ARGUMENTS, "head": "regressor", "num_classes": 1}) is number


TOO_SMALL = r"must have a row for each of the 30 token ids of the task; it has 10\. Create"
SHAPE = r"must have the shape \(batch, 2\) for this task; it is \(batch, {}\)\. Create the model"
REFUSED = {
    "three classes": (lambda: sequential(layers.Dense(3)), SHAPE.format(3)),
    "three classes, subclass": (lambda: Mine(layers.Dense(3)), SHAPE.format(3)),
    "three classes, of the zoo": (
        lambda: zoo.GRU(vocabulary_size=V, units=2, num_classes=3),
        SHAPE.format(3),
    ),
    "an output per token": (
        lambda: keras.Sequential([layers.Embedding(V, 4), layers.Dense(2)]),
        SHAPE.format("tokens, 2"),
    ),
    "a language model": (
        lambda: zoo.GRU(vocabulary_size=V, units=2, head="language_model"),
        SHAPE.format("tokens, 30"),
    ),
    "few ids": (lambda: sequential(layers.Dense(2), vocabulary_size=10), TOO_SMALL),
    "few ids, of the zoo": (lambda: zoo.GRU(vocabulary_size=10, units=2), TOO_SMALL),
    "few ids, subclass": (
        lambda: Mine(layers.Dense(2), vocabulary_size=10),
        "must read token ids, int32 .batch, tokens., up to the size of the vocabulary; it fails: ",
    ),
    "one width": (
        lambda: keras.Sequential([keras.Input((200,)), layers.Embedding(V, 4), layers.Flatten()]),
        r"must read token ids of any length, .* its input is float32 of shape \(None, 200\)",
    ),
    "strings": (
        lambda: keras.Sequential([keras.Input((None,), dtype="string"), layers.Flatten()]),
        r"must read token ids of any length, .* its input is string of shape \(None, None\)",
    ),
    "two sigmoids": (
        lambda: sequential(layers.Dense(2, activation="sigmoid")),
        "must end in logits, or in probabilities that sum to 1; its last layer has the activation",
    ),
    "one number of any kind": (
        lambda: Mine(layers.Dense(1), keras.ops.sigmoid),
        "whether that is a probability is not known",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_does_not_suit_its_task_is_refused(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        suited_model(make(), **ARGUMENTS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: zoo.GRU(vocabulary_size=V + 1, units=2, head="language_model"),
            r"\(batch, tokens, 30\) for this task; it is \(batch, tokens, 31\)",
        ),
        (
            lambda: keras.Sequential([layers.Embedding(V, 4), layers.Dense(V)]),
            r"must be a zoo\.SequenceModel to predict tokens",
        ),
    ],
)
def test_a_language_model_predicts_the_tokens_of_its_task(make, message):
    with pytest.raises(ValueError, match=message):
        suited_model(make(), vocabulary_size=V, head="language_model")


def test_padding_that_changes_outputs_is_seen():
    unmasked = keras.Sequential(
        [layers.Embedding(V, 4), layers.GlobalAveragePooling1D(), layers.Dense(2)]
    )
    unmasked.build((None, None))
    unmasked.set_weights([np.ones_like(weight) for weight in unmasked.get_weights()])
    unmasked.layers[0].embeddings.assign(np.arange(V * 4).reshape(V, 4))
    assert depends_on_padding(unmasked)
    assert not depends_on_padding(sequential(layers.Dense(2)))
    assert not depends_on_padding(zoo.GRU(vocabulary_size=V, units=2))


def test_a_tagger_has_an_output_per_class_and_token():
    arguments = {**ARGUMENTS, "head": "tagger", "num_classes": 5, "sequence_length": 9}
    tagger = keras.Sequential([layers.Embedding(V, 4), layers.Dense(5)])
    assert suited_model(tagger, **arguments) is tagger
    with pytest.raises(ValueError, match=r"\(batch, tokens, 4\) for this task; it is .* 5\)"):
        suited_model(tagger, **{**arguments, "num_classes": 4})
