"""How likely a model holds each token of a text, and what it would rather have read.

Shape letters: T tokens, V vocabulary, D width.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import zoo
from zoo.inspection import marked_text, passes, reading
from zoo.utils.sequences import half_overlapping_windows

# Logits that are held at a time, for large vocabularies: 16 megabytes, and some copies.
_MAX_LOGITS = 2**21
# Bits at which a token is coloured most: one in a thousand.
_MAX_BITS = 10.0
_SURPRISE = (213, 94, 0)  # Vermilion of Okabe and Ito (2008).
_NUM_SHOWN = 3


@dataclasses.dataclass(frozen=True, eq=False)  # Arrays have no one equality.
class TokenProbabilities:
    """What a language model says of each token of a text, given all that stands before.

    Attributes:
        prompt: what stood before the text.
        text: the text.
        tokens: its T tokens, as the model reads them.
        spans: where each stands in the text, (start, end) in characters, or None; see `Reading`.
        probabilities: of each token, (T,).
        ranks: 1 for the likeliest token of the vocabulary, and so on, (T,).
        entropies: of the distribution at each place, in bits, (T,).
        runners_up: at each place the likeliest tokens but the one that stands there, with their
            probabilities.
    """

    prompt: str
    text: str
    tokens: tuple[str, ...]
    spans: tuple[reading.Span | None, ...]
    probabilities: np.ndarray
    ranks: np.ndarray
    entropies: np.ndarray
    runners_up: tuple[tuple[tuple[str, float], ...], ...]

    @property
    def bits(self) -> np.ndarray:
        """How surprising each token is, minus the binary logarithm of its probability, (T,)."""
        return -np.log2(np.maximum(self.probabilities, np.finfo("float64").tiny))

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        columns = zip(
            self.tokens,
            self.spans,
            self.probabilities.tolist(),
            self.ranks.tolist(),
            self.entropies.tolist(),
            self.runners_up,
            strict=True,
        )
        return {
            "prompt": self.prompt,
            "text": self.text,
            "tokens": [
                {
                    "token": token,
                    "span": list(span) if span else None,
                    "probability": probability,
                    "rank": rank,
                    "entropy": entropy,
                    "runners_up": [list(other) for other in others],
                }
                for token, span, probability, rank, entropy, others in columns
            ],
        }

    def __str__(self) -> str:
        return marked_text.plain(self)

    def __rich__(self):
        """A line a token, as `rich` renders it in a terminal."""
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("token", "probability", "rank", "entropy [bits]", "runners-up"):
            numeric = column not in ("token", "runners-up")
            table.add_column(column, justify="right" if numeric else "left")
        shown = reading.shown_tokens(self.text, self.tokens, self.spans)
        for place, token in enumerate(shown):
            red, green, blue = self._colour(place)
            table.add_row(
                Text(_quoted(token), style=f"black on rgb({red},{green},{blue})"),
                f"{self.probabilities[place]:.2%}",
                f"{self.ranks[place]:,}",
                f"{self.entropies[place]:.2f}",
                Text(self._others(place)),
            )
        return Group(Text(self._heading(), style="bold"), table)

    def _repr_html_(self) -> str:
        body = "".join(
            marked_text.html_piece(piece, None)
            if place is None
            else marked_text.html_piece(piece, self._colour(place), self._told(place))
            for piece, place in marked_text.pieces(self.text, self.spans)
        )
        are_words = any(span and span[1] - span[0] > 1 for span in self.spans)
        between = " " if self.prompt and are_words else ""
        before = marked_text.html_piece(self.prompt + between, None)
        return marked_text.html_block(self._heading(), before + body)

    def _heading(self) -> str:
        mean = self.bits.mean() if len(self.tokens) else 0.0
        return f"{len(self.tokens):,} tokens, {mean:.2f} bits a token; the darker the less expected"

    def _told(self, place: int) -> str:
        return (
            f"{self.probabilities[place]:.2%}, rank {self.ranks[place]:,}, entropy "
            f"{self.entropies[place]:.2f} bits; rather: {self._others(place)}"
        )

    def _others(self, place: int) -> str:
        others = self.runners_up[place][:_NUM_SHOWN]
        return ", ".join(f"{_quoted(token)} {share:.1%}" for token, share in others)

    def _colour(self, place: int) -> marked_text.Colour:
        return marked_text.blended(_SURPRISE, 0.7 * min(self.bits[place] / _MAX_BITS, 1.0))


def token_probabilities(
    model, task: "zoo.tasks.Task", text: str, *, prompt: str = "", k: int = 5
) -> TokenProbabilities:
    """Gives the probability of each token of a text, its rank, and the runners-up.

    They are those of the whole softmax, temperature 1, by which the model is scored. An
    encoder-decoder has the prompt as its source. What is longer than the context of a model is
    read in windows with at least half a context before each token, as in evaluation.

    Args:
        model: a model that writes.
        task: its task.
        text: a text.
        prompt: what stands before it; "" for the beginning of a text.
        k: how many runners-up.

    Raises:
        ValueError: for a model that does not write, or a text without a token.
    """
    if task.head != "language_model":
        raise ValueError(
            f"Only a model that writes knows the probability of a token; this one is for "
            f"{task.name}: see explain."
        )
    if k < 0:
        raise ValueError(f"k must be 0 or more; it is {k}.")
    before = reading.read(task, prompt)
    asked = passes.without_start(reading.read(task, text))
    if not len(asked.ids):
        raise ValueError("The text has no token that could be likely or not.")
    parts = [
        _judged(logits, targets, k) for logits, targets in _logits(model, before.ids, asked.ids)
    ]
    vocabulary = task.text_to_ids.vocabulary
    return TokenProbabilities(
        prompt=prompt,
        text=text,
        tokens=asked.tokens,
        spans=asked.spans,
        probabilities=np.concatenate([part.probabilities for part in parts]),
        ranks=np.concatenate([part.ranks for part in parts]),
        entropies=np.concatenate([part.entropies for part in parts]),
        runners_up=tuple(
            tuple((vocabulary[i], float(share)) for i, share in zip(*others, strict=True))
            for part in parts
            for others in zip(part.others, part.other_probabilities, strict=True)
        ),
    )


def _logits(
    model, before: np.ndarray, asked: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Logits (n, V), and the n tokens that they are of: a few at a time, all in the end."""
    for features, targets in _features(model, before, asked):
        at_once = max(1, _MAX_LOGITS // model.token_embedding.input_dim)
        for start in range(0, len(targets), at_once):
            some = slice(start, start + at_once)
            yield np.asarray(model.head(features[some]), "float64"), targets[some]


def _features(model, before: np.ndarray, asked: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
    """Features (n, D), from which the head tells the n tokens that they come with."""
    ids = np.concatenate([before, asked])
    context = model.context_length or len(ids)
    windows = half_overlapping_windows(np.array([len(ids)]), context, len(before))
    for begin, first, end in zip(windows.begin, windows.asked, windows.end, strict=True):
        packed = model.pack(ids[None, begin:first], ids[None, first:end])
        inputs = packed.inputs if isinstance(packed.inputs, dict) else {"token_ids": packed.inputs}
        features = np.asarray(model.features(**inputs))
        yield features[packed.is_asked], packed.targets[packed.is_asked]


class _Judged(NamedTuple):
    probabilities: np.ndarray
    ranks: np.ndarray
    entropies: np.ndarray
    others: np.ndarray
    other_probabilities: np.ndarray


def _judged(logits: np.ndarray, targets: np.ndarray, k: int) -> _Judged:
    """All that is told of n tokens, by their logits (n, V)."""
    rows = np.arange(len(targets))
    logs = logits - logits.max(axis=1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    shares = np.exp(logs)
    own = logits[rows, targets]
    others = logits.copy()
    others[rows, targets] = -np.inf
    likeliest = np.argsort(-others, axis=1, kind="stable")[:, : min(k, logits.shape[1] - 1)]
    return _Judged(
        shares[rows, targets],
        1 + (logits > own[:, None]).sum(axis=1),
        -(shares * logs).sum(axis=1) / np.log(2),
        likeliest,
        np.take_along_axis(shares, likeliest, axis=1),
    )


def _quoted(token: str) -> str:
    """A token as it can be told from its surroundings: white space in quotation marks."""
    return repr(token) if token.isspace() else token
