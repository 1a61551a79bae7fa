"""Attention maps against what the layers themselves make of them, and the pass that they are of."""

import numpy as np
import pytest

import zoo
from tests.helpers import small_model
from zoo.inspection import passes
from zoo.inspection.attention import attention_maps

TEXT = "The music was not dull, but the story was weak."
CONTINUATION = "What counts for me is the story."


@pytest.fixture(scope="module")
def sentiment(reviews):
    return zoo.tasks.sentiment(reviews)


@pytest.fixture(scope="module")
def writing(reviews):
    return zoo.tasks.text_generation(reviews)


CASES = [
    ("gpt", {"positions": "learned"}),
    ("gpt", {"positions": "rotary", "num_key_heads": 1}),
    ("transformer", {"positions": "distance"}),
    ("transformer", {"positions": "sine"}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("head", ["classifier", "language_model"])
def test_weights_times_values_are_what_the_layer_gives(name, options, head, sentiment, writing):
    """softmax(Q K^T / sqrt(H)) V: with the maps in place of the softmax."""
    task = sentiment if head == "classifier" else writing
    model = small_model(name, task, **options)
    maps = attention_maps(model, task, TEXT)
    inputs = passes.text_pass(model, task, TEXT).inputs
    places = iter(maps.maps)
    for block, x, arguments in model.trace(inputs):
        if block is model.pooling:
            continue
        found = next(places)
        assert (found.block, found.kind) == (block.name, "self")
        y, length = block.self_norm(x), x.shape[1]
        visible = np.ones((1, length, length), bool)
        order = {"positions": np.arange(length)[None]}
        if block.causal:
            visible = np.tril(visible)
            assert not np.triu(found.weights, 1).any()
        attended = _attended(block.self_attention, y, found.weights, order["positions"])
        bias = block._bias(order["positions"], np.arange(length))
        layer = block.self_attention(y, y, visible, bias=bias, **order)
        np.testing.assert_allclose(attended, layer, atol=1e-4)
        if block.cross_attention:
            found = next(places)
            assert (found.block, found.kind) == (block.name, "source")
            x = x + layer
            source = arguments["source"]
            seen = np.ones((1, 1, source.shape[1]), bool)
            expected = block.source_attention(block.source_norm(x), source, seen)
            attended = _attended(block.source_attention, source, found.weights)
            np.testing.assert_allclose(attended, expected, atol=1e-4)
    assert next(places, None) is None
    for found in maps.maps:
        np.testing.assert_allclose(found.weights.sum(-1), 1, atol=1e-5)
        assert found.weights.shape == (2, len(found.queries), len(found.keys))


def _attended(layer, source, weights, positions=None):
    """Equation 1 with given weights (N, T, S), and the projection behind it: (1, T, D)."""
    _, values = layer.keys_and_values(source, positions)
    values = np.repeat(np.asarray(values)[0], layer.num_heads // layer.num_key_heads, axis=0)
    heads = np.concatenate(list(weights @ values), axis=-1)
    kernel, bias = (np.asarray(weight) for weight in layer.output_projection.weights)
    return (heads @ kernel + bias)[None]


@pytest.mark.parametrize("name", ["gpt", "transformer", "gru", "bag_of_words"])
def test_the_pass_is_the_model_s_own(name, sentiment):
    model = small_model(name, sentiment)
    inputs = passes.text_pass(model, sentiment, TEXT).inputs
    taken = [call for call in model.trace(inputs) if call.layer is not model.pooling]
    if taken:
        features = taken[-1].layer(taken[-1].x, **taken[-1].arguments)
    else:
        features = model.token_embedding(inputs)
    features = features if model.final_norm is None else model.final_norm(features)
    if model.pooling is None:
        features = features[:, 0]
    else:
        features = model.pooling(features, model.padding_mask(inputs))
    np.testing.assert_allclose(model.head(features), model(inputs), atol=1e-5)


def test_tokens_stand_on_their_axes(sentiment, writing):
    read = ("The", "music", "was", "not", "dull", "but", "the", "story", "was", "weak")
    maps = attention_maps(small_model("transformer", sentiment), sentiment, TEXT)
    assert maps.blocks == ("encoder_0", "encoder_1", "decoder_0", "decoder_1")
    assert maps.find("encoder_0").queries == maps.find("encoder_0").keys == read
    assert maps.find(-1, "self").queries == ("[START]",)
    assert (maps.find(-1).queries, maps.find(-1).keys) == (("[START]",), read)

    model = small_model("transformer", writing)
    maps = attention_maps(model, writing, "The music was", continuation="dull, but")
    assert maps.find("decoder_1", "source").queries == ("[START]", "dull", ",", "but")
    assert maps.find("decoder_1", "source").keys == ("[START]", "The", "music", "was")
    model = small_model("gpt", writing)
    maps = attention_maps(model, writing, "The music was", continuation="dull")
    assert maps.find(1).keys == ("[START]", "The", "music", "was", "dull")


def test_a_continuation_changes_nothing_before_it(writing):
    model = small_model("gpt", writing)
    short = attention_maps(model, writing, "The music").find(1).weights
    longer = attention_maps(model, writing, "The music", continuation="was dull").find(1).weights
    np.testing.assert_allclose(longer[:, :3, :3], short, atol=1e-5)


def test_faults_are_one_sentence(sentiment, writing):
    with pytest.raises(ValueError, match="gru has no attention to show: expected a Transformer"):
        attention_maps(small_model("gru", sentiment), sentiment, TEXT)
    with pytest.raises(ValueError, match="reads a text as a set, not token by token"):
        attention_maps(small_model("bag_of_bigrams", sentiment), sentiment, TEXT)
    gpt = small_model("gpt", sentiment)
    with pytest.raises(ValueError, match="A continuation is for a language model"):
        attention_maps(gpt, sentiment, TEXT, continuation="more")
    with pytest.raises(ValueError, match=r"no map of block 'block_9'; there are: block_0 \(self\)"):
        attention_maps(gpt, sentiment, TEXT).find("block_9")
    with pytest.raises(ValueError, match="no map of block 0 of kind 'source'"):
        attention_maps(gpt, sentiment, TEXT).find(0, "source")
    with pytest.raises(ValueError, match="gpt reads 128 tokens at most; this text has 201"):
        attention_maps(small_model("gpt", writing), writing, "dull " * 200)
