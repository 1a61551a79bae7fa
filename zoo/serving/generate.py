"""Text generation: continuations of prompts, and the probability of texts."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.generation import (
    NEW_TOKENS,
    Decoder,
    Sampling,
    check_options,
    sampling_warnings,
    sequence_keys,
    text_scorer,
)
from zoo.preprocessing import IdsToText
from zoo.serving.generator_process import KerasGeneratorProcess
from zoo.serving.interruptible import call_interruptibly
from zoo.serving.keras_generator import KerasGenerator, keras_generator, suppressed_ids
from zoo.serving.kind import ServedModel, register_kind, trace
from zoo.serving.texts import AnyTexts
from zoo.serving.token_ids import check_token_ids
from zoo.tasks.batches import sorted_batches
from zoo.training.run import EXTRA_ASSETS, read_task
from zoo.utils.special_tokens import END_ID

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
    `top_k` (0), `top_p` (1.0), `repetition_penalty` (1.0), `seed` (0), `min_p` (0.0) and
    `min_new_tokens` (0), each a scalar or one per prompt (B,), so that a server can batch requests.
    A scalar `seed` is the key (seed, i) of prompt i, one per prompt the key (seed, 0), as for a
    prompt alone; keys may also be given, (B, 2). These are the defaults of the signature, and in
    Python of `loaded.generate`; `loaded.signatures["generate"]` needs all arguments. It returns
    `text`, the prompts with their continuations, `continuation`, and `log_probability`, of the
    continuation under the model itself, all (B,); and token by token `token_ids` and
    `token_log_probability`, (B, N), padded right. An argument out of range is an
    InvalidArgumentError that says what was expected.

    `serve_ids` and `generate_ids` take `token_ids`, `int32` (B, T), padded right with 0, in place
    of the strings: those that the task's `text_to_ids` and `prompt_to_ids` return, with the start
    token. `serve_ids` also returns `token_log_probability` (B, T), 0 for the first token, which is
    context only, and for padding; `generate_ids` returns no `text`.

    Beam search, stop strings, banned words, a ban on repeated n-grams and streaming use the Keras
    model, which is loaded when one of them is first requested.

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
        yield from _scoring(model, task, weights).items()
        yield from _generation(model, task, weights, options).items()

    def __call__(
        self,
        prompts: AnyTexts,
        *,
        max_new_tokens: int = NEW_TOKENS,
        min_new_tokens: int = _DEFAULT.min_new_tokens,
        temperature: float = _DEFAULT.temperature,
        top_k: int = _DEFAULT.top_k,
        top_p: float = _DEFAULT.top_p,
        min_p: float = _DEFAULT.min_p,
        repetition_penalty: float = _DEFAULT.repetition_penalty,
        seed: int | Sequence[int] = _DEFAULT.seed,
        num_return_sequences: int = 1,
        stop: str | Sequence[str] = (),
        banned_words: str | Sequence[str] = (),
        no_repeat_ngram_size: int = 0,
        num_beams: int = 1,
        length_penalty: float = _DEFAULT.length_penalty,
        token_log_probabilities: bool = False,
    ):
        """Continues one prompt or many.

        Args:
            prompts: a string, or any iterable of strings. An empty one begins a text. A prompt
                that is longer than the model can read is read from its last tokens.
            max_new_tokens: maximum number of new tokens.
            min_new_tokens: number of new tokens before which a text does not end by itself.
            temperature: sampling temperature, which divides the logits; 0 for greedy decoding.
            top_k: number of most probable tokens to sample from; 0 for all.
            top_p: total probability of the most probable tokens to sample from; 1 for all.
            min_p: minimum probability of the tokens to sample from, relative to the most probable
                one (Nguyen et al. 2024); 0 for all.
            repetition_penalty: penalty on tokens that the text already contains; 1 for none.
            seed: sampling seed, or one per prompt. The same seed gives the same text in every
                process, streamed or not, compiled or not. Prompt i of a call with one seed is drawn
                with the key (seed, i), a prompt with a seed to itself with (seed, 0).
            num_return_sequences: number of continuations per prompt. Sampling treats them as
                further prompts: with one seed those of prompt i have the keys (seed, i n), ...,
                (seed, i n + n - 1), with a seed per prompt (seed, 0), ..., (seed, n - 1). Beam
                search returns the best ones, or fewer if there are no more.
            stop: string before which a continuation ends, or several. Strings are searched for in
                the continuation as text; the tokens of the string count in the log-probabilities.
            banned_words: string that a continuation must not contain, or several. A string is
                excluded as the sequence of tokens that the tokenizer splits it into: as a word,
                and with a tokenizer of characters also inside of other words.
            no_repeat_ngram_size: size of n-grams that must not repeat; 0 for no limit.
            num_beams: number of beams; above 1, beam search replaces sampling.
            length_penalty: exponent of the length by which beam search divides log-probabilities;
                0 compares log-probabilities, above 0 longer texts are preferred.
            token_log_probabilities: whether to return the log-probability of each token, too.

        Returns:
            For one prompt a dict with `text`, the prompt and its continuation, `continuation`, and
            `log_probability` of the continuation under the model itself, in nats; for an iterable
            a list of such. With `num_return_sequences` above 1, a list of such dicts per prompt.
            With `token_log_probabilities` a dict also has `tokens`, a list of dicts with `token`
            and `log_probability`, which add up to that of the continuation.

        Raises:
            ValueError: for an argument out of range, or two that exclude one another.
            TypeError: for prompts that are no strings.
        """
        options = check_options(
            max_new_tokens=max_new_tokens,
            min_new_tokens=min_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            repetition_penalty=repetition_penalty,
            seed=seed,
            num_return_sequences=num_return_sequences,
            stop=stop,
            banned_words=banned_words,
            no_repeat_ngram_size=no_repeat_ngram_size,
            num_beams=num_beams,
            length_penalty=length_penalty,
            token_log_probabilities=token_log_probabilities,
        )
        read = self._read(prompts, "prompts")
        answers = self._continuations(read.encode(), options)
        if num_return_sequences == 1:
            answers = [several[0] for several in answers]
        return answers[0] if read.is_single else answers

    def _continuations(self, prompts: list[bytes], options: dict[str, Any]) -> list[Any]:
        """The answers to each prompt, the best first with beam search."""
        number = options["num_return_sequences"]
        copies = 1 if options["num_beams"] > 1 else number
        rows = [prompt for prompt in prompts for _ in range(copies)]
        keys = sequence_keys(options["seed"], len(prompts), copies)
        answers: list[dict[str, Any]] = []
        for start in range(0, len(rows), _BATCH_SIZE):
            batch = slice(start, start + _BATCH_SIZE)
            answers += self._answers(self._generate(rows[batch], keys[batch], options), options)
        # Beams of log-probability minus infinity are no texts.
        return [
            [a for a in answers[i : i + number] if a["log_probability"] > -np.inf]
            or answers[i : i + 1]
            for i in range(0, len(answers), number)
        ]

    def _answers(self, written: dict[str, Any], options: dict[str, Any]) -> list[dict[str, Any]]:
        """An answer for each row of the outputs of `generate`."""
        texts, continuations = (
            [text.decode("utf-8", "replace") for text in written[key]]
            for key in ("text", "continuation")
        )
        nats = written["log_probability"].tolist()
        answers = [
            {"text": text, "continuation": continuation, "log_probability": value}
            for text, continuation, value in zip(texts, continuations, nats, strict=True)
        ]
        if options["token_log_probabilities"]:
            pairs = zip(written["token_ids"], written["token_log_probability"], strict=True)
            for answer, (ids, each) in zip(answers, pairs, strict=True):
                answer["tokens"] = self._named(ids[ids > 0], each[ids > 0])
        return answers

    def _named(self, token_ids, nats) -> list[dict[str, Any]]:
        """Tokens and their log-probabilities, as the values of JSON."""
        names = self._task.text_to_ids.vocabulary
        return [
            {"token": names[i], "log_probability": float(value)}
            for i, value in zip(token_ids, nats, strict=True)
        ]

    def _generate(self, prompts: list[bytes], keys, options: dict[str, Any]) -> dict[str, Any]:
        """The outputs of `generate` as arrays."""
        of_keras = ("no_repeat_ngram_size", "stop", "banned_words")
        if options["num_beams"] > 1 or any(options[name] for name in of_keras):
            written = self._keras.generate(prompts, keys, options)
            return {name: np.asarray(value) for name, value in written.items()}
        fields = {name: options[name] for name in Sampling._fields}
        sampling = Sampling(**{**fields, "seed": keys}).tensors()._asdict()
        del sampling["length_penalty"]
        most = tf.constant(options["max_new_tokens"], tf.int32)
        written = self._call(
            "generate", prompt=tf.constant(prompts), max_new_tokens=most, **sampling
        )
        return {name: value.numpy() for name, value in written.items()}

    def _call(self, endpoint: str, **tensors) -> dict[str, Any]:
        return call_interruptibly(self._saved_model.endpoints[endpoint], **tensors)

    def stream(self, prompt: str | bytes, **options) -> Iterator[str]:
        """Continues a prompt and yields its continuation piece by piece.

        Args:
            prompt: a string.
            **options: those of a call, but for `num_beams`, `num_return_sequences` and
                `token_log_probabilities`.

        Yields:
            Strings that add up to the continuation that a call with these options returns.

        Raises:
            ValueError: for an argument out of range.
        """
        if options.get("num_beams", 1) > 1:
            raise ValueError(
                "num_beams must be 1 for streaming, because beams are compared at the end."
            )
        if options.get("num_return_sequences", 1) > 1:
            raise ValueError("num_return_sequences must be 1 for streaming, which is of one text.")
        if options.get("token_log_probabilities"):
            raise ValueError("token_log_probabilities must be off for streaming, which is of text.")
        read = self._read(prompt, "prompt")
        if not read.is_single:
            raise TypeError(f"prompt must be one string; it is of type {type(prompt).__name__}.")
        (text,) = read.encode()
        checked = check_options(**options)
        return self._keras.stream(text, sequence_keys(checked["seed"], 1, 1), checked)

    @functools.cached_property
    def _keras(self) -> KerasGenerator | KerasGeneratorProcess:
        if keras.backend.backend() != "tensorflow":
            return KerasGeneratorProcess(self._path)
        return keras_generator(self._path)

    @functools.cached_property
    def _task(self):
        return read_task(self._folder / EXTRA_ASSETS / "task.json", None)

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

    def score_tokens(self, texts: AnyTexts) -> list[list[dict[str, Any]]]:
        """The log-probability of each token of N texts, given all before it.

        Args:
            texts: a string, which is one text, or any iterable of strings.

        Returns:
            N lists of dicts with `token`, as the model reads it, and `log_probability` in nats: of
            all tokens that `score` counts, the end of the text included where texts have one.

        >>> write = zoo.pipeline("runs/writer")
        >>> sorted(write.score_tokens("A fine film.")[0][0])
        ['log_probability', 'token']
        """
        given = self._read(texts).encode()
        text_to_ids = _scored_ids(self._task)
        answers: list[list[dict[str, Any]]] = [[] for _ in given]
        lengths = np.array([len(text) for text in given], "int64")
        for indices in sorted_batches(lengths, _BATCH_SIZE):
            ids = text_to_ids(tf.constant([given[i] for i in indices]))
            scored = self._call("serve_ids", token_ids=ids)["token_log_probability"].numpy()
            for index, row, nats in zip(indices, ids.numpy(), scored, strict=True):
                is_scored = row > 0
                is_scored[0] = False
                answers[index] = self._named(row[is_scored], nats[is_scored])
        return answers

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


# Graph


def _scored_ids(task):
    """The `TextToIds` of texts to score, whose start token is only read."""
    return task.text_to_ids.variant(sequence_length=_MAX_SCORED + 1, name="scored_ids")


def _scoring(model, task, weights) -> dict[str, Any]:
    """The endpoints that score texts."""
    score = text_scorer(model, task.context_length)
    scored_ids = _scored_ids(task)

    def score_ids(token_ids):
        with weights():
            nats, num_tokens = score(token_ids)
        log_probability = tf.reduce_sum(nats, axis=1)
        return {
            "log_probability": log_probability,
            "perplexity": tf.exp(
                tf.math.divide_no_nan(-log_probability, tf.cast(num_tokens, tf.float32))
            ),
            "num_tokens": num_tokens,
            "token_log_probability": nats,
        }

    # The model is traced once for both endpoints.
    score_ids = trace(score_ids, token_ids=([None, None], tf.int32))

    def serve(text):
        scores = dict(score_ids(scored_ids(text)))
        del scores["token_log_probability"]
        return scores

    def serve_ids(token_ids):
        return score_ids(check_token_ids(token_ids, len(task.text_to_ids.vocabulary)))

    return {
        "serve": trace(serve, text=([None], tf.string)),
        "serve_ids": trace(serve_ids, token_ids=([None, None], tf.int32)),
    }


def _generation(model, task, weights, options) -> dict[str, Any]:
    """The endpoints that continue prompts."""
    decoder = Decoder(model, end_id=END_ID, suppressed_ids=suppressed_ids(task), **options)
    prompt_to_ids, ids_to_text = task.prompt_to_ids(), IdsToText.from_text_to_ids(task.text_to_ids)
    vocabulary_size = len(task.text_to_ids.vocabulary)
    most, default = tf.constant(NEW_TOKENS), _DEFAULT.tensors()
    options_signature = {
        "max_new_tokens": (None, tf.int32),
        **{
            name: (None, value.dtype)
            for name, value in default._asdict().items()
            if name != "length_penalty"
        },
    }

    def decode(token_ids, max_new_tokens, *sampling):
        with weights():
            written = decoder(token_ids, max_new_tokens, Sampling(*sampling))
        return {**written, "continuation": ids_to_text(written["token_ids"])}

    # The model is traced once for both endpoints.
    decode = trace(decode, token_ids=([None, None], tf.int32), **options_signature)

    def checked(prompts, *arguments):
        """The arguments, once they are found valid."""
        max_new_tokens, *sampling = arguments
        checks = _assertions(tf.shape(prompts)[0], max_new_tokens, Sampling(*sampling))
        with tf.control_dependencies(checks):
            return [tf.identity(argument) for argument in arguments]

    def generate(
        prompt,
        max_new_tokens=most,
        temperature=default.temperature,
        top_k=default.top_k,
        top_p=default.top_p,
        repetition_penalty=default.repetition_penalty,
        seed=default.seed,
        min_p=default.min_p,
        min_new_tokens=default.min_new_tokens,
    ):
        sampling = (temperature, top_k, top_p, repetition_penalty, seed, min_p, min_new_tokens)
        arguments = checked(prompt, max_new_tokens, *sampling)
        written = decode(prompt_to_ids(prompt), *arguments)
        return {"text": ids_to_text.append(prompt, written["token_ids"]), **written}

    def generate_ids(
        token_ids,
        max_new_tokens=most,
        temperature=default.temperature,
        top_k=default.top_k,
        top_p=default.top_p,
        repetition_penalty=default.repetition_penalty,
        seed=default.seed,
        min_p=default.min_p,
        min_new_tokens=default.min_new_tokens,
    ):
        sampling = (temperature, top_k, top_p, repetition_penalty, seed, min_p, min_new_tokens)
        arguments = checked(token_ids, max_new_tokens, *sampling)
        return decode(check_token_ids(token_ids, vocabulary_size), *arguments)

    return {
        "generate": trace(generate, prompt=([None], tf.string), **options_signature),
        "generate_ids": trace(
            generate_ids, token_ids=([None, None], tf.int32), **options_signature
        ),
    }


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
