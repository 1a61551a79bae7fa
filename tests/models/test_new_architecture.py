"""An architecture is one file: an attention-pooled GRU, written here alone, passes everywhere."""

import json

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.helpers import FIT
from zoo.inspection import attention_maps, gate_activity, plots
from zoo.layers import masked_softmax
from zoo.models import register_model
from zoo.models.recurrent import recurrent_model


@keras.saving.register_keras_serializable(package="tests")
class AttentionPooling(keras.layers.Layer):
    """The average of a text's features, weighted by a learned score (Yang et al. 2016, eq. 5-7)."""

    def __init__(self, width: int, *, name: str = "pooling", **kwargs):
        super().__init__(name=name, **kwargs)
        self.width = width
        self.hidden = keras.layers.Dense(width, activation="tanh", name="hidden")
        self.score = keras.layers.Dense(1, use_bias=False, name="score")

    def build(self, features_shape, padding_mask_shape=None):
        self.hidden.build(features_shape)
        self.score.build((*features_shape[:-1], self.width))

    def call(self, features, padding_mask):
        weights = self.attention_weights(features, padding_mask)["pooling"][:, 0]
        return ops.matmul(weights, features)[:, 0]

    def attention_weights(self, features, padding_mask):
        scores = ops.transpose(self.score(self.hidden(features)), (0, 2, 1))
        return {"pooling": masked_softmax(scores, padding_mask[:, None])[:, None]}

    def compute_output_shape(self, features_shape, padding_mask_shape):
        return (features_shape[0], features_shape[-1])

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@pytest.fixture
def registered(monkeypatch):
    """The factory, in the registry for one test."""
    registry = zoo.models.registry
    registry._FACTORIES.names()
    monkeypatch.setattr(registry._FACTORIES, "_makers", dict(registry._FACTORIES._makers))
    monkeypatch.setattr(registry, "_FACTS", dict(registry._FACTS))

    @register_model(heads=("classifier",))
    def AttentionGRU(*, attention_width: int = 8, name: str = "attention_gru", **options):
        """A GRU whose states are reduced by attention."""
        pooling = AttentionPooling(attention_width)
        return recurrent_model("gru", pooling=pooling, name=name, **options)

    return AttentionGRU


def test_an_attention_pooled_gru_is_one_factory_and_one_layer(registered, reviews, tmp_path):
    task = zoo.tasks.sentiment(reviews)
    assert "attention_gru" in zoo.list_models("classifier")
    model = zoo.models.model_factory("attention_gru")(
        **task.model_arguments(), attention_width=4, embedding_dim=8, units=6
    )
    zoo.fit_and_evaluate(model, task, epochs=1, log_dir=tmp_path, test=False, **FIT)
    again, its_task = zoo.load(tmp_path)
    # JSON knows no tuples.
    assert again.pooling.width == 4 and again.get_config() == json.loads(
        json.dumps(model.get_config())
    )
    text = reviews.test.texts[0]
    ids = np.asarray(task.text_to_ids([text]))
    np.testing.assert_array_equal(again(ids), model(ids))

    maps = attention_maps(again, its_task, text)
    found = maps.find("pooling")
    assert found.kind == "pooling" and found.weights.shape == (1, 1, ids.shape[1])
    assert found.queries == ("pooling",) and len(found.keys) == ids.shape[1]
    features = np.asarray(again.features(ids))[0]
    np.testing.assert_allclose(again.head(found.weights[0] @ features), again(ids), atol=1e-5)
    assert plots.attention(maps, "pooling")
    assert gate_activity(again, its_task, text).find("block_0/forward").gates

    zoo.export_saved_model(again, its_task, tmp_path / "saved_model" / "1")
    (answer,) = zoo.pipeline("sentiment-analysis", tmp_path)([text])
    probabilities = np.asarray(keras.ops.softmax(model(ids)))[0]
    assert answer["score"] == pytest.approx(probabilities.max(), abs=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class LeakyCell(keras.layers.Layer):
    """A cell of one's own: h_t = h_(t-1) / 2 + W x_t."""

    def __init__(self, units: int, *, kernel_regularizer=None, name: str | None = None, **kwargs):
        for unused in ("recurrent_initializer", "recurrent_regularizer"):
            kwargs.pop(unused, None)
        super().__init__(name=name, **kwargs)
        self.units = self.state_size = units
        self.product = keras.layers.Dense(
            units, use_bias=False, kernel_regularizer=kernel_regularizer, name="product"
        )

    def build(self, x_shape):
        self.product.build(x_shape)

    def call(self, x, states, training=None):
        (state,) = states if isinstance(states, (list, tuple)) else [states]
        state = state / 2 + self.product(x)
        return state, [state]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_recurrent_block_takes_a_registered_cell(tmp_path):
    model = recurrent_model(
        LeakyCell, vocabulary_size=9, units=3, head="language_model", name="leaky"
    )
    ids = np.array([[2, 5, 7, 4], [2, 8, 0, 0]], "int32")
    full = np.asarray(model.features(ids))
    state = model.initial_state(2, 4)
    parts = []
    for place in range(4):
        step, state = model.advance(ids[:, place : place + 1], state)
        parts.append(np.asarray(step))
    steps = np.concatenate(parts, axis=1)
    np.testing.assert_allclose(steps[0], full[0], atol=1e-6)
    np.testing.assert_allclose(steps[1, :2], full[1, :2], atol=1e-6)
    block, _ = model.advance(ids, model.initial_state(2, 4))
    np.testing.assert_allclose(np.asarray(block)[0], full[0], atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(ids), model(ids))


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match=r"cell must be one of simple_rnn, lstm, gru, or a class"):
        zoo.layers.RecurrentBlock("elman", 3)
