"""Texts that a language model generates, for each epoch."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from zoo import generation, preprocessing
from zoo.inspection.tensorboard import summaries
from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.serving.keras_generator import suppressed_ids

# The same in every epoch, so that one sees it learn. The empty prompt begins a text.
PROMPTS = ("", "The", "What I")
TEMPERATURE = 0.8
SEED = 0
# Of a sample: about a paragraph.
_MAX_NEW_TOKENS, _MAX_BYTES = 200, 960


@register_dashboard("samples")
class SampleTexts(Dashboard):
    """Continuations of the same prompts with the same seed, for each epoch."""

    def applies(self):
        return self.fit.is_language_model

    def on_fit_begin(self):
        self._samples = Samples(self.fit.model, self.fit.task)

    def on_epoch_end(self):
        epoch = self.fit.epoch
        shown = [
            summaries.text(tag(prompt), markdown(f"Epoch {epoch}: {heading(prompt)}", text))
            for prompt, text in zip(PROMPTS, self._samples(), strict=True)
        ]
        self.fit.train.write(summaries.together(shown), epoch)


class Samples:
    """Continues the same prompts with the same seed.

    Args:
        model: a causal language model; its weights may change between calls.
        task: text generation.
        prompts: strings.
    """

    def __init__(self, model: keras.Model, task, prompts: Sequence[str] = PROMPTS):
        prompt_to_ids = task.prompt_to_ids()
        self._prompts = list(prompts)
        self._prompt_ids = prompt_to_ids(self._prompts)
        bytes_per_token = task.text_to_ids.tokenizer.bytes_per_token
        most = min(_MAX_NEW_TOKENS, _MAX_BYTES // bytes_per_token)
        self._ids_to_text = preprocessing.IdsToText.from_text_to_ids(task.text_to_ids)
        decoder = generation.Decoder(
            model,
            end_id=preprocessing.END_ID,
            suppressed_ids=suppressed_ids(task),
            jit_compile=False,
        )
        # A seed for each: the text is that of a prompt alone.
        seeds = tf.fill([len(self._prompts)], SEED)
        sampling = generation.Sampling(temperature=TEMPERATURE, seed=seeds)
        self._write = tf.function(lambda ids: decoder(ids, most, sampling)["token_ids"])

    def __call__(self) -> list[str]:
        """Prompts with their continuations by the current weights, as one text each."""
        token_ids = self._write(self._prompt_ids)
        texts = self._ids_to_text.append(tf.constant(self._prompts), token_ids)
        return [text.decode("utf-8", "replace") for text in texts.numpy()]


def tag(prompt: str) -> str:
    """The tag of the samples with a prompt.

    >>> from zoo.inspection.tensorboard.samples import tag
    >>> tag("The"), tag("")
    ('samples/The', 'samples/start_of_text')
    """
    return f"samples/{prompt or 'start_of_text'}"


def heading(prompt: str) -> str:
    """What a sample depends on in addition to the weights.

    >>> from zoo.inspection.tensorboard.samples import heading
    >>> heading("The")
    "prompt 'The', temperature 0.8, seed 0"
    """
    return f"prompt {prompt!r}, temperature {TEMPERATURE}, seed {SEED}"


def markdown(title: str, text: str) -> str:
    """A text as it is, below its title."""
    return "\n\n".join([title, "\n".join(f"    {line}" for line in text.split("\n"))])
