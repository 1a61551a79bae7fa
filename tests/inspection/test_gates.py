"""Gates and states against the layers' own outputs."""

import numpy as np
import pytest

import zoo
from tests.helpers import small_model
from zoo.inspection import passes
from zoo.inspection.gates import gate_activity

TEXT = "The music was not dull, but the story was weak."
GATES = {
    "simple_rnn": ["absolute state"],
    "gru": ["update z", "reset r"],
    "lstm": ["input", "forget", "output"],
}


@pytest.fixture(scope="module")
def task(reviews):
    return zoo.tasks.sentiment(reviews)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", GATES)
def test_states_are_the_layer_s_own(cell, bidirectional, task):
    model = small_model(cell, task, bidirectional=bidirectional)
    activity = gate_activity(model, task, TEXT)
    directions = ["forward", "backward"][: 1 + bidirectional]
    assert [layer.name for layer in activity.layers] == [
        f"block_{index}/{direction}" for index in (0, 1) for direction in directions
    ]
    inputs = passes.text_pass(model, task, TEXT).inputs
    calls = [call for call in model.trace(inputs) if call.layer in model.blocks]
    for index, (block, x, arguments) in enumerate(calls):
        features = np.asarray(block(x, **arguments))[0]
        layers = activity.layers[index * len(directions) :][: len(directions)]
        states = np.concatenate([layer.states for layer in layers], axis=-1)
        np.testing.assert_allclose(states, features, atol=1e-5)
    assert activity.tokens[:3] == ("The", "music", "was")
    for layer in activity.layers:
        assert list(layer.gates) == GATES[cell]
        for values in layer.gates.values():
            assert values.shape == layer.states.shape == (len(activity.tokens), 6)
            assert values.min() >= 0 and values.max() <= 1 and values.std() > 0.01
        np.testing.assert_allclose(layer.state_norm, np.sqrt((layer.states**2).sum(1)))


@pytest.mark.parametrize(
    ("cell", "gate", "part", "shut"),
    [
        # A unit that keeps its state stays at 0, where it began; so does one that nothing enters,
        # or that shows nothing.
        ("gru", "update z", 0, False),
        ("lstm", "input", 0, True),
        ("lstm", "output", 3, True),
    ],
)
def test_a_gate_does_what_its_name_says(cell, gate, part, shut, task):
    model = small_model(cell, task, num_layers=1)
    *kernels, bias = model.blocks[0].forward.get_weights()
    bias[..., part * 6 : (part + 1) * 6] = -40 if shut else 40
    model.blocks[0].forward.set_weights([*kernels, bias])
    (layer,) = gate_activity(model, task, TEXT).layers
    np.testing.assert_allclose(layer.gates[gate], 0 if shut else 1, atol=1e-6)
    np.testing.assert_allclose(layer.states, 0, atol=1e-6)
    others = [values for name, values in layer.gates.items() if name != gate]
    assert all(0.01 < values.mean() < 0.99 for values in others)


def test_a_memory_that_is_forgotten_is_that_of_one_token(task):
    """With the forget gate and the state's weights at nothing, each token is read alone."""
    model = small_model("lstm", task, num_layers=1)
    kernel, recurrent, bias = model.blocks[0].forward.get_weights()
    bias[6:12] = -40
    model.blocks[0].forward.set_weights([kernel, 0 * recurrent, bias])
    (layer,) = gate_activity(model, task, "dull story dull").layers
    np.testing.assert_allclose(layer.gates["forget"], 0, atol=1e-6)
    np.testing.assert_allclose(layer.states[0], layer.states[2], atol=1e-6)
    assert abs(layer.states[0] - layer.states[1]).max() > 0.01


def test_a_writer_has_gates_too(reviews):
    task = zoo.tasks.text_generation(reviews)
    activity = gate_activity(small_model("gru", task), task, "The music")
    assert activity.tokens == ("[START]", "The", "music")
    assert activity.find(-1) is activity.find("block_1/forward")
    with pytest.raises(ValueError, match="no layer 'block_2'; there are: block_0/forward, block_1"):
        activity.find("block_2")


@pytest.mark.parametrize("name", ["gpt", "bag_of_words"])
def test_other_models_have_no_gates(name, task):
    with pytest.raises(ValueError, match=f"{name} has no gates to show: expected a SimpleRNN"):
        gate_activity(small_model(name, task), task, TEXT)
