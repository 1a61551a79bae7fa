"""Attribution of a prediction to the tokens of a text.

Shape letters: T tokens, E width of the embeddings.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np

import zoo
from zoo import preprocessing
from zoo.inspection import marked_text, reading
from zoo.inspection.logit_margin import (
    check_classifier,
    embedded,
    gradients,
    has_embeddings,
    label_index,
    logit_margin,
    logits_of,
    margin_weights,
)
from zoo.serving.texts import read_texts
from zoo.utils import pretrained
from zoo.utils.terminal import one_line, printable

METHODS = ("integrated_gradients", "occlusion")

# Orange and blue of Okabe and Ito (2008), which are distinct to the colour-blind.
_FOR, _AGAINST = (230, 159, 0), (0, 114, 178)
_STRONGEST = 0.65
# Below this share of the largest score a token is not coloured in a terminal.
_VISIBLE = 0.1
_NUM_STRONGEST = 8
# Share of the logit margin above which a completeness error is too large.
_FAR = 0.05
# Numbers in the embedded texts of one batch: 64 megabytes.
_MAX_NUMBERS = 2**24


@dataclasses.dataclass(frozen=True, eq=False)  # Arrays have no one equality.
class Attribution:
    """The contribution of each token of a text to the score of a label.

    Attributions sum to the logit margin F: the label's logit minus the mean of the other classes'
    logits; with two classes their difference.

    Attributes:
        text: the text.
        tokens: its T tokens as the model reads them, `"[UNK]"` for unknown ones.
        spans: the place of each in the text, (start, end) in characters, or None; see `Reading`.
        scores: the contribution of each to F, in logits, (T,); negative against the label.
        label: the label.
        probability: the probability of the label, given the text.
        method: `"integrated_gradients"` or `"occlusion"`.
        answer: F of the text.
        baseline_answer: F of the baseline, a text of as many unknown tokens.
    """

    text: str
    tokens: tuple[str, ...]
    spans: tuple[reading.Span | None, ...]
    scores: np.ndarray
    label: str
    probability: float
    method: str
    answer: float
    baseline_answer: float

    @property
    def completeness_error(self) -> float:
        """Sum of the scores, minus the difference of F between text and baseline; in logits.

        For integrated gradients it is the error of the numerical integration (Sundararajan et al.
        2017, proposition 1). Occlusion has no such property.
        """
        return float(self.scores.sum() - (self.answer - self.baseline_answer))

    def share_on(self, spans: Sequence[reading.Span]) -> float:
        """Share of the absolute scores on tokens that overlap spans of characters, 0 to 1."""
        touched = [
            own is not None and any(own[0] < end and start < own[1] for start, end in spans)
            for own in self.spans
        ]
        total = np.abs(self.scores).sum()
        return float(np.abs(self.scores)[touched].sum() / total) if total else 0.0

    def strongest(self, count: int, *, against: bool = False) -> list[tuple[str, float]]:
        """The tokens with the highest scores above 0, or against the label the lowest below 0."""
        sign = -1 if against else 1
        order = np.argsort(-sign * self.scores, kind="stable")[:count]
        shown = reading.shown_tokens(self.text, self.tokens, self.spans)
        return [(shown[i], float(self.scores[i])) for i in order if sign * self.scores[i] > 0]

    def to_dict(self) -> dict[str, Any]:
        """The attribution as JSON-serializable values."""
        entries = dataclasses.asdict(self)
        entries["scores"] = [float(score) for score in self.scores]
        entries["tokens"] = list(self.tokens)
        entries["spans"] = [list(span) if span else None for span in self.spans]
        return {**entries, "completeness_error": self.completeness_error}

    def __repr__(self) -> str:
        return f"Attribution({self._heading()})"

    def __str__(self) -> str:
        return marked_text.plain_text(self)

    def __rich__(self):
        """The text with coloured words, as `rich` renders it in a terminal."""
        from rich.console import Group
        from rich.text import Text

        shown = Text()
        for piece, index in marked_text.pieces(self.text, self.spans):
            relative = 0.0 if index is None else self._relative(index)
            if abs(relative) < _VISIBLE:
                shown.append(printable(piece))
            else:
                red, green, blue = self._colour(index)
                shown.append(printable(piece), style=f"black on rgb({red},{green},{blue})")
        strongest = "\n".join(
            f"{side:8} " + "  ".join(f"{word} {score:+.2f}" for word, score in words)
            for side, words in (
                ("for", self.strongest(_NUM_STRONGEST)),
                ("against", self.strongest(_NUM_STRONGEST, against=True)),
            )
            if words
        )
        heading = Text(one_line(self._heading()), style="bold")
        footing = Text(self._completeness(), style="dim")
        return Group(heading, shown, footing, Text(printable(strongest)))

    def _repr_html_(self) -> str:
        body = "".join(
            marked_text.html_piece(piece, None)
            if index is None
            else marked_text.html_piece(piece, self._colour(index), f"{self.scores[index]:+.3f}")
            for piece, index in marked_text.pieces(self.text, self.spans)
        )
        legend = " ".join(
            marked_text.html_piece(f" {words} ", marked_text.blend(colour, _STRONGEST))
            for words, colour in (("for", _FOR), ("against", _AGAINST))
        )
        footing = marked_text.html_piece(self._completeness(), None)
        return marked_text.html_block(self._heading(), f"{body}\n{legend} {footing}")

    def _heading(self) -> str:
        method = self.method.replace("_", " ")
        return f"{self.label}, {self.probability:.1%}; words by {method}"

    def _completeness(self) -> str:
        summary = (
            f"scores sum to {self.scores.sum():+.3f}; the text has {self.answer:+.3f} and unknown "
            f"words {self.baseline_answer:+.3f} (logits): completeness error "
            f"{self.completeness_error:+.4f}"
        )
        is_far = abs(self.completeness_error) > _FAR * abs(self.answer - self.baseline_answer)
        is_sum = self.method == "integrated_gradients" and abs(self.completeness_error) > 0.01
        return f"{summary}; take more steps" if is_sum and is_far else summary

    def _relative(self, index: int) -> float:
        largest = np.abs(self.scores).max()
        return float(self.scores[index] / largest) if largest else 0.0

    def _colour(self, index) -> tuple[int, int, int]:
        relative = self._relative(index)
        return marked_text.blend(_FOR if relative > 0 else _AGAINST, _STRONGEST * abs(relative))


def integrated_gradients(
    model, task: "zoo.tasks.Task", text: str, *, label: str | None = None, steps: int = 64
) -> Attribution:
    """Attributes a prediction by integrated gradients (Sundararajan et al. 2017).

    Equation 1 for each entry of the embeddings x, with baseline x' and the logit margin F:

        (x - x') * integral over alpha from 0 to 1 of dF(x' + alpha (x - x')) / dx

    The integral is a sum over `steps` midpoints (equation 3 has right ends; midpoints are an order
    more exact), and the score of a token is the sum over its entries. The baseline replaces each
    token by the unknown token, which the model has learned to read as any word; it has never read
    a vector of zeros, and padding would change the length. In a vocabulary that holds all training
    words the unknown token was never trained, and is arbitrary.

    Args:
        model: a classifier with embeddings.
        task: its task.
        text: a text.
        label: the label of the logit margin; None for the predicted one.
        steps: points on the path. A saturated network changes its prediction within a small part
            of it: if the completeness error is large, take more.

    Raises:
        ValueError: for a model without embeddings or for another task, for an unknown label, or
            `steps` below 1.

    Example:
    >>> found = zoo.inspection.integrated_gradients(model, task, "A fine film.", steps=8)
    >>> found.scores.shape, found.method
    ((3,), 'integrated_gradients')
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more; it is {steps}.")
    read, baseline, answers, place = _question(model, task, text, label)
    x, start = embedded(model, np.stack([read.ids, baseline]))
    difference = x - start
    total = np.zeros(x.shape, "float64")
    weights = margin_weights(answers.shape[-1], place)
    alphas = (np.arange(steps) + 0.5) / steps
    at_once = max(1, _MAX_NUMBERS // x.size)
    for first in range(0, steps, at_once):
        moves = (alphas[first : first + at_once, None, None] - 1) * difference
        total += gradients(model, read.ids, moves.astype("float32"), weights).sum(axis=0)
    scores = (difference * total / steps).sum(axis=-1)
    return _attribution(task, read, scores, answers, place, "integrated_gradients")


def occlusion(model, task: "zoo.tasks.Task", text: str, *, label: str | None = None) -> Attribution:
    """Attributes a prediction by replacing each token with the unknown token in turn.

    Zeiler and Fergus 2014, section 4.2, for images; Li et al. 2016, "Understanding Neural
    Networks through Representation Erasure", equation 1, for words (here a difference of logits,
    not a share). It needs no gradients, so it checks integrated gradients and works for every
    classifier; words that are redundant with others are underrated.

    Args:
        model: a classifier.
        task: its task.
        text: a text.
        label: the label of the logit margin; None for the predicted one.

    Raises:
        ValueError: for a model of another task, or an unknown label.

    Example:
    >>> zoo.inspection.occlusion(model, task, "A fine film.").scores.shape
    (3,)
    """
    read, _, answers, place = _question(model, task, text, label)
    scores = np.zeros(len(read.ids))
    at_once = max(1, _MAX_NUMBERS // len(read.ids))
    for first in range(0, len(scores), at_once):
        places = np.arange(first, min(first + at_once, len(scores)))
        without = np.repeat(read.ids[None], len(places), axis=0)
        without[np.arange(len(places)), places] = preprocessing.UNKNOWN_ID
        scores[places] = logit_margin(answers[:1], place) - logit_margin(
            logits_of(model, without), place
        )
    return _attribution(task, read, scores, answers, place, "occlusion")


@overload
def explain(  # type: ignore[overload-overlap]  # A string is one text, not an iterable of them.
    text: str, model: Any = ..., *, label: str | None = ..., method: str | None = ...
) -> Attribution: ...


@overload
def explain(
    text: Iterable[str], model: Any = ..., *, label: str | None = ..., method: str | None = ...
) -> list[Attribution]: ...


def explain(text, model=None, *, label: str | None = None, method: str | None = None):
    """Attributes the prediction of a classifier to the words of a text.

    Args:
        text: a text, or any iterable of texts; a long one is truncated as the model does.
        model: the name of a pretrained model, the folder of a run, a SavedModel, or a pair
            (model, task) as `zoo.load` returns it; None for the best pretrained classifier.
        label: label to attribute to the words; None for the predicted one.
        method: attribution method: `"integrated_gradients"` or `"occlusion"`; None for
            `integrated_gradients`, or `occlusion` if the model has no embeddings.

    Returns:
        An `Attribution` for one text, a list of them for an iterable.

    Raises:
        ValueError: for an unknown method or label, or a model that is no classifier.
        TypeError: for anything but texts.

    Example:
    >>> explanation = zoo.explain("A fine film.", (model, task), label="positive")
    >>> explanation.label, len(explanation.tokens)
    ('positive', 3)
    """
    if method not in (None, *METHODS):
        raise ValueError(f"method must be one of {', '.join(METHODS)}; it is {method!r}.")
    read = read_texts(text, "text")
    if not isinstance(model, tuple):
        model = zoo.load(pretrained.best(zoo.tasks.Sentiment.name) if model is None else model)
    model, task = model
    if method is None:
        method = "integrated_gradients" if has_embeddings(model) else "occlusion"
    attribute = integrated_gradients if method == "integrated_gradients" else occlusion
    answers = [attribute(model, task, each, label=label) for each in read.decode()]
    return answers[0] if read.is_single else answers


def _question(model, task, text, label):
    """(reading, ids of the baseline (T,), logits of both (2, C), the index of the label)."""
    check_classifier(task)
    read = reading.read(task, text)
    baseline = np.full_like(read.ids, preprocessing.UNKNOWN_ID)
    answers = logits_of(model, np.stack([read.ids, baseline]))
    return read, baseline, answers, label_index(task, label, answers[0])


def _attribution(task, read, scores, answers, place, method) -> Attribution:
    exponentials = np.exp(answers[0] - answers[0].max())
    answer, baseline_answer = logit_margin(answers, place)
    return Attribution(
        text=read.text,
        tokens=read.tokens,
        spans=read.spans,
        scores=np.asarray(scores, "float64"),
        label=task.label_names[place],
        probability=float(exponentials[place] / exponentials.sum()),
        method=method,
        answer=float(answer),
        baseline_answer=float(baseline_answer),
    )
