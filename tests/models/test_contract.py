"""What every registered architecture promises. Registering a model subscribes it to these tests."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.cases import SMALL
from zoo.models import create_model, list_models, model_factory
from zoo.models.heads import HEADS, TEXT_HEADS

VOCABULARY, CLASSES, LENGTHS = 40, 3, [9, 4, 1]


def ids(lengths, width=None, seed=0):
    random = np.random.default_rng(seed)
    matrix = np.zeros((len(lengths), width or max(lengths)), "int32")
    for row, length in enumerate(lengths):
        matrix[row, :length] = random.integers(1, VOCABULARY, length)
    return matrix


def made(name, **options):
    keras.utils.set_random_seed(1)
    options = {"vocabulary_size": VOCABULARY, "sequence_length": 30, **options}
    return create_model(name, **{**SMALL.get(name, {}), **options})


def numpy(x):
    return keras.ops.convert_to_numpy(x)


def declared(*heads):
    """Name and head of each architecture with one of these heads."""
    return [(name, head) for head in heads for name in list_models(head)]


@pytest.fixture(params=declared(*HEADS), ids="-".join)
def name_and_head(request):
    return request.param


@pytest.fixture(params=list_models("classifier"))
def name(request):
    """The name of an architecture with logits per text."""
    return request.param


@pytest.fixture(params=list_models("language_model"))
def writer(request):
    """The name of an architecture with logits per token, each of which depends on earlier ones."""
    return request.param


def test_the_name_of_a_factory_is_that_of_its_models(name_and_head):
    name, head = name_and_head
    model = made(name, head=head)
    assert model.name == name and getattr(model, "head_name", "classifier") == head
    assert model_factory(name).__name__.isidentifier()


def test_a_language_model_is_causal(writer):
    assert made(writer, head="language_model").causal


def test_one_answer_a_text(name):
    logits = numpy(made(name, num_classes=CLASSES)(ids(LENGTHS)))
    assert logits.shape == (len(LENGTHS), CLASSES)
    assert np.isfinite(logits).all()


def test_a_prediction_depends_on_the_text_alone(name):
    model = made(name, num_classes=CLASSES)
    together = numpy(model(ids(LENGTHS)))
    wider = numpy(model(ids(LENGTHS, width=30)))
    reordered = numpy(model(ids(LENGTHS)[::-1]))[::-1]
    np.testing.assert_allclose(wider, together, atol=1e-5)
    np.testing.assert_allclose(reordered, together, atol=1e-5)
    for row, length in enumerate(LENGTHS):
        alone = numpy(model(ids(LENGTHS)[row : row + 1, :length]))
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)


def test_it_is_a_keras_model_to_compile_and_fit_by_hand(name):
    model = made(name, num_classes=CLASSES)
    before = model.get_weights()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(ids(LENGTHS), np.array([0, 1, 2]), verbose=0)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def inputs_of(model, token_ids):
    return model.pack(token_ids, token_ids).inputs if model.is_encoder_decoder else token_ids


def test_it_comes_back_from_a_file(name_and_head, tmp_path):
    name, head = name_and_head
    model = made(name, head=head, num_classes=CLASSES)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = inputs_of(model, ids(LENGTHS))
    np.testing.assert_array_equal(numpy(again(inputs)), numpy(model(inputs)))
    # JSON knows no tuples.
    assert again.get_config() == json.loads(json.dumps(model.get_config()))


def test_every_layer_that_learns_has_a_plain_name(name_and_head):
    name, head = name_and_head
    for weight in made(name, head=head).trainable_variables:
        for part in weight.path.split("/"):
            # Keras numbers what nobody named: dense_3.
            stem = part.rstrip("0123456789").rstrip("_")
            assert part == stem or stem in {"block", "encoder", "decoder"}, weight.path


@pytest.mark.parametrize("blocks", [[9], [1] * 9, [4, 1, 4], [1, 8]])
def test_step_block_and_full_pass_agree(writer, blocks):
    model = made(writer, head="language_model")
    token_ids, source_ids = ids(LENGTHS), ids([3, 5, 2], seed=1)
    full = numpy(model.features(token_ids, source_ids))
    state = model.initial_state(len(LENGTHS), max(LENGTHS), source_ids)
    shapes = keras.tree.map_structure(lambda x: tuple(x.shape), state)
    features, start = [], 0
    for width in blocks:
        block, state = model.advance(token_ids[:, start : start + width], state)
        features.append(numpy(block))
        start += width
    assert keras.tree.map_structure(lambda x: tuple(x.shape), state) == shapes
    features = np.concatenate(features, axis=1)
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(features[row, :length], full[row, :length], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "head"), declared(*(head for head in HEADS if head not in TEXT_HEADS))
)
def test_the_head_gives_a_logit_for_each_id(name, head):
    model = made(name, head=head, num_classes=CLASSES)
    token_ids, source_ids = ids(LENGTHS), ids([3, 5, 2], seed=1)
    logits = numpy(model.head(model.features(token_ids, source_ids)))
    assert logits.shape == (*token_ids.shape, CLASSES if head == "tagger" else VOCABULARY)
    inputs = token_ids
    if isinstance(model.input, dict):
        inputs = {"token_ids": token_ids, "source_ids": source_ids}
    np.testing.assert_allclose(numpy(model(inputs)), logits, atol=1e-6)


def test_no_position_depends_on_what_follows(writer):
    model = made(writer, head="language_model")
    token_ids, source_ids = ids([9]), ids([5], seed=1)
    changed = token_ids.copy()
    changed[:, 5:] = (changed[:, 5:] + 7) % (VOCABULARY - 1) + 1
    before, after = (numpy(model.features(x, source_ids)) for x in (token_ids, changed))
    np.testing.assert_array_equal(before[:, :5], after[:, :5])
    assert not np.array_equal(before[:, 5:], after[:, 5:])


def test_what_a_prompt_is_begun_with_is_what_a_whole_pass_gives(writer):
    model = made(writer, head="language_model")
    prompt = ids(LENGTHS)
    features, state = model.prefill(prompt, 20)
    if model.is_encoder_decoder:
        start = np.full((len(LENGTHS), 1), 2, "int32")
        expected = numpy(model.features(start, prompt))[:, 0]
        assert numpy(state["position"]).tolist() == [1] * len(LENGTHS)
    else:
        full = numpy(model.features(prompt))
        expected = np.stack([full[row, length - 1] for row, length in enumerate(LENGTHS)])
        assert numpy(state["position"]).tolist() == LENGTHS
    np.testing.assert_allclose(numpy(features), expected, atol=1e-5, rtol=1e-5)


def test_more_room_changes_no_feature(writer):
    model = made(writer, head="language_model")
    token_ids, source_ids = ids(LENGTHS), ids([3, 5, 2], seed=1)
    full = numpy(model.features(token_ids, source_ids))
    state = model.initial_state(len(LENGTHS), 4, source_ids)
    first, state = model.advance(token_ids[:, :4], state)
    state = model.grow_cache(state, 6)
    second, _ = model.advance(token_ids[:, 4:], state)
    features = np.concatenate([numpy(first), numpy(second)], axis=1)
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(features[row, :length], full[row, :length], atol=1e-5, rtol=1e-5)


def test_no_gradient_comes_from_what_follows(writer):
    model = made(writer, head="language_model")
    token_ids = np.arange(4, 12, dtype="int32")[None]
    table = model.token_embedding.trainable_variables[0].value
    with tf.GradientTape(persistent=True) as tape:
        features = model.features(token_ids, np.full((1, 5), 30))
        read = [tf.reduce_sum(features[:, place] ** 2) for place in (0, 3, 7)]
    for place, of in zip((0, 3, 7), read, strict=True):
        gradient = numpy(tf.convert_to_tensor(tape.gradient(of, table)))
        assert np.abs(gradient[4 + place]).max() > 0, "the position itself"
        np.testing.assert_array_equal(gradient[4 + place + 1 : 12], 0)


def advanced(model, token_ids, source_ids, blocks):
    """Features of blocks of so many tokens, read one after the other."""
    state = model.initial_state(len(token_ids), sum(blocks), source_ids)
    features, start = [], 0
    for width in blocks:
        block, state = model.advance(token_ids[:, start : start + width], state)
        features.append(numpy(block))
        start += width
    return np.concatenate(features, axis=1)


def test_packed_inputs_predict_each_token_from_those_before_it(writer):
    """The loss of a continuation is that of decoding it step by step."""
    model = made(writer, head="language_model")
    prefix, continuation = ids([3, 5, 1], seed=1), ids(LENGTHS)
    packed = model.pack(prefix, continuation)
    logits = numpy(model(packed.inputs))
    asked = [packed.targets[row][packed.is_asked[row]] for row in range(len(LENGTHS))]
    for row, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(asked[row], continuation[row, :length])
    features, state = model.prefill(prefix, 20)
    for place in range(max(LENGTHS)):
        expected = numpy(model.head(features))
        for row, length in enumerate(LENGTHS):
            if place < length:
                found = logits[row][packed.is_asked[row]][place]
                np.testing.assert_allclose(found, expected[row], atol=1e-4)
        features, state = model.advance(continuation[:, place : place + 1], state)
        features = features[:, 0]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gpt", {"positions": "rotary", "num_key_heads": 1}),
        ("gpt", {"positions": "learned", "num_key_heads": 1}),
        ("gpt", {"tie_embeddings": True}),
        ("lstm", {"tie_embeddings": True}),
        ("transformer", {"tie_embeddings": True, "positions": "sine"}),
    ],
)
def test_options_keep_the_contract(name, options, tmp_path):
    model = made(name, head="language_model", **options)
    token_ids, source_ids = ids(LENGTHS), ids([3, 5, 2], seed=1)
    full = numpy(model.features(token_ids, source_ids))
    for blocks in ([1] * 9, [4, 1, 4]):
        given = advanced(model, token_ids, source_ids, blocks)
        for row, length in enumerate(LENGTHS):
            np.testing.assert_allclose(
                given[row, :length], full[row, :length], atol=1e-5, rtol=1e-5
            )
    logits = numpy(model.head(full))
    assert logits.shape == (*token_ids.shape, VOCABULARY)
    if options.get("tie_embeddings") and name == "gpt":
        table = numpy(model.token_embedding.trainable_variables[0])
        np.testing.assert_allclose(logits, full @ table.T, atol=1e-4)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numpy(again.head(full)), logits, atol=1e-6)
