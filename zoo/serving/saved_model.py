"""From a trained model and its task to a SavedModel that takes raw text."""

import contextlib
import functools
import json
import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import Literal

import keras
import tensorflow as tf

from zoo.generation import Decoder, Sampling, sampling_warnings, text_scorer
from zoo.preprocessing import IdsToText
from zoo.serving.quantization import QUANTIZATIONS, QuantizedVariable, restored_weights
from zoo.tasks.task import Task
from zoo.training.run import EXTRA_ASSETS, task_entries
from zoo.utils import checksums, files
from zoo.utils.special_tokens import END_ID, PAD_ID, START_ID, UNKNOWN_ID

# The attribute of the SavedModel that holds the model's variables, in the model's order.
_VARIABLES = "variables_of_model"

# Tokens of a text that `serve` scores: a bound on its time.
_MAX_SCORED = 2**17


def export_saved_model(
    model: keras.Model,
    task: Task,
    path: files.StrPath,
    *,
    jit_compile: bool = True,
    state_dtype: Literal["bfloat16", "float32"] | None = None,
    quantization: str = "float32",
) -> pathlib.Path:
    """Writes a SavedModel with the preprocessing inside.

    It is made of TensorFlow's core ops: stock TensorFlow loads and serves it, with neither the zoo
    nor Keras.

    For sentiment the endpoint `serve` takes `text`, strings (B,), and gives `label`, strings (B,),
    `score`, the probability of that label (B,), and `probabilities` (B, C), in the order of the
    task's `label_names`.

    For text generation `serve` takes `text`, strings (B,), and gives `log_probability` (B,), in
    nats, `perplexity` (B,) and `num_tokens` (B,): what the model makes of each text, its end
    included where texts have one, up to 131,072 tokens, of words in its first 2 MiB. The endpoint
    `generate` takes `prompt`, strings (B,), and the scalars `max_new_tokens` (100), `temperature`
    (1.0), `top_k` (0), `top_p` (1.0), `repetition_penalty` (1.0) and `seed` (0). These defaults
    hold for whoever runs the signature, and in Python for `loaded.generate`;
    `loaded.signatures["generate"]` wants all arguments. It gives `text`, the prompts with their
    continuations, `continuation`, and `log_probability`, the logarithm of the continuation's
    probability under the model itself, all (B,). An argument out of range is an
    InvalidArgumentError that says what was expected.

    Args:
        model: a model for the task.
        task: what knows how texts are read and what answers are called.
        path: the folder to write, by custom named by a version number: `saved_model/1`. What
            stood there is replaced once the new one is whole.
        jit_compile: whether XLA compiles the steps of `generate` when it is first called for a
            number of rows: several times faster, after a few seconds. TensorFlow has XLA in it;
            TensorFlow Serving wants `--xla_cpu_compilation_enabled`.
        state_dtype: of what `generate` remembers, `"bfloat16"` for half the memory; None for the
            model's own.
        quantization: of the weights: `"float32"`; `"float16"`, half as large; or `"int8"`, where
            tables of embeddings and of logits have 8 bits an entry and a scale a row, and all
            else 16. It is computed in float32 all the same.

    Returns:
        The path.

    Raises:
        FileError: where it cannot be written.
    """
    if quantization not in QUANTIZATIONS:
        raise ValueError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}; it is {quantization!r}."
        )
    path = pathlib.Path(path)
    # Variables and tables are held, and not the layers: what Keras tracks beside them is of no use
    # to a graph, and keeps `saved_model_cli` and the C API from running it.
    module = tf.Module()
    stored = [QuantizedVariable(variable, quantization) for variable in model.variables]
    setattr(module, _VARIABLES, stored)
    module.tables = [task.text_to_ids.table]
    options = {"jit_compile": jit_compile, "state_dtype": state_dtype}

    @contextlib.contextmanager
    def with_stored_weights():
        pairs = zip(model.variables, stored, strict=True)
        mapping = [(variable, kept.restored()) for variable, kept in pairs]
        with keras.StatelessScope(state_mapping=mapping):
            yield

    weights = contextlib.nullcontext if quantization == "float32" else with_stored_weights
    endpoints = dict(_ENDPOINTS[task.head](module, model, task, weights, options))
    for name, endpoint in endpoints.items():
        setattr(module, name, endpoint)
    first = next(iter(endpoints))
    signatures = {**endpoints, "serving_default": endpoints[first]}
    with files.atomic_write(path) as new:
        try:
            tf.saved_model.save(module, str(new), signatures=signatures)
        except tf.errors.OpError as error:
            # TensorFlow writes by itself: a full disk is one of its own errors.
            reason = error.message.rpartition("; ")[-1]
            raise files.FileError(f"Cannot write {path}: {reason}.") from error
        extra = new / EXTRA_ASSETS
        extra.mkdir()
        (extra / "task.json").write_text(json.dumps(task_entries(task)), encoding="utf-8")
        config = keras.saving.serialize_keras_object(model)
        (extra / "model.json").write_text(json.dumps(config), encoding="utf-8")
        # What only TensorBoard would read, and names folders of this machine.
        shutil.rmtree(new / "debug", ignore_errors=True)
        checksums.write_manifest(new, checksums.files_in(new))
    return path


def model_from_saved_model(path: files.StrPath) -> keras.Model:
    """The Keras model that a SavedModel was made of, with the weights that it holds.

    Raises:
        FileError: where it was written by an older zoo, without the model's configuration.
        Exception: of a dozen kinds, from Keras and TensorFlow, where a file is damaged.
    """
    path = pathlib.Path(path)
    config = files.read_json(path / EXTRA_ASSETS / "model.json", "the model's configuration")
    model = keras.saving.deserialize_keras_object(config)
    weights = restored_weights(str(path / "variables" / "variables"), _VARIABLES)
    for variable, value in zip(model.variables, weights, strict=True):
        variable.assign(value)
    return model


_Endpoints = Iterator[tuple[str, Callable]]


def _traced(function: Callable, **signature: tuple[list, tf.DType]) -> Callable:
    """A function of tensors of these shapes and types, as a graph."""
    specs = [tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in signature.items()]
    options = {"input_signature": specs, "autograph": False}
    graph = tf.function(function, **options).get_concrete_function()

    # Saving traces a function with default values once more: that is to be this one, of one call.
    @functools.wraps(function)
    def called(*arguments):
        return graph(*arguments)

    endpoint = tf.function(called, **options)
    endpoint.get_concrete_function()
    return endpoint


def _classification(module, model, task, weights, options) -> _Endpoints:
    del module, options
    label_names = tf.constant(task.label_names)

    def serve(text):
        with weights():
            logits = tf.cast(model(task.text_to_ids(text), training=False), tf.float32)
        probabilities = tf.nn.softmax(logits)
        return {
            "label": tf.gather(label_names, tf.argmax(probabilities, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
        }

    yield "serve", _traced(serve, text=([None], tf.string))


def _generation(module, model, task, weights, options) -> _Endpoints:
    del module
    score = text_scorer(model, task.context_length)
    # The start token is only read.
    scored_ids = task.text_to_ids.variant(sequence_length=_MAX_SCORED + 1, name="scored_ids")

    def serve(text):
        with weights():
            log_probability, num_tokens = score(scored_ids(text))
        return {
            "log_probability": log_probability,
            "perplexity": tf.exp(-log_probability / tf.cast(num_tokens, tf.float32)),
            "num_tokens": num_tokens,
        }

    yield "serve", _traced(serve, text=([None], tf.string))

    decoder = Decoder(model, end_id=END_ID, suppressed_ids=suppressed_ids(task), **options)
    prompt_to_ids, ids_to_text = task.prompt_to_ids(), IdsToText.from_text_to_ids(task.text_to_ids)
    default, default_length = Sampling().tensors(), tf.constant(100)

    def generate(
        prompt,
        max_new_tokens=default_length,
        temperature=default.temperature,
        top_k=default.top_k,
        top_p=default.top_p,
        repetition_penalty=default.repetition_penalty,
        seed=default.seed,
    ):
        sampling = Sampling(temperature, top_k, top_p, repetition_penalty, seed)
        with tf.control_dependencies(_assertions(max_new_tokens, sampling)):
            prompt_ids, most = prompt_to_ids(tf.identity(prompt)), tf.identity(max_new_tokens)
        with weights():
            written = decoder(prompt_ids, most, sampling)
        continuation = ids_to_text(written["token_ids"])
        return {
            "text": task.text_to_ids.tokenizer.append(prompt, continuation),
            "continuation": continuation,
            "log_probability": written["log_probability"],
        }

    yield (
        "generate",
        _traced(
            generate,
            prompt=([None], tf.string),
            max_new_tokens=([], tf.int32),
            temperature=([], tf.float32),
            top_k=([], tf.int32),
            top_p=([], tf.float32),
            repetition_penalty=([], tf.float32),
            seed=([], tf.int32),
        ),
    )


def suppressed_ids(task: Task) -> list[int]:
    """The ids that stand for no text: the end too, where texts have none."""
    never = [PAD_ID, UNKNOWN_ID, START_ID]
    return never if task.text_to_ids.add_end else [*never, END_ID]


def _assertions(max_new_tokens, sampling: Sampling) -> list[tf.Operation]:
    warnings = sampling_warnings(max_new_tokens=max_new_tokens, **sampling._asdict())
    return [tf.debugging.Assert(holds, [message, value]) for holds, message, value in warnings]


_ENDPOINTS = {"classifier": _classification, "language_model": _generation}
