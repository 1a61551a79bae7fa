"""Generation with the Keras model, for options that the endpoint `generate` lacks."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zoo.generation import (
    BannedSequences,
    BeamSearch,
    Decoder,
    NoRepeatedNgrams,
    Sampler,
    Sampling,
    pad_left,
)
from zoo.generation.stop_strings import cut_at, cut_tokens, settled
from zoo.preprocessing import IdsToText
from zoo.serving.interruptible import call_interruptibly
from zoo.serving.loading import load
from zoo.utils import files
from zoo.utils.special_tokens import END_ID, PAD_ID, START_ID, UNKNOWN_ID

# Tokens that are generated before texts are searched for stop strings.
_STOP_STEPS = 16


class Plan(NamedTuple):
    """The options that a graph is made for; all others are its inputs."""

    no_repeat_ngram_size: int
    num_beams: int
    num_return_sequences: int
    has_bans: bool

    @classmethod
    def of(cls, options: dict[str, Any]) -> "Plan":
        """The plan of the options of `check_options`."""
        beams = options["num_beams"]
        return cls(
            options["no_repeat_ngram_size"],
            beams,
            options["num_return_sequences"] if beams > 1 else 1,
            bool(options["banned_words"]),
        )


class KerasGenerator:
    """Generates with a Keras model.

    Each graph is traced once: a call gets tensors of the same shapes and types as any other.

    Args:
        model: a language model.
        task: its task.
    """

    def __init__(self, model, task):
        self.model = model
        self.task = task
        self._prompt_to_ids = task.prompt_to_ids()
        self._ids_to_text = IdsToText.from_text_to_ids(task.text_to_ids)
        self._decode = functools.cache(self._make_decode)
        self._steps = functools.cache(self._make_steps)

    def generate(self, prompts: Sequence[bytes], keys: np.ndarray, options: dict[str, Any]):
        """The outputs of the endpoint `generate`, a dict of arrays.

        Args:
            prompts: UTF-8 strings (B,).
            keys: seed and index of each prompt, (B, 2).
            options: those of `check_options`; `num_return_sequences` for beam search only.
        """
        arguments = self._arguments(prompts, keys, options)
        if options["stop"]:
            return self._until_stop(prompts, arguments, options)
        plan = Plan.of(options)
        written = call_interruptibly(self._decode(plan), *arguments)
        repeated = [prompt for prompt in prompts for _ in range(plan.num_return_sequences)]
        return {
            **{name: np.asarray(value) for name, value in written.items()},
            "text": self._ids_to_text.append(tf.constant(repeated), written["token_ids"]).numpy(),
            "continuation": self._ids_to_text(written["token_ids"]).numpy(),
        }

    def stream(self, prompt: bytes, keys: np.ndarray, options: dict[str, Any]) -> Iterator[str]:
        """Yields pieces of the continuation of a prompt."""
        decoder, start, extend = self._steps(Plan.of(options))
        stop = options["stop"]
        writing = start(*self._arguments([prompt], keys, options))
        shown = self._text(prompt, [], "")
        is_running = True
        while is_running and decoder.is_running(writing):
            writing = extend(writing, tf.constant(1))
            ids = decoder.result(writing, 1)["token_ids"][0]
            (written,) = self._continuations([ids])
            before = cut_at(written, stop)
            is_running = before is None and bool(decoder.is_running(writing))
            if before is None:
                # What may be the beginning of a stop string waits for the next tokens.
                before = settled(written, stop) if is_running else written
            text = self._text(prompt, ids, before)
            if len(text) > len(shown):
                yield text[len(shown) :]
                shown = text

    def _until_stop(self, prompts, arguments, options: dict[str, Any]) -> dict[str, Any]:
        """Generates until each text contains a stop string, or is finished without."""
        stop = options["stop"]
        decoder, start, extend = self._steps(Plan.of(options))
        writing = start(*arguments)
        while decoder.is_running(writing):
            writing = extend(writing, tf.constant(_STOP_STEPS))
            ids = decoder.result(writing, len(prompts))["token_ids"]
            has_stopped = [cut_at(text, stop) is not None for text in self._continuations(ids)]
            writing = writing._replace(finished=writing.finished | has_stopped)
        written = {
            name: np.array(value) for name, value in decoder.result(writing, len(prompts)).items()
        }
        ids, nats = written["token_ids"], written["token_log_probability"]
        continuations = self._continuations(ids)
        for row, text in enumerate(continuations):
            if cut_at(text, stop) is not None:
                length, continuations[row] = cut_tokens(ids[row], self._continuations, stop)
                ids[row, length:], nats[row, length:] = PAD_ID, 0.0
                written["log_probability"][row] = nats[row].sum()
        texts = [self._text(*each) for each in zip(prompts, ids, continuations, strict=True)]
        for name, strings in (("text", texts), ("continuation", continuations)):
            written[name] = np.array([string.encode() for string in strings], object)
        return written

    # Graphs

    def _make_decode(self, plan: Plan):
        """A function of ids (B, P), a number of new tokens, `Sampling` and banned ids."""
        decoder = self._decoder(plan)
        return tf.function(decoder.__call__, input_signature=_decoder_inputs(), autograph=False)

    def _make_steps(self, plan: Plan):
        """(decoder, function that reads prompts, function that generates a number of tokens)."""
        decoder = self._decoder(plan)
        start = tf.function(decoder.start, input_signature=_decoder_inputs(), autograph=False)
        states = tf.nest.map_structure(
            lambda x: tf.TensorSpec(x.shape, x.dtype),
            start.get_concrete_function().structured_outputs,
        )
        extend = tf.function(
            decoder.extend,
            input_signature=[states, tf.TensorSpec([], tf.int32)],
            autograph=False,
        )
        return decoder, start, extend

    def _decoder(self, plan: Plan) -> Decoder:
        strategy: Any = Sampler()
        if plan.num_beams > 1:
            strategy = BeamSearch(plan.num_beams, plan.num_return_sequences)
        constraints: list[Any] = [BannedSequences()] if plan.has_bans else []
        if plan.no_repeat_ngram_size:
            constraints.append(NoRepeatedNgrams(plan.no_repeat_ngram_size))
        # Not compiled by XLA: the first tokens are there at once.
        return Decoder(
            self.model,
            strategy,
            end_id=END_ID,
            suppressed_ids=suppressed_ids(self.task),
            constraints=constraints,
            jit_compile=False,
        )

    # Texts and ids

    def _arguments(self, prompts, keys, options) -> tuple:
        """The inputs of a graph."""
        fields = {name: options[name] for name in Sampling._fields}
        return (
            self._prompt_to_ids(tf.constant(prompts)),
            tf.constant(options["max_new_tokens"], tf.int32),
            Sampling(**{**fields, "seed": keys}).tensors(),
            tf.constant(pad_left(self._ids_of(options["banned_words"]))),
        )

    def _ids_of(self, words: Sequence[str]) -> list[list[int]]:
        """The ids of each word; words with a token that is never generated are left out."""
        if not words:
            return []
        text_to_ids = self.task.text_to_ids.variant(
            add_start=False, add_end=False, sequence_length=None, name="banned_ids"
        )
        rows = np.asarray(text_to_ids(list(words)))
        ids = [[int(i) for i in row if i != PAD_ID] for row in rows]
        return [sequence for sequence in ids if UNKNOWN_ID not in sequence]

    def _continuations(self, token_ids) -> list[str]:
        """The texts of token ids (B, N)."""
        return [text.decode("utf-8", "replace") for text in self._ids_to_text(token_ids).numpy()]

    def _text(self, prompt: bytes, token_ids, continuation: str) -> str:
        """A prompt with a continuation, which the text of the token ids (N,) begins with."""
        if not continuation:
            token_ids = tf.zeros([0], tf.int32)
        (whole,) = self._continuations([token_ids])
        (text,) = self._ids_to_text.append(tf.constant([prompt]), [token_ids]).numpy()
        text = text.decode("utf-8", "replace")
        return text[: len(text) - (len(whole) - len(continuation))]


def keras_generator(path: files.StrPath) -> KerasGenerator:
    """Generation with the Keras model of a run, a SavedModel or a pretrained model."""
    return KerasGenerator(*load(path))


def _decoder_inputs() -> list:
    """Token ids, number of new tokens, options of sampling with keys as seeds, banned ids."""
    options = Sampling().tensors()
    sampling = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), options)
    return [
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([], tf.int32),
        sampling._replace(seed=tf.TensorSpec([None, 2], tf.int32)),
        tf.TensorSpec([None, None], tf.int32),
    ]


def suppressed_ids(task) -> list[int]:
    """The ids of tokens without text; the end too, if texts have none."""
    never = [PAD_ID, UNKNOWN_ID, START_ID]
    return never if task.text_to_ids.add_end else [*never, END_ID]
