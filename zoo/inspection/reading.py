"""A text as a model reads it: its tokens, and the place of each in the text."""

import dataclasses
from collections.abc import Sequence

import numpy as np

import zoo

Span = tuple[int, int]


@dataclasses.dataclass(frozen=True, eq=False)  # Arrays have no one equality.
class Reading:
    """A text and its tokens.

    Attributes:
        text: the text, unchanged.
        ids: the inputs of the model, `int32` (T,).
        tokens: the T tokens as the vocabulary has them, `"[UNK]"` for an unknown one.
        spans: the place of each token in the text, (begin, end) in characters; None for a token
            that is not in the text, such as the start token.
    """

    text: str
    ids: np.ndarray
    tokens: tuple[str, ...]
    spans: tuple[Span | None, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The T tokens as the text has them; see `shown_tokens`."""
        return shown_tokens(self.text, self.tokens, self.spans)


def shown_tokens(text: str, tokens: Sequence[str], spans: Sequence[Span | None]) -> tuple[str, ...]:
    """Tokens as the text has them, or as the vocabulary does where the text does not."""
    pairs = zip(tokens, spans, strict=True)
    return tuple(text[span[0] : span[1]] if span else token for token, span in pairs)


def read(task: "zoo.tasks.Task", text: str) -> Reading:
    """Reads a text as the task's models do.

    A long text is truncated as in the task. A language model reads a text as a prompt: without an
    end token, and at most its last 4,096 tokens.

    Args:
        task: a task with a vocabulary.
        text: a string. Half a surrogate pair reads as "?".

    Raises:
        TypeError: if the text is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"A text must be a string; it is of type {type(text).__name__}.")
    text_to_ids = task.prompt_to_ids()
    # One character for another, so that all places stay valid.
    clean = text.encode("utf-8", "replace").decode()
    ids = np.asarray(text_to_ids([clean]))[0].astype("int32")
    kept = _kept(text_to_ids, _locate(text_to_ids, clean), len(ids))
    vocabulary = text_to_ids.vocabulary
    return Reading(text, ids, tuple(vocabulary[i] for i in ids), kept)


def _locate(text_to_ids, text: str) -> list[Span | None]:
    """The spans of all tokens of a text, including those that truncation drops."""
    # A token that was not found has an empty span.
    spans: list[Span | None] = [
        (begin, end) if end > begin else None for _, begin, end in text_to_ids.tokenizer.spans(text)
    ]
    added: list[Span | None] = [None]
    return added * text_to_ids.add_start + spans + added * text_to_ids.add_end


def _kept(text_to_ids, spans: list[Span | None], length: int) -> tuple[Span | None, ...]:
    """The spans of the tokens that truncation keeps."""
    if not spans:
        return (None,) * length  # One unknown token, for a text without any.
    from_start = {"start": length, "end": 0, "both": length // 2}[text_to_ids.truncation]
    if len(spans) <= length:
        return tuple(spans)
    return tuple(spans[:from_start] + spans[len(spans) - (length - from_start) :])
