"""A text as a model reads it: its tokens, and where each stands in the text."""

import dataclasses
from collections.abc import Sequence

import numpy as np

import zoo

Span = tuple[int, int]


@dataclasses.dataclass(frozen=True, eq=False)  # Arrays have no one equality.
class Reading:
    """A text and its tokens.

    Attributes:
        text: as it was given.
        ids: what the model is given, `int32` (T,).
        tokens: the T tokens by their names in the vocabulary, `"[UNK]"` for one that is not in it.
        spans: where each stands in the text, (start, end) in characters; None for a token that is
            not in the text, such as the start token, or that could not be found in it.
    """

    text: str
    ids: np.ndarray
    tokens: tuple[str, ...]
    spans: tuple[Span | None, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The T tokens as they are written in the text, where they are in it."""
        return shown_tokens(self.text, self.tokens, self.spans)


def shown_tokens(text: str, tokens: Sequence[str], spans: Sequence[Span | None]) -> tuple[str, ...]:
    """Tokens as they are written in a text; by their names in the vocabulary where they are not."""
    pairs = zip(tokens, spans, strict=True)
    return tuple(text[span[0] : span[1]] if span else token for token, span in pairs)


def read(task: "zoo.tasks.Task", text: str) -> Reading:
    """Reads a text as the task's models do.

    Of a long one that is what the task's truncation leaves. For models that write it is a beginning
    without an end token, and of a very long one its last 4,096 tokens.

    Raises:
        TypeError: for what is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"A text must be a string; it is of type {type(text).__name__}.")
    text_to_ids = task.prompt_to_ids() if task.head == "language_model" else task.text_to_ids
    # Half a surrogate pair is no text; replaced by one character, all places stay.
    clean = text.encode("utf-8", "replace").decode()
    ids = np.asarray(text_to_ids([clean]))[0].astype("int32")
    kept = _kept(text_to_ids, _locate(text_to_ids, clean), len(ids))
    vocabulary = text_to_ids.vocabulary
    return Reading(text, ids, tuple(vocabulary[i] for i in ids), kept)


def _locate(text_to_ids, text: str) -> list[Span | None]:
    """The places of all tokens of a text, including those that truncation drops."""
    # A token that was not found has an empty span.
    spans: list[Span | None] = [
        (begin, end) if end > begin else None for _, begin, end in text_to_ids.tokenizer.spans(text)
    ]
    added: list[Span | None] = [None]
    return added * text_to_ids.add_start + spans + added * text_to_ids.add_end


def _kept(text_to_ids, spans: list[Span | None], length: int) -> tuple[Span | None, ...]:
    """The spans of the tokens that a bounded length has left: see `TextToIds`, `truncation`."""
    if not spans:
        return (None,) * length  # The unknown token that stands for no token at all.
    from_start = {"start": length, "end": 0, "both": length // 2}[text_to_ids.truncation]
    if len(spans) <= length:
        return tuple(spans)
    return tuple(spans[:from_start] + spans[len(spans) - (length - from_start) :])
