"""The inputs of a model for one text, and the tokens in them.

Shape letters: T tokens, S tokens of a source.
"""

from typing import Any, NamedTuple

import numpy as np

import zoo
from zoo import preprocessing
from zoo.inspection.reading import Reading, read


class Pass(NamedTuple):
    """A text in the form that a model reads it.

    Attributes:
        inputs: the inputs of the model, one row.
        tokens: the T tokens of its blocks, those of the decoder in an encoder-decoder.
        source: the S tokens of the encoder; empty for other models.
    """

    inputs: Any
    tokens: tuple[str, ...]
    source: tuple[str, ...] = ()


def text_pass(model, task: "zoo.tasks.Task", text: str, continuation: str | None = None) -> Pass:
    """Prepares a text for a pass.

    Args:
        model: a `SequenceModel`.
        task: its task.
        text: a text; the prompt of a language model.
        continuation: the continuation of the prompt, for a language model. The decoder of an
            encoder-decoder reads it; others read it after the text.

    Raises:
        ValueError: for a continuation for a classifier, a model without blocks, or more tokens
            than the context of the model.
    """
    if not hasattr(model, "blocks"):
        raise ValueError(f"{model.name} reads a text as a set, not token by token.")
    if continuation is not None and task.head != "language_model":
        raise ValueError(f"A continuation is for a language model; this one is for {task.name}.")
    before = read(task, text)
    after = without_start(read(task, continuation)) if continuation else _NOTHING
    inputs = model.inputs_of(before.ids[None], after.ids[None])
    if hasattr(model, "encoder_blocks"):
        _check_length(model, 1 + len(after.ids))
        start = task.text_to_ids.vocabulary[preprocessing.START_ID]
        return Pass(inputs, (start, *after.shown), before.shown)
    _check_length(model, inputs.shape[1])
    return Pass(inputs, (*before.shown, *after.shown))


def fits(model, task: "zoo.tasks.Task", text: str) -> bool:
    """Whether a model reads texts token by token, and the whole of this one."""
    if not hasattr(model, "blocks"):
        return False
    return model.context_length is None or len(read(task, text).ids) <= model.context_length


def layers_of(model) -> list:
    """The layers of a model that `trace` goes through, an encoder's first."""
    blocks = [*getattr(model, "encoder_blocks", ()), *getattr(model, "blocks", ())]
    return [*blocks, getattr(model, "pooling", None)]


def _check_length(model, length: int) -> None:
    if model.context_length is not None and length > model.context_length:
        raise ValueError(
            f"{model.name} reads {model.context_length} tokens at most; this text has {length}."
        )


_NOTHING = Reading("", np.zeros(0, "int32"), (), ())


def without_start(reading: Reading) -> Reading:
    """The reading of a text that follows another one."""
    if reading.ids[0] != preprocessing.START_ID:
        return reading
    return Reading(reading.text, reading.ids[1:], reading.tokens[1:], reading.spans[1:])
