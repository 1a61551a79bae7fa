"""A pass of a text through a model, block by block, to look at what each block is given.

Shape letters: T tokens, S tokens of a source, D width.
"""

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import zoo
from zoo import preprocessing
from zoo.inspection.reading import Reading, read


class Step(NamedTuple):
    """A block, and what it is given.

    Attributes:
        block: a layer.
        x: what it reads, (1, T, D).
        arguments: its other arguments: `padding_mask` (1, T), and for a decoder `source`
            (1, S, D) and `source_mask` (1, S).
    """

    block: Any
    x: tf.Tensor
    arguments: dict[str, Any]


class Pass(NamedTuple):
    """A text in the form that a model reads it.

    Attributes:
        inputs: as the model takes them, one row.
        tokens: the T tokens of its blocks, of a decoder's if it is an encoder-decoder.
        source: the S tokens of the encoder's blocks; none for other models.
    """

    inputs: Any
    tokens: tuple[str, ...]
    source: tuple[str, ...] = ()


def prefill(model, task: "zoo.tasks.Task", text: str, continuation: str | None = None) -> Pass:
    """Reads a text for a pass.

    Args:
        model: a `SequenceModel`.
        task: its task.
        text: a text; for a model that writes, what stands before.
        continuation: what follows, for a model that writes; an encoder-decoder reads it with its
            decoder, others behind the text.

    Raises:
        ValueError: for a continuation where nothing is continued, a model without blocks of
            tokens, or more tokens than it can read.
    """
    if not hasattr(model, "blocks"):
        raise ValueError(f"{model.name} reads a text as a set, not token by token.")
    writes = task.head == "language_model"
    if continuation is not None and not writes:
        raise ValueError(f"A continuation is for a model that writes; this one is for {task.name}.")
    before = read(task, text)
    after = without_start(read(task, continuation)) if continuation else _NOTHING
    ids = before.ids[None]
    if hasattr(model, "encoder_blocks"):
        start = np.array([[preprocessing.START_ID]], "int32")
        decoded = np.concatenate([start, after.ids[None]], axis=1)
        _check_length(model, decoded.shape[1])
        tokens = (task.text_to_ids.vocabulary[preprocessing.START_ID], *after.shown)
        inputs = {"token_ids": decoded, "source_ids": ids} if writes else ids
        return Pass(inputs, tokens, before.shown)
    ids = np.concatenate([ids, after.ids[None]], axis=1)
    _check_length(model, ids.shape[1])
    return Pass(ids, (*before.shown, *after.shown))


def fits(model, task: "zoo.tasks.Task", text: str) -> bool:
    """Whether a model reads texts token by token, and the whole of this one."""
    if not hasattr(model, "blocks"):
        return False
    return model.context_length is None or len(read(task, text).ids) <= model.context_length


def blocks_of(model) -> list:
    """All blocks of a model in the order of a pass, the encoder's first."""
    return [*getattr(model, "encoder_blocks", ()), *getattr(model, "blocks", ())]


def steps(model, inputs) -> Iterator[Step]:
    """Every block of a model in the order of a pass, the encoder's first.

    Args:
        model: a `SequenceModel`.
        inputs: one row, as the model takes it.
    """
    if not hasattr(model, "encoder_blocks"):
        yield from _through(model, model.blocks, inputs, {})
        return
    token_ids, source_ids = np.array([[preprocessing.START_ID]], "int32"), inputs
    if isinstance(inputs, dict):
        token_ids, source_ids = inputs["token_ids"], inputs["source_ids"]
    encoded = yield from _through(model, model.encoder_blocks, source_ids, {})
    source = {"source": encoded, "source_mask": model.padding_mask(source_ids)}
    yield from _through(model, model.blocks, token_ids, source)


def _through(model, blocks, ids, source) -> Generator[Step, None, tf.Tensor]:
    x = model.token_embedding(ids)
    if model.positions is not None:
        x = model.positions(x)
    arguments = {"padding_mask": model.padding_mask(ids), **source}
    for block in blocks:
        yield Step(block, x, arguments)
        x = block(x, **arguments)
    return x


def _check_length(model, length: int) -> None:
    if model.context_length is not None and length > model.context_length:
        raise ValueError(
            f"{model.name} reads {model.context_length} tokens at most; this text has {length}."
        )


_NOTHING = Reading("", np.zeros(0, "int32"), (), ())


def without_start(reading: Reading) -> Reading:
    """The reading of a text that stands behind another one."""
    if reading.ids[0] != preprocessing.START_ID:
        return reading
    return Reading(reading.text, reading.ids[1:], reading.tokens[1:], reading.spans[1:])
