"""Probability and surprisal of each token of a text under a language model.

Shape letters: T tokens, V vocabulary, D width.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import zoo
from zoo.inspection import marked_text, passes, reading
from zoo.utils.sequences import half_overlapping_windows
from zoo.utils.terminal import one_line

# Logits of one batch, for large vocabularies: 16 megabytes, and some copies.
_MAX_LOGITS = 2**21
# Bits at which the colour of a token is strongest: one in a thousand.
_MAX_BITS = 10.0
_SURPRISE = (213, 94, 0)  # Vermilion of Okabe and Ito (2008).
_NUM_SHOWN = 3


@dataclasses.dataclass(frozen=True, eq=False)  # Arrays have no one equality.
class TokenProbabilities:
    """The predictions of a language model for each token of a text, given all before it.

    Attributes:
        prompt: the text before.
        text: the text.
        tokens: its T tokens, as the model reads them.
        spans: the place of each in the text, (start, end) in characters, or None; see `Reading`.
        probabilities: the probability of each token, (T,).
        ranks: the rank of each token in the vocabulary, from 1 for the most probable, (T,).
        entropies: the entropy of the distribution at each place, in bits, (T,).
        runners_up: the most probable other tokens at each place, with their probabilities.
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
        """The surprisal of each token: minus the binary logarithm of its probability, (T,)."""
        return -np.log2(np.maximum(self.probabilities, np.finfo("float64").tiny))

    def to_dict(self) -> dict[str, Any]:
        """The probabilities as JSON-serializable values."""
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

    def __repr__(self) -> str:
        return f"TokenProbabilities({self._heading()})"

    def __str__(self) -> str:
        return marked_text.plain_text(self)

    def __rich__(self):
        """A line for each token, as `rich` renders it in a terminal."""
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("token", "probability", "rank", "entropy [bits]", "runners-up"):
            numeric = column not in ("token", "runners-up")
            table.add_column(Text(column), justify="right" if numeric else "left")
        shown = reading.shown_tokens(self.text, self.tokens, self.spans)
        for place, token in enumerate(shown):
            red, green, blue = self._colour(place)
            table.add_row(
                Text(one_line(_quoted(token)), style=f"black on rgb({red},{green},{blue})"),
                f"{self.probabilities[place]:.2%}",
                f"{self.ranks[place]:,}",
                f"{self.entropies[place]:.2f}",
                Text(one_line(self._others(place))),
            )
        return Group(Text(one_line(self._heading()), style="bold"), table)

    def _repr_html_(self) -> str:
        body = "".join(
            marked_text.html_piece(piece, None)
            if place is None
            else marked_text.html_piece(piece, self._colour(place), self._summary(place))
            for piece, place in marked_text.pieces(self.text, self.spans)
        )
        are_words = any(span and span[1] - span[0] > 1 for span in self.spans)
        between = " " if self.prompt and are_words else ""
        before = marked_text.html_piece(self.prompt + between, None)
        return marked_text.html_block(self._heading(), before + body)

    def _heading(self) -> str:
        mean = self.bits.mean() if len(self.tokens) else 0.0
        return f"{len(self.tokens):,} tokens, {mean:.2f} bits per token; darker is less expected"

    def _summary(self, place: int) -> str:
        return (
            f"{self.probabilities[place]:.2%}, rank {self.ranks[place]:,}, entropy "
            f"{self.entropies[place]:.2f} bits; runners-up: {self._others(place)}"
        )

    def _others(self, place: int) -> str:
        others = self.runners_up[place][:_NUM_SHOWN]
        return ", ".join(f"{_quoted(token)} {share:.1%}" for token, share in others)

    def _colour(self, place: int) -> marked_text.Colour:
        return marked_text.blend(_SURPRISE, 0.7 * min(self.bits[place] / _MAX_BITS, 1.0))


def token_probabilities(
    model, task: "zoo.tasks.Task", text: str, *, prompt: str = "", k: int = 5
) -> TokenProbabilities:
    """Returns the probability of each token of a text, its rank, and the runners-up.

    They come from the full softmax with temperature 1, as in evaluation. The prompt is the source
    of an encoder-decoder. A text that is longer than the context of the model is read in windows
    with at least half a context before each token.

    Args:
        model: a language model.
        task: its task.
        text: a text.
        prompt: the text before it; "" for the beginning of a text.
        k: the number of runners-up.

    Raises:
        ValueError: for a model that is no language model, or a text without tokens.

    Example:
    >>> found = zoo.inspection.token_probabilities(writer, writing_task, "A fine film.", k=2)
    >>> found.probabilities.shape, len(found.runners_up[0])
    ((4,), 2)
    """
    if task.head != "language_model":
        raise ValueError(
            f"Only a language model has token probabilities; this model is for "
            f"{task.name}: see explain."
        )
    if k < 0:
        raise ValueError(f"k must be 0 or more; it is {k}.")
    before = reading.read(task, prompt)
    asked = passes.without_start(reading.read(task, text))
    if not len(asked.ids):
        raise ValueError("text must have at least one token.")
    parts = [
        _statistics(logits, targets, k) for logits, targets in _logits(model, before.ids, asked.ids)
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
    """Logits (n, V) with their n target tokens, in batches."""
    for features, targets in _features(model, before, asked):
        at_once = max(1, _MAX_LOGITS // model.token_embedding.input_dim)
        for start in range(0, len(targets), at_once):
            some = slice(start, start + at_once)
            yield np.asarray(model.head(features[some]), "float64"), targets[some]


def _features(model, before: np.ndarray, asked: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
    """Features (n, D) with the n target tokens that the head predicts from them."""
    ids = np.concatenate([before, asked])
    context = model.context_length or len(ids)
    windows = half_overlapping_windows(np.array([len(ids)]), context, len(before))
    for begin, first, end in zip(windows.begin, windows.asked, windows.end, strict=True):
        packed = model.pack(ids[None, begin:first], ids[None, first:end])
        inputs = packed.inputs if isinstance(packed.inputs, dict) else {"token_ids": packed.inputs}
        features = np.asarray(model.features(**inputs))
        yield features[packed.is_asked], packed.targets[packed.is_asked]


class _Statistics(NamedTuple):
    probabilities: np.ndarray
    ranks: np.ndarray
    entropies: np.ndarray
    others: np.ndarray
    other_probabilities: np.ndarray


def _statistics(logits: np.ndarray, targets: np.ndarray, k: int) -> _Statistics:
    """Statistics of n tokens from their logits (n, V)."""
    rows = np.arange(len(targets))
    logs = logits - logits.max(axis=1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    shares = np.exp(logs)
    own = logits[rows, targets]
    others = logits.copy()
    others[rows, targets] = -np.inf
    most_probable = np.argsort(-others, axis=1, kind="stable")[:, : min(k, logits.shape[1] - 1)]
    return _Statistics(
        shares[rows, targets],
        1 + (logits > own[:, None]).sum(axis=1),
        -(shares * logs).sum(axis=1) / np.log(2),
        most_probable,
        np.take_along_axis(shares, most_probable, axis=1),
    )


def _quoted(token: str) -> str:
    """A token as it is shown: white space, and what shows nothing, in quotation marks."""
    return repr(token) if token.isspace() or not token.isprintable() else token
