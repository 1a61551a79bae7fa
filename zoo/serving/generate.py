"""Text generation: continuations of prompts, and the probability of texts."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.generation import (
    NEW_TOKENS,
    BeamSearch,
    Decoder,
    Sampler,
    Sampling,
    check_sampling,
    sampling_warnings,
    seed_keys,
    text_scorer,
)
from zoo.preprocessing import IdsToText
from zoo.serving.generator_process import KerasGeneratorProcess
from zoo.serving.kind import ServedModel, register_kind, trace
from zoo.serving.loading import load
from zoo.serving.texts import AnyTexts
from zoo.tasks.batches import sorted_batches
from zoo.utils import files
from zoo.utils.special_tokens import END_ID, PAD_ID, START_ID, UNKNOWN_ID

# Prompts that are continued at a time, and texts that are scored at a time.
_BATCH_SIZE = 64

_DEFAULT = Sampling()

# Tokens of a text that `serve` scores: a bound on its time.
_MAX_SCORED = 2**17


@register_kind
class TextGenerator(ServedModel):
    """Continues prompts and scores texts with the endpoints of a SavedModel.

    `serve` takes `text`, strings (B,), and returns `log_probability` (B,), in nats, `perplexity`
    (B,) and `num_tokens` (B,): of each text, its end included where texts have one, up to 131,072
    tokens, of words in its first 2 MiB. The perplexity of a text without a token is 1.

    `generate` takes `prompt`, strings (B,), and `max_new_tokens` (100), `temperature` (1.0),
    `top_k` (0), `top_p` (1.0), `repetition_penalty` (1.0) and `seed` (0), each a scalar or one per
    prompt (B,), so that a server can batch requests. A scalar `seed` is the key (seed, i) of prompt
    i, one per prompt the key (seed, 0), as for a prompt alone; keys may also be given, (B, 2).
    These are the defaults of the signature, and in Python of `loaded.generate`;
    `loaded.signatures["generate"]` needs all arguments. It returns `text`, the prompts with their
    continuations, `continuation`, and `log_probability`, of the continuation under the model
    itself, all (B,). An argument out of range is an InvalidArgumentError that says what was
    expected.

    Beam search, a ban on repeated n-grams and streaming use the Keras model, which is loaded when
    one of them is first requested.

    Args:
        path: a SavedModel, the folder of a run, or the name of a pretrained model.

    Raises:
        ModelNotFoundError: if there is no model at `path`.
        FileError: if it is damaged or of another kind.
    """

    kind = "generate"
    purpose = "text generation"
    task_attributes = ("text_to_ids", "context_length", "prompt_to_ids", "examples", "score")

    @classmethod
    def endpoints(cls, model, task, weights, **options):
        yield "serve", _scoring(model, task, weights)
        yield "generate", _generation(model, task, weights, options)

    def __call__(
        self,
        prompts: AnyTexts,
        *,
        max_new_tokens: int = NEW_TOKENS,
        temperature: float = _DEFAULT.temperature,
        top_k: int = _DEFAULT.top_k,
        top_p: float = _DEFAULT.top_p,
        repetition_penalty: float = _DEFAULT.repetition_penalty,
        seed: int | Sequence[int] = _DEFAULT.seed,
        no_repeat_ngram_size: int = 0,
        num_beams: int = 1,
    ):
        """Continues one prompt or many.

        Args:
            prompts: a string, or any iterable of strings. An empty one begins a text. A prompt
                that is longer than the model can read is read from its last tokens.
            max_new_tokens: maximum number of new tokens.
            temperature: sampling temperature, which divides the logits; 0 for greedy decoding.
            top_k: number of most probable tokens to sample from; 0 for all.
            top_p: total probability of the most probable tokens to sample from; 1 for all.
            repetition_penalty: penalty on tokens that the text already contains; 1 for none.
            seed: sampling seed, or one per prompt. The same seed gives the same text in every
                process, streamed or not, compiled or not. Prompt i of a call with one seed is drawn
                with the key (seed, i), a prompt with a seed to itself with (seed, 0).
            no_repeat_ngram_size: size of n-grams that must not repeat; 0 for no limit.
            num_beams: number of beams; above 1, beam search replaces sampling.

        Returns:
            For one prompt a dict with `text`, the prompt and its continuation, `continuation`, and
            `log_probability` of the continuation under the model itself, in nats; for an iterable
            a list of such.

        Raises:
            ValueError: for an argument out of range.
            TypeError: for prompts that are no strings.
        """
        options = check_sampling(
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            seed=seed,
            no_repeat_ngram_size=no_repeat_ngram_size,
            num_beams=num_beams,
        )
        read = self._read(prompts, "prompts")
        given = read.encode()
        keys = seed_keys(options.pop("seed"), len(given))
        answers: list[dict[str, Any]] = []
        for start in range(0, len(given), _BATCH_SIZE):
            batch = slice(start, start + _BATCH_SIZE)
            written = self._generate(given[batch], {**options, "seed": keys[batch]})
            texts, continuations = (
                [text.decode("utf-8", "replace") for text in written[key].numpy()]
                for key in ("text", "continuation")
            )
            nats = written["log_probability"].numpy().tolist()
            answers += [
                {"text": text, "continuation": continuation, "log_probability": value}
                for text, continuation, value in zip(texts, continuations, nats, strict=True)
            ]
        return answers[0] if read.is_single else answers

    def _generate(self, prompts: list[bytes], options: dict[str, Any]):
        options = dict(options)
        ngram, beams = options.pop("no_repeat_ngram_size"), options.pop("num_beams")
        most = tf.constant(options.pop("max_new_tokens"), tf.int32)
        sampling = Sampling(**options).tensors()
        if ngram or beams > 1:
            return self._keras.generate(prompts, ngram, beams, most, sampling)
        return self._call(
            "generate", prompt=tf.constant(prompts), max_new_tokens=most, **sampling._asdict()
        )

    def stream(self, prompt: str | bytes, **options) -> Iterator[str]:
        """Continues a prompt and yields its continuation piece by piece.

        Args:
            prompt: a string.
            **options: those of a call, but for `num_beams`.

        Yields:
            Strings that add up to the continuation that a call with these options returns.

        Raises:
            ValueError: for an argument out of range.
        """
        if options.get("num_beams", 1) > 1:
            raise ValueError(
                "num_beams must be 1 for streaming, because beams are compared at the end."
            )
        read = self._read(prompt, "prompt")
        if not read.is_single:
            raise TypeError(f"prompt must be one string; it is of type {type(prompt).__name__}.")
        (text,) = read.encode()
        options = check_sampling(**options)
        del options["num_beams"]
        ngram, most = options.pop("no_repeat_ngram_size"), options.pop("max_new_tokens")
        options["seed"] = seed_keys(options["seed"], 1)
        return self._keras.stream(text, ngram, most, Sampling(**options).tensors())

    @functools.cached_property
    def _keras(self) -> "_KerasGenerator | KerasGeneratorProcess":
        if keras.backend.backend() != "tensorflow":
            return KerasGeneratorProcess(self._path)
        return keras_generator(self._path)

    def score(self, texts: AnyTexts) -> tuple[np.ndarray, np.ndarray]:
        """(log-probability in nats, tokens scored), each (N,), of N texts; one string is one."""
        given = self._read(texts).encode()
        nats, num_tokens = np.zeros(len(given)), np.zeros(len(given), "int64")
        lengths = np.array([len(text) for text in given], "int64")
        for indices in sorted_batches(lengths, _BATCH_SIZE):
            batch = tf.constant([given[i] for i in indices])
            scored = self._call("serve", text=batch)
            nats[indices] = scored["log_probability"].numpy()
            num_tokens[indices] = scored["num_tokens"].numpy()
        return nats, num_tokens

    def evaluate(self, task, split: str):
        """Scores a split of a task's dataset, from raw text; an `Evaluation`."""
        nats, num_tokens = self.score(task.data.texts(split))
        expected = task.examples(split).num_asked
        if num_tokens.sum() != expected:
            raise ValueError(
                f"A SavedModel scores only the beginning of a long text: {num_tokens.sum():,} of "
                f"{expected:,} tokens of the {split} split. Use zoo.evaluate with the run's model "
                "and task."
            )
        return task.score(-float(nats.sum()), int(num_tokens.sum()), split)


def keras_generator(path: files.StrPath) -> "_KerasGenerator":
    """Generation with the Keras model of a run, a SavedModel or a pretrained model."""
    return _KerasGenerator(*load(path))


class _KerasGenerator:
    """Generation with the Keras model, for options that the endpoint `generate` lacks.

    Each graph is traced once: a call gets tensors of the same shapes and types as any other.
    """

    def __init__(self, model, task):
        self.model = model
        self.task = task
        self._prompt_to_ids = task.prompt_to_ids()
        self._ids_to_text = IdsToText.from_text_to_ids(task.text_to_ids)
        self._decode = functools.cache(self._make_decode)
        self._steps = functools.cache(self._make_steps)

    def generate(self, prompts, ngram: int, beams: int, max_new_tokens, sampling: Sampling):
        """The outputs of the endpoint `generate`, a dict of tensors."""
        decode = self._decode(ngram, beams)
        written = decode(self._prompt_to_ids(prompts), max_new_tokens, sampling)
        return {**written, **self._texts(prompts, written["token_ids"])}

    def stream(self, prompt, ngram: int, max_new_tokens: int, sampling: Sampling):
        """Yields pieces of text."""
        decoder, start, extend = self._steps(ngram)
        most = tf.constant(max_new_tokens, tf.int32)
        writing = start(self._prompt_to_ids([prompt]), most, sampling)
        shown = self._texts([prompt], tf.zeros([1, 0], tf.int32))["text"][0].numpy().decode()
        while decoder.is_running(writing):
            writing = extend(writing)
            written = decoder.result(writing, 1)
            text = self._texts([prompt], written["token_ids"])["text"][0].numpy().decode()
            if len(text) > len(shown):
                yield text[len(shown) :]
            shown = text

    def _make_decode(self, ngram: int, beams: int):
        """A function of ids (B, P), a number of new tokens and `Sampling`."""
        decoder = self._decoder(BeamSearch(beams) if beams > 1 else Sampler(ngram))
        return tf.function(decoder.__call__, input_signature=_decoder_inputs(), autograph=False)

    def _make_steps(self, ngram: int):
        """(decoder, function that reads prompts, function that generates a token)."""
        decoder = self._decoder(Sampler(ngram))
        start = tf.function(decoder.start, input_signature=_decoder_inputs(), autograph=False)
        states = tf.nest.map_structure(
            lambda x: tf.TensorSpec(x.shape, x.dtype),
            start.get_concrete_function().structured_outputs,
        )
        extend = tf.function(
            lambda state: decoder.extend(state, 1), input_signature=[states], autograph=False
        )
        return decoder, start, extend

    def _decoder(self, strategy):
        # Not compiled by XLA: the first tokens are there at once.
        return Decoder(
            self.model,
            strategy,
            end_id=END_ID,
            suppressed_ids=suppressed_ids(self.task),
            jit_compile=False,
        )

    def _texts(self, prompts, token_ids):
        return {
            "text": self._ids_to_text.append(tf.constant(prompts), token_ids),
            "continuation": self._ids_to_text(token_ids),
        }


def _decoder_inputs() -> list:
    """Token ids, maximum number of new tokens, and options of sampling; keys as seeds."""
    options = _DEFAULT.tensors()._replace(seed=tf.zeros([0, 2], tf.int32))
    sampling = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), options)
    return [
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([], tf.int32),
        sampling._replace(seed=tf.TensorSpec([None, 2], tf.int32)),
    ]


# Graph


def _scoring(model, task, weights):
    score = text_scorer(model, task.context_length)
    # The start token is only read.
    scored_ids = task.text_to_ids.variant(sequence_length=_MAX_SCORED + 1, name="scored_ids")

    def serve(text):
        with weights():
            log_probability, num_tokens = score(scored_ids(text))
        return {
            "log_probability": log_probability,
            "perplexity": tf.exp(
                tf.math.divide_no_nan(-log_probability, tf.cast(num_tokens, tf.float32))
            ),
            "num_tokens": num_tokens,
        }

    return trace(serve, text=([None], tf.string))


def _generation(model, task, weights, options):
    decoder = Decoder(model, end_id=END_ID, suppressed_ids=suppressed_ids(task), **options)
    prompt_to_ids, ids_to_text = task.prompt_to_ids(), IdsToText.from_text_to_ids(task.text_to_ids)
    default, default_length = _DEFAULT.tensors(), tf.constant(NEW_TOKENS)

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
        with tf.control_dependencies(_assertions(tf.shape(prompt)[0], max_new_tokens, sampling)):
            prompt_ids, most = prompt_to_ids(tf.identity(prompt)), tf.identity(max_new_tokens)
            sampling = tf.nest.map_structure(tf.identity, sampling)
        with weights():
            written = decoder(prompt_ids, most, sampling)
        return {
            "text": ids_to_text.append(prompt, written["token_ids"]),
            "continuation": ids_to_text(written["token_ids"]),
            "log_probability": written["log_probability"],
        }

    return trace(
        generate,
        prompt=([None], tf.string),
        max_new_tokens=(None, tf.int32),
        temperature=(None, tf.float32),
        top_k=(None, tf.int32),
        top_p=(None, tf.float32),
        repetition_penalty=(None, tf.float32),
        seed=(None, tf.int32),
    )


def suppressed_ids(task) -> list[int]:
    """The ids of tokens without text; the end too, if texts have none."""
    never = [PAD_ID, UNKNOWN_ID, START_ID]
    return never if task.text_to_ids.add_end else [*never, END_ID]


def _assertions(prompts, max_new_tokens, sampling: Sampling) -> list[tf.Operation]:
    """Checks the range of each argument, and that it is a scalar or has an entry per prompt."""
    options = {"max_new_tokens": max_new_tokens, **sampling._asdict()}
    asserted = [
        tf.debugging.Assert(
            _fits(value, prompts) | (_fits(value, prompts, 2) & (name == "seed")),
            [f"{name} must be a scalar or one per prompt; its shape is", tf.shape(value)],
        )
        for name, value in options.items()
    ]
    for is_valid, message, value in sampling_warnings(**options):
        asserted.append(tf.debugging.Assert(tf.reduce_all(is_valid), [message, value]))
    return asserted


def _fits(value, prompts, *rest: int):
    """Whether a tensor is a scalar or has the shape (B, *rest)."""
    rank = len(rest) + 1
    shape = tf.pad(tf.shape(value), [[0, rank]])[:rank]
    is_same = tf.reduce_all(shape == tf.stack([prompts, *rest])) & (tf.rank(value) == rank)
    return is_same | (tf.rank(value) == 0)
