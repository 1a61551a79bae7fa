"""The endpoints of a SavedModel that writes, where there is neither zoo nor Keras."""

import ast
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.models.cases import SMALL
from zoo.generation import Decoder, Sampling
from zoo.models import list_models
from zoo.preprocessing import IdsToText
from zoo.serving.keras_generator import suppressed_ids
from zoo.utils.special_tokens import END_ID, START_ID

# Loads with plain TensorFlow and answers the calls in a JSON file: (folder, endpoint, inputs), with
# strings in hex.
PLAIN = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["zoo"] = sys.modules["keras"] = None
import tensorflow as tf
loaded, answers = {}, []
for folder, endpoint, inputs in json.load(open(sys.argv[1])):
    if folder not in loaded:
        loaded[folder] = tf.saved_model.load(folder)
    tensors = {}
    for name, value in inputs.items():
        if isinstance(value, list):
            tensors[name] = tf.constant([bytes.fromhex(v) for v in value], tf.string, [len(value)])
        else:
            whole = name in ("max_new_tokens", "top_k", "seed")
            tensors[name] = tf.constant(value, tf.int32 if whole else tf.float32)
    try:
        given = getattr(loaded[folder], endpoint)(**tensors)
    except tf.errors.InvalidArgumentError as error:
        answers.append({"error": str(error)})
        continue
    answers.append({
        name: [v.decode() if isinstance(v, bytes) else v for v in value.numpy().tolist()]
        for name, value in given.items()
    })
print(json.dumps(answers))
"""

CAPTURED = {"capture_output": True, "text": True, "timeout": 300, "check": False}


def in_plain_tensorflow(calls, scratch: pathlib.Path):
    """The answers to calls (folder, endpoint, inputs) of a fresh process."""
    written = [
        (
            str(folder),
            endpoint,
            {k: [t.hex() for t in v] if isinstance(v, list) else v for k, v in inputs.items()},
        )
        for folder, endpoint, inputs in calls
    ]
    (scratch / "calls.json").write_text(json.dumps(written))
    ran = subprocess.run([sys.executable, "-c", PLAIN, str(scratch / "calls.json")], **CAPTURED)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


# Every architecture

CONTEXT = 16
PROMPTS = [b"The story was", b"", b"A doctor waits near the river.", b"unheard-of words"]
LONG = b" ".join([b"The music was dull."] * 20)
ODD = [b"\xff\xfe not UTF-8 \xc3", "😀 très 我喜欢 \u202e\0".encode(), b" \n\t ", LONG]
BIG = [b"word " * 200_000]
GREEDY = {"prompt": PROMPTS, "max_new_tokens": 5, "temperature": 0.0}
DRAWN = {"prompt": PROMPTS, "max_new_tokens": 5, "temperature": 0.8, "top_k": 20, "seed": 5}
TO_THE_END = {"prompt": [b""] * 8, "max_new_tokens": 12, "seed": 1}
TEXTS = [b"The story was dull.", b"", LONG, b"one"]
CALLS = {
    "greedy": ("generate", GREEDY),
    "drawn": ("generate", DRAWN),
    "ended": ("generate", TO_THE_END),
    "odd": ("generate", {"prompt": ODD, "max_new_tokens": 3}),
    "big": ("generate", {"prompt": BIG, "max_new_tokens": 2}),
    "nothing new": ("generate", {"prompt": PROMPTS, "max_new_tokens": 0}),
    "no prompts": ("generate", {"prompt": [], "max_new_tokens": 2}),
    "beyond the context": ("generate", {"prompt": [b"The"], "max_new_tokens": 3 * CONTEXT}),
    "scores": ("serve", {"text": TEXTS}),
    "no texts": ("serve", {"text": []}),
}


@pytest.fixture(scope="module")
def task(reviews):
    return zoo.tasks.text_generation(reviews, sequence_length=CONTEXT, context_length=CONTEXT)


@pytest.fixture(scope="module")
def exported(task, tmp_path_factory):
    """For each architecture the model, untrained but for a liking to end texts, and its folder."""
    scratch = tmp_path_factory.mktemp("exported")
    made = {}
    for name in list_models("language_model"):
        keras.utils.set_random_seed(0)
        model = zoo.create_model(name, **{**SMALL.get(name, {}), **task.model_arguments()})
        # Untrained, and yet no two tokens are about equally likely; a text ends now and then.
        bias = np.random.default_rng(0).normal(0, 1, model.logits.bias.shape)
        bias[END_ID] = 3.0
        model.logits.bias.assign(bias)
        folder = scratch / name / "1"
        made[name] = (model, zoo.export_saved_model(model, task, folder, jit_compile=False))
    return made


@pytest.fixture(scope="module")
def answers(exported, tmp_path_factory):
    """What a fresh process without zoo and Keras answers to all calls, by architecture."""
    calls = [(folder, *call) for _, folder in exported.values() for call in CALLS.values()]
    given = iter(in_plain_tensorflow(calls, tmp_path_factory.mktemp("calls")))
    return {name: {call: next(given) for call in CALLS} for name in exported}


every_model = pytest.mark.parametrize("name", list_models("language_model"))


def next_log_p(model, prompt, written):
    """The log-probabilities of the next token, by a pass over the whole sequence."""
    if model.is_encoder_decoder:
        inputs = {
            "token_ids": np.array([[START_ID, *written]], "int32"),
            "source_ids": np.array([prompt], "int32"),
        }
    else:
        inputs = np.array([[*prompt, *written]], "int32")
    logits = np.asarray(model(inputs, training=False))[0, -1].astype("float64")
    return logits - np.log(np.exp(logits).sum())


@every_model
def test_the_likeliest_tokens_are_those_of_whole_passes(name, exported, answers, task):
    model, _ = exported[name]
    back = IdsToText.from_text_to_ids(task.text_to_ids)
    for i, prompt in enumerate(PROMPTS):
        row = np.asarray(task.prompt_to_ids()([prompt]))[0].tolist()
        written, nats = [], 0.0
        while len(written) < 5 and END_ID not in written:
            log_p = next_log_p(model, row, written)
            allowed = log_p.copy()
            allowed[suppressed_ids(task)] = -np.inf
            written.append(int(allowed.argmax()))
            nats += log_p[written[-1]]
        continuation = back(np.array([written])).numpy()[0].decode()
        assert answers[name]["greedy"]["continuation"][i] == continuation
        assert answers[name]["greedy"]["log_probability"][i] == pytest.approx(nats, abs=1e-4)


@every_model
def test_what_is_drawn_is_what_this_process_draws(name, exported, answers, task):
    model, _ = exported[name]
    decoder = Decoder(model, end_id=END_ID, suppressed_ids=suppressed_ids(task), jit_compile=False)
    sampling = Sampling(temperature=0.8, top_k=20, seed=5)
    decode = tf.function(lambda ids: decoder(ids, 5, sampling))
    written = decode(task.prompt_to_ids()(tf.constant(PROMPTS)))
    continuations = IdsToText.from_text_to_ids(task.text_to_ids)(written["token_ids"])
    texts = task.text_to_ids.tokenizer.append(tf.constant(PROMPTS), continuations)
    given = answers[name]["drawn"]
    assert given["continuation"] == [text.decode() for text in continuations.numpy()]
    assert given["text"] == [text.decode() for text in texts.numpy()]
    np.testing.assert_allclose(
        given["log_probability"], written["log_probability"].numpy(), atol=1e-4
    )


@every_model
def test_scores_are_those_of_the_model(name, exported, answers, reviews, task):
    model, _ = exported[name]
    given = answers[name]["scores"]
    splits = {"train": reviews.train, "validation": reviews.validation}
    data = zoo.datasets.TextDataset("mine", **splits, test=zoo.datasets.Split({"text": TEXTS}))
    again = type(task).from_config(task.get_config(), data)
    evaluation = zoo.evaluate(model, again)
    nats, tokens = np.array(given["log_probability"]), np.array(given["num_tokens"])
    np.testing.assert_array_equal(tokens, again.examples("test").documents.lengths - 1)
    assert -nats.sum() / tokens.sum() == pytest.approx(evaluation.scores["loss"], rel=1e-5)
    np.testing.assert_allclose(given["perplexity"], np.exp(-nats / tokens), rtol=1e-4)


@every_model
def test_what_was_written_from_nothing_is_scored_as_it_was_written(
    name, exported, answers, tmp_path
):
    written = answers[name]["ended"]
    texts = [text.encode() for text in written["text"]]
    loaded = tf.saved_model.load(str(exported[name][1]))
    scored = loaded.signatures["serve"](text=tf.constant(texts))
    # With its end; a text that has not ended has as many tokens, and then an end it did not write.
    ended = scored["num_tokens"].numpy() <= 12
    assert ended.sum() >= 2
    np.testing.assert_allclose(
        np.array(written["log_probability"])[ended],
        scored["log_probability"].numpy()[ended],
        atol=1e-3,
    )


@every_model
def test_any_prompt_is_continued(name, answers):
    given = answers[name]
    assert all(len(given["odd"][key]) == 4 for key in given["odd"])
    assert given["odd"]["text"][0].startswith("\ufffd\ufffd not UTF-8 \ufffd")
    assert given["odd"]["text"][3].startswith(LONG.decode())
    assert given["big"]["text"][0].startswith("word word ")
    for call in ("odd", "big", "beyond the context"):
        assert np.isfinite(given[call]["log_probability"]).all()
    assert given["nothing new"] == {
        "text": [prompt.decode() for prompt in PROMPTS],
        "continuation": [""] * 4,
        "log_probability": [0.0] * 4,
        "token_ids": [[]] * 4,
        "token_log_probability": [[]] * 4,
    }
    assert given["no prompts"] == {name: [] for name in given["nothing new"]}
    assert given["no texts"] == {"log_probability": [], "perplexity": [], "num_tokens": []}


# Arguments, defaults, and ways to export, on one that was trained


@pytest.fixture(scope="module")
def variants(writing_run, tmp_path_factory):
    """One model exported in three ways, and their `generate`."""
    scratch = tmp_path_factory.mktemp("variants")
    model, task = zoo.load(writing_run)
    export = zoo.export_saved_model
    folders = {
        "jit": writing_run / "saved_model" / "1",
        "no jit": export(model, task, scratch / "plain" / "1", jit_compile=False),
        "bfloat16": export(
            model, task, scratch / "half" / "1", jit_compile=False, state_dtype="bfloat16"
        ),
    }
    return folders, {name: tf.saved_model.load(str(path)) for name, path in folders.items()}


def generate(variants, name, prompts, **arguments):
    whole = ("max_new_tokens", "top_k", "seed")
    tensors = {
        k: tf.constant(v, tf.int32 if k in whole else tf.float32) for k, v in arguments.items()
    }
    return variants[1][name].generate(prompt=tf.constant(prompts), **tensors)


@pytest.mark.parametrize("arguments", [{"temperature": 0.0}, {"seed": 3}, {"top_p": 0.9}])
def test_compiled_or_not_it_writes_the_same(variants, arguments):
    prompts = ["The story was", "", "For me"]
    compiled, plain = (
        generate(variants, name, prompts, max_new_tokens=30, **arguments)
        for name in ("jit", "no jit")
    )
    assert compiled["text"].numpy().tolist() == plain["text"].numpy().tolist()
    np.testing.assert_allclose(
        compiled["log_probability"].numpy(), plain["log_probability"].numpy(), rtol=1e-4
    )


def test_a_state_of_half_the_width_writes_too(variants):
    arguments = {"prompts": ["The story was"], "max_new_tokens": 1, "temperature": 0.0}
    half, whole = (generate(variants, name, **arguments) for name in ("bfloat16", "no jit"))
    # The first token comes from the pass over the prompt, which remembers nothing in between.
    assert half["text"].numpy().tolist() == whole["text"].numpy().tolist()
    longer = generate(variants, "bfloat16", ["The story was", ""], max_new_tokens=20)
    assert np.isfinite(longer["log_probability"].numpy()).all()
    assert all(longer["continuation"].numpy())


def test_only_the_prompt_has_to_be_given(variants):
    prompts = ["The story was", ""]
    defaults = dict(
        max_new_tokens=100, temperature=1.0, top_k=0, top_p=1.0, repetition_penalty=1.0, seed=0
    )
    given, spelled_out = (
        generate(variants, "no jit", prompts, **arguments) for arguments in ({}, defaults)
    )
    assert given["text"].numpy().tolist() == spelled_out["text"].numpy().tolist()


def test_saved_model_cli_runs_it_with_a_prompt_alone(variants):
    cli = pathlib.Path(sys.executable).parent / "saved_model_cli"
    where = ["--dir", str(variants[0]["no jit"]), "--tag_set", "serve"]
    prompt = ["--input_exprs", "prompt=['The story was']"]
    ran = subprocess.run([cli, "run", *where, "--signature_def", "generate", *prompt], **CAPTURED)
    assert ran.returncode == 0, ran.stderr
    shown = ran.stdout.split("Result for output key text:\n")[1].split("Result for output")[0]
    expected = generate(variants, "no jit", ["The story was"])
    assert ast.literal_eval(shown.strip()) == expected["text"].numpy().tolist()


def test_arguments_may_be_one_per_prompt(variants):
    """As a server hands over requests that it has batched."""
    prompts = ["The story was", "", "For me"]
    given = {
        "max_new_tokens": [5, 20, 9],
        "temperature": [1.0, 0.0, 0.7],
        "top_k": [0, 3, 5],
        "top_p": [0.9, 1.0, 1.0],
        "repetition_penalty": [1.0, 1.2, 1.0],
        "seed": [7, 8, 7],
    }
    together = generate(variants, "no jit", prompts, **given)
    for row, prompt in enumerate(prompts):
        own = {name: values[row] for name, values in given.items()}
        for arguments in (own, {name: [value] for name, value in own.items()}):
            alone = generate(variants, "no jit", [prompt], **arguments)
            assert alone["text"].numpy()[0] == together["text"].numpy()[row]
    keys = [[7, 0], [8, 0], [7, 0]]
    by_key = generate(variants, "no jit", prompts, **{**given, "seed": keys})
    assert by_key["text"].numpy().tolist() == together["text"].numpy().tolist()


def test_the_signature_of_a_server_takes_scalars_and_batches(variants):
    signature = variants[1]["no jit"].signatures["generate"]
    prompts = tf.constant(["The story was", "For me"])
    scalars = {
        "max_new_tokens": tf.constant(5),
        "min_new_tokens": tf.constant(0),
        "min_p": tf.constant(0.0),
        "temperature": tf.constant(1.0),
        "top_k": tf.constant(0),
        "top_p": tf.constant(1.0),
        "repetition_penalty": tf.constant(1.0),
        "seed": tf.constant(3),
    }
    one = signature(prompt=prompts[:1], **scalars)
    batches = {name: tf.stack([value] * 2) for name, value in scalars.items()}
    two = signature(prompt=prompts, **batches)
    assert two["text"].numpy()[0] == one["text"].numpy()[0]
    again = signature(prompt=prompts[1:], **scalars)
    assert two["text"].numpy()[1] == again["text"].numpy()[0]


@pytest.mark.parametrize("shape", [[2], [1, 1], [3, 1]])
def test_an_argument_of_another_shape_is_named(variants, shape):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        generate(variants, "no jit", ["The"] * 3, temperature=np.ones(shape))
    assert "temperature must be a scalar or one per prompt; its shape is" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_new_tokens": -1}, "max_new_tokens must be 0 or more; it is"),
        ({"temperature": -1.0}, "temperature must be 0 or more; it is"),
        ({"temperature": float("nan")}, "temperature must be 0 or more; it is"),
        ({"top_k": -2}, "top_k must be 0 (off) or more; it is"),
        ({"top_p": 7.0}, "top_p must be above 0 and at most 1; it is"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1; it is"),
        ({"repetition_penalty": 0.0}, "repetition_penalty must be above 0 (1 is none); it is"),
    ],
)
@pytest.mark.parametrize("name", ["jit", "no jit"])
def test_an_argument_out_of_range_is_named(variants, name, arguments, message):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        generate(variants, name, ["The"], **arguments)
    (value,) = arguments.values()
    assert message in str(caught.value) and f"{value:g}" in str(caught.value)


def test_only_core_ops_write(variants):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    from tensorflow.python.framework import op_def_registry

    for folder in variants[0].values():
        proto = SavedModel()
        proto.ParseFromString((folder / "saved_model.pb").read_bytes())
        graph = proto.meta_graphs[0].graph_def
        ops = {node.op for node in graph.node}
        ops |= {node.op for function in graph.library.function for node in function.node_def}
        functions = {function.signature.name for function in graph.library.function}
        assert len(ops) > 50
        assert [op for op in ops - functions if op_def_registry.get(op) is None] == []
        assert not ops & {"PyFunc", "EagerPyFunc", "WriteFile", "ReadFile"}
        assert set(proto.meta_graphs[0].signature_def) >= {"serve", "generate", "serving_default"}
