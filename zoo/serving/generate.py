"""Texts that go on where a prompt ends."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from zoo.serving.loading import SavedModel, check_saved_model, encoded, load
from zoo.utils import files

# Prompts that are continued at a time, and texts that are scored at a time.
_BATCH_SIZE = 64


class TextGenerator:
    """Continuations of prompts, by a SavedModel's `generate` endpoint.

    Beam search, a ban on repeated n-grams and streaming go through the run's Keras model, which is
    read when one of them is first asked for.

    Args:
        path: a SavedModel, the folder of a run, or a shipped model's name.

    Raises:
        ModelNotFoundError: where there is no model.
        FileError: where it is damaged.
    """

    def __init__(self, path: files.StrPath):
        self._path = path
        check_saved_model(path, "language_model", "text generation")

    @functools.cached_property
    def _endpoints(self) -> dict[str, Callable]:
        return SavedModel(self._path).endpoints

    def __call__(
        self,
        prompts: str | bytes | Sequence[str | bytes],
        *,
        max_new_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        seed: int = 0,
        no_repeat_ngram_size: int = 0,
        num_beams: int = 1,
    ):
        """Continues one prompt or many.

        Args:
            prompts: a string, or several. An empty one begins a text. A prompt that is longer than
                the model can read is read from its last tokens.
            max_new_tokens: tokens that are written at most.
            temperature: logits are divided by it; 0 takes the likeliest token each time.
            top_k: only so many of the likeliest tokens are drawn from; 0 for all.
            top_p: only the smallest set of likeliest tokens whose share reaches it; 1 for all.
            repetition_penalty: above 1, tokens that are there already get unlikelier.
            seed: the same seed gives the same texts, in every process.
            no_repeat_ngram_size: no sequence of so many tokens comes twice; 0 for no ban.
            num_beams: above 1, beam search for the likeliest text; nothing is then drawn.

        Returns:
            For one prompt a dict with `text`, the prompt and its continuation, `continuation`, and
            `log_probability` of the continuation under the model itself, in nats; for several a
            list of such.

        Raises:
            ValueError: for an argument out of range.
        """
        from zoo.generation import check_sampling

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
        if isinstance(prompts, (str, bytes)):
            return self([prompts], **options)[0]
        given = encoded(prompts)
        answers: list[dict[str, Any]] = []
        for start in range(0, len(given), _BATCH_SIZE):
            written = self._generate(given[start : start + _BATCH_SIZE], options)
            texts, continuations = (
                [text.decode("utf-8", "replace") for text in written[key].numpy()]
                for key in ("text", "continuation")
            )
            nats = written["log_probability"].numpy().tolist()
            answers += [
                {"text": text, "continuation": continuation, "log_probability": value}
                for text, continuation, value in zip(texts, continuations, nats, strict=True)
            ]
        return answers

    def _generate(self, prompts: list[bytes], options: dict[str, Any]):
        import tensorflow as tf

        options = dict(options)
        ngram, beams = options.pop("no_repeat_ngram_size"), options.pop("num_beams")
        if ngram or beams > 1:
            return self._keras.generate(prompts, ngram, beams, **options)
        whole = ("max_new_tokens", "top_k", "seed")
        arguments = {
            name: tf.constant(value, tf.int32 if name in whole else tf.float32)
            for name, value in options.items()
        }
        return self._endpoints["generate"](prompt=tf.constant(prompts), **arguments)

    def stream(self, prompt: str | bytes, **options) -> Iterator[str]:
        """Continues a prompt, and gives what is written piece by piece as it is.

        Args:
            prompt: a string.
            **options: those of a call, but for `num_beams`.

        Yields:
            Strings that make up the text behind the prompt: the text of a call with these options.

        Raises:
            ValueError: for an argument out of range.
        """
        if options.get("num_beams", 1) > 1:
            raise ValueError("num_beams must be 1 to stream: beams are compared at the end.")
        (text,) = encoded([prompt])
        from zoo.generation import check_sampling

        return self._keras.stream(text, **check_sampling(**options))

    @functools.cached_property
    def _keras(self) -> "_Writer":
        return _Writer(*load(self._path))

    def score(self, texts: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
        """(log-probability in nats, tokens scored), each (N,), of N texts."""
        import tensorflow as tf

        given = encoded(texts)
        nats, num_tokens = np.zeros(len(given)), np.zeros(len(given), "int64")
        order = np.argsort([len(text) for text in given], kind="stable")
        for start in range(0, len(order), _BATCH_SIZE):
            indices = order[start : start + _BATCH_SIZE]
            batch = tf.constant([given[i] for i in indices])
            scored = self._endpoints["serve"](text=batch)
            nats[indices] = scored["log_probability"].numpy()
            num_tokens[indices] = scored["num_tokens"].numpy()
        return nats, num_tokens

    def evaluate(self, task, split: str):
        """Scores a split of a task's dataset, from raw text; an `Evaluation`."""
        nats, num_tokens = self.score(task.texts(split))
        expected = task.examples(split).num_asked
        if num_tokens.sum() != expected:
            raise ValueError(
                f"A SavedModel scores the beginning of a long text alone: expected {expected:,} "
                f"tokens of the {split} split, it has scored {num_tokens.sum():,}; use "
                "zoo.evaluate with the run's model and task."
            )
        return task.score(-float(nats.sum()), int(num_tokens.sum()), split)


class _Writer:
    """Generation by a Keras model, for what the `generate` endpoint does not do."""

    def __init__(self, model, task):
        from zoo.preprocessing import IdsToText

        self.model = model
        self.task = task
        self._prompt_to_ids = task.prompt_to_ids()
        self._ids_to_text = IdsToText.from_text_to_ids(task.text_to_ids)

    def _decoder(self, strategy):
        from zoo.generation import Decoder
        from zoo.serving.saved_model import suppressed_ids
        from zoo.utils.special_tokens import END_ID

        # Not compiled by XLA: the first tokens are there at once.
        return Decoder(
            self.model,
            strategy,
            end_id=END_ID,
            suppressed_ids=suppressed_ids(self.task),
            jit_compile=False,
        )

    def generate(self, prompts, ngram: int, beams: int, *, max_new_tokens: int, **sampling):
        """What the endpoint `generate` gives, as a dict of tensors."""
        import tensorflow as tf

        from zoo.generation import BeamSearch, Sampler, Sampling

        decoder = self._decoder(BeamSearch(beams) if beams > 1 else Sampler(ngram))
        decode = tf.function(lambda ids: decoder(ids, max_new_tokens, Sampling(**sampling)))
        written = decode(self._prompt_to_ids(prompts))
        return {**written, **self._texts(prompts, written["token_ids"])}

    def stream(self, prompt, *, max_new_tokens, no_repeat_ngram_size, num_beams, **sampling):
        """Pieces of text, as they are written."""
        import tensorflow as tf

        from zoo.generation import Sampler, Sampling

        del num_beams
        decoder = self._decoder(Sampler(no_repeat_ngram_size))
        start = tf.function(decoder.start, reduce_retracing=True)
        extend = tf.function(decoder.extend, reduce_retracing=True)
        tensors = Sampling(**sampling).tensors()
        most = tf.constant(max_new_tokens)
        writing = start(self._prompt_to_ids([prompt]), most)
        prompt_length = writing.length
        shown = self._texts([prompt], tf.zeros([1, 0], tf.int32))["text"][0].numpy().decode()
        while decoder.is_running(writing, most):
            writing = extend(writing, tensors, tf.minimum(writing.step + 1, most))
            written = decoder.result(writing, prompt_length, 1, most)
            text = self._texts([prompt], written["token_ids"])["text"][0].numpy().decode()
            if len(text) > len(shown):
                yield text[len(shown) :]
            shown = text

    def _texts(self, prompts, token_ids):
        import tensorflow as tf

        continuation = self._ids_to_text(token_ids)
        tokenizer = self.task.text_to_ids.tokenizer
        return {
            "text": tokenizer.append(tf.constant(prompts), continuation),
            "continuation": continuation,
        }
