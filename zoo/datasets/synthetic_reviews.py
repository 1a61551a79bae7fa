"""Film reviews from a probabilistic grammar, for which the best possible scores are known.

A review consists of

    opening    plot, which is independent of the label
    opinions   "The story was not dull, but the music was weak."
    gap        more plot
    verdict    "What counts for me is the story."
    distance   more plot, up to the end of the text

The label is the opinion of the aspect that the verdict names, flipped with probability
`label_noise`. To predict it, a model has to bind an adjective to its negation and to its aspect,
and remember both until the verdict and on to the end.

Three properties make these reviews a measuring instrument:

- The grammar is unambiguous: the log probability of a text is the sum of the log probabilities of
  its choices, so that the true cross-entropy of a set of texts is known exactly. `parse` recovers
  the derivation from the text.
- Without noise the text determines the label: the best accuracy is 1 - label_noise.
- The best accuracy of a bag of words is known, see `best_bag_of_words_accuracy`.
"""

import collections
import dataclasses
import functools
import itertools
import math
import operator
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import BestPossible, DatasetError, Split, TextDataset
from zoo.datasets.registry import register_dataset

LABEL_NAMES = ("negative", "positive")

# Shares of reviews whose two opinions agree and of opinions that are negated.
AGREEING_SHARE = 0.4
NEGATED_SHARE = 0.25

# Each blank of a template is filled by a uniform draw from one of these lists. No noun or
# adjective starts with a vowel, because the templates say "a".
WORDS = {
    blank: tuple(words.split())
    for blank, words in {
        "aspect": "acting dialogue music story",
        "positive": "brilliant charming delightful graceful lovely memorable splendid wonderful",
        "negative": "boring clumsy dreadful dull horrible tedious terrible weak",
        "negation": "never not",
        "person": (
            "baker captain detective doctor farmer gardener lawyer nurse pilot prince sailor "
            "singer teacher thief tailor widow"
        ),
        "companion": "brother cousin friend neighbour rival sister soldier stranger",
        "thing": (
            "book clock coin diary key lantern letter map mirror necklace photograph ring "
            "suitcase sword ticket violin"
        ),
        "place": (
            "bridge castle church desert forest garden harbour hotel library market river "
            "station theatre tower village windmill"
        ),
        "waits": "dances dreams returns sleeps trembles vanishes waits wanders",
        "finds": "borrows carries draws finds hides loses sells steals",
        "meets": "betrays follows helps marries meets rescues trusts visits",
        "near": "behind beside inside near",
        "when": "again alone later outside quietly tonight twice upstairs",
    }.items()
}

# Plot uses the adjectives of the opinions, so that spotting one is not enough. A sentence of plot
# has none or one of each polarity: the difference of the two counts comes from the opinions only,
# and plot does not change the best accuracy of a bag of words (see `best_bag_of_words_accuracy`).
PLOT = (
    "The {person} {waits} {when}.",
    "A {person} {waits} {when}.",
    "The {person} {finds} a {thing}.",
    "The {person} {meets} a {companion}.",
    "The {person} {waits} {near} the {place}.",
    "The {person} {meets} a {companion} {when}.",
    "The {positive} {person} {finds} a {negative} {thing}.",
    "The {negative} {person} {finds} a {positive} {thing}.",
    "The {positive} {person} {meets} a {negative} {companion}.",
    "The {negative} {person} {meets} a {positive} {companion}.",
    "The {person} {finds} a {thing} {near} the {place}.",
    "The {positive} {person} {finds} a {negative} {thing} {when}.",
    "The {negative} {person} {finds} a {positive} {thing} {when}.",
)

VERDICTS = (
    "What counts for me is the {aspect}.",
    "I judge a film by its {aspect}.",
    "For me a film is all about the {aspect}.",
)

_TOKEN = re.compile(r"\w+|[^\w\s]")

# Draws a number from [0, 1). `random.Random.random` is the only method that is guaranteed to return
# the same numbers for the same seed in every version of Python.
_Random = Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Review:
    """A text of the grammar with its label and probabilities.

    Attributes:
        text: The review.
        label: 0 (negative) or 1 (positive), after label noise.
        log_probability: Natural logarithm of the exact probability of `text`.
        num_tokens: Number of words and punctuation marks, without an end token.
        evidence: (start, end) character spans of the words that determine the label, in the order
            of the text: aspect, negation if there is one, adjective, aspect in the verdict.
        positive_probability: Exact probability of label 1 given `text`.
    """

    text: str
    label: int
    log_probability: float
    num_tokens: int
    evidence: tuple[tuple[int, int], ...]
    positive_probability: float


@register_dataset("synthetic_reviews", "synthetic")
def synthetic_reviews(
    *,
    train_size: int = 20_000,
    validation_size: int = 2_000,
    test_size: int = 5_000,
    opening: int | Sequence[int] = (0, 10),
    gap: int | Sequence[int] = 0,
    distance: int | Sequence[int] = (0, 10),
    label_noise: float = 0.03,
    seed: int = 0,
) -> TextDataset:
    """Generated film reviews with known best possible scores.

    The reviews are the same on every platform. Each split has a separate random stream: its size
    does not change the other splits, and a larger split starts with the smaller one. For the
    evidence and the probabilities of a split's reviews, call
    `generate_reviews(size, ..., seed=f"{seed}/train")`, likewise with `validation` and `test`.

    Args:
        train_size: Number of training reviews.
        validation_size: Number of validation reviews.
        test_size: Number of test reviews.
        opening: Tokens of plot before the opinions: a number, or a range (low, high) with both ends
            included, from which each review draws uniformly. Lengths of 1 to 4 tokens do not
            exist and are removed from a range.
        gap: Tokens of plot between the opinions and the verdict, as for `opening`.
        distance: Tokens of plot between the verdict and the end of the text, as for `opening`.
        label_noise: Share of flipped labels, at least 0 and below 0.5.
        seed: Seed of the reviews.

    Returns:
        A `TextDataset` with `best_possible`.

    Raises:
        DatasetError: If a size, a number of tokens or the noise is out of range.

    Example:
    >>> dataset = zoo.datasets.synthetic_reviews(train_size=100, label_noise=0.1)
    >>> len(dataset.train), dataset.best_possible.accuracy
    (100, 0.9)
    """
    sizes = {"train": train_size, "validation": validation_size, "test": test_size}
    for name, size in sizes.items():
        if size < 1:
            raise DatasetError(f"{name}_size must be 1 or more; it is {size}.")
    lengths = {"opening": opening, "gap": gap, "distance": distance}
    reviews = {
        name: generate_reviews(size, **lengths, label_noise=label_noise, seed=f"{seed}/{name}")
        for name, size in sizes.items()
    }
    splits: dict[str, Any] = {
        name: Split({"text": [r.text for r in rs], "label": [r.label for r in rs]})
        for name, rs in reviews.items()
    }
    return TextDataset(
        "synthetic_reviews",
        **splits,
        label_names=LABEL_NAMES,
        audit=_audit(splits),
        best_possible=_optimum(reviews["test"], label_noise),
        arguments={
            **{f"{name}_size": size for name, size in sizes.items()},
            **{name: _as_json_has_it(length) for name, length in lengths.items()},
            "label_noise": label_noise,
            "seed": seed,
        },
    )


def generate_reviews(
    count: int,
    *,
    opening: int | Sequence[int],
    gap: int | Sequence[int],
    distance: int | Sequence[int],
    label_noise: float,
    seed: int | str,
) -> list[Review]:
    """Draws `count` independent reviews. For the other arguments see `synthetic_reviews`.

    Raises:
        DatasetError: If `count`, a number of tokens or the noise is out of range.
    """
    if count < 0:
        raise DatasetError(f"count must be 0 or more; it is {count}.")
    process = _Process.checked(opening, gap, distance, label_noise)
    # A string is hashed with SHA-512: neighbouring seeds yield independent streams.
    stream = random.Random(f"zoo synthetic_reviews {seed}").random
    return [process.draw(stream) for _ in range(count)]


def parse(
    text: str,
    *,
    opening: int | Sequence[int],
    gap: int | Sequence[int],
    distance: int | Sequence[int],
    label_noise: float,
) -> Review | None:
    """Parses a text into its derivation.

    The parser shares only the word lists and the probabilities of the choices with the generator.
    Agreement of the two is therefore evidence that both are correct.

    Returns:
        The review with its most likely label; None if the grammar cannot generate the text.

    Raises:
        DatasetError: If a number of tokens or the noise is out of range.
    """
    return _Process.checked(opening, gap, distance, label_noise).parse(text)


def log_probability(
    text: str,
    *,
    opening: int | Sequence[int],
    gap: int | Sequence[int],
    distance: int | Sequence[int],
) -> float:
    """Returns the natural logarithm of the exact probability of a text, by parsing it.

    It is -inf if the grammar cannot generate the text.

    Raises:
        DatasetError: If a number of tokens is out of range.
    """
    review = parse(text, opening=opening, gap=gap, distance=distance, label_noise=0.0)
    return -math.inf if review is None else review.log_probability


def best_bag_of_words_accuracy(label_noise: float) -> float:
    """Returns the expected accuracy of the Bayes classifier on bags of words.

    Words and punctuation marks are separate tokens ("dull," as one word would reveal which opinion
    comes first). The accuracy is exact and independent of the amount of plot. The polarity of an
    opinion includes its negation ("not dull" is positive). Let a be the share of reviews whose
    opinions agree in polarity, and n the share of negated opinions. Without label noise:

    - The opinions disagree ("but", 1 - a of the reviews). Exchange the predicates of the two
      aspects: "The story was dull, but the music was not weak" becomes "The story was not weak,
      but the music was dull". The bag and the probability are the same, the label is the other
      one. The best accuracy is 1/2.
    - They agree and exactly one is negated ("and", one negation; 2 n (1 - n) of these reviews).
      One adjective is positive and one negative. Exchange the adjectives: the bag and the
      probability are the same, the label is the other one. The best accuracy is 1/2.
    - They agree and none or both are negated. Both adjectives have the same polarity, and plot has
      as many positive as negative adjectives: the bag has two more of one polarity than of the
      other, which determines the label. The best accuracy is 1.

    Plot never contains "and", "but" or negations, so the bag also determines the case. In total
    the accuracy is

        c = (1 - a) / 2 + a (1 - n (1 - n))

    and e + (1 - 2 e) c if a share e of the labels is flipped.

    Raises:
        DatasetError: If `label_noise` is out of range.
    """
    _check_noise(label_noise)
    one_negated = 2 * NEGATED_SHARE * (1 - NEGATED_SHARE)
    when_agreeing = one_negated / 2 + (1 - one_negated)
    without_noise = (1 - AGREEING_SHARE) / 2 + AGREEING_SHARE * when_agreeing
    return label_noise + (1 - 2 * label_noise) * without_noise


class _Template:
    """A sentence with blanks. Each is filled by a uniform draw from its list of words."""

    def __init__(self, template: str):
        self._frame = re.sub(r"{\w+}", "%s", template)
        self._choices = [WORDS[blank] for blank in re.findall(r"{(\w+)}", template)]
        self.num_tokens = _count_tokens(re.sub("[{}]", "", template))
        self.log_probability = -sum(math.log(len(words)) for words in self._choices)
        pattern = re.sub(r"{(\w+)}", lambda blank: _any_of(blank[1]), template.replace(".", r"\."))
        self.fullmatch = re.compile(pattern).fullmatch

    def draw(self, stream: _Random) -> str:
        return self._frame % tuple([_pick(words, stream) for words in self._choices])


def _any_of(*blanks: str) -> str:
    """Returns a regular expression that captures one word of these lists."""
    return f"({'|'.join(word for blank in blanks for word in WORDS[blank])})"


def _count_tokens(text: str) -> int:
    return len(_TOKEN.findall(text))


def _pick(options: Sequence, stream: _Random) -> Any:
    return options[int(stream() * len(options))]


# --- Plot ---------------------------------------------------------------------------------------

_PLOT_OF_LENGTH: dict[int, list[_Template]] = {}
for _template in map(_Template, PLOT):
    _PLOT_OF_LENGTH.setdefault(_template.num_tokens, []).append(_template)
_SHORTEST, _LONGEST = min(_PLOT_OF_LENGTH), max(_PLOT_OF_LENGTH)


def _can_be_filled(num_tokens: int) -> bool:
    """Whether plot can have this length: sentences of 5 to 9 tokens add up to all but 1 to 4."""
    return num_tokens == 0 or num_tokens >= _SHORTEST


def _sentence_lengths(left: int) -> tuple[int, ...]:
    """Returns the possible lengths of the next sentence if `left` tokens of plot remain."""
    return _SENTENCE_LENGTHS[min(left, len(_SENTENCE_LENGTHS) - 1)]


# Larger values of `left` allow the same lengths as the last entry.
_SENTENCE_LENGTHS = tuple(
    tuple(n for n in sorted(_PLOT_OF_LENGTH) if n <= left and _can_be_filled(left - n))
    for left in range(_LONGEST + _SHORTEST + 1)
)


def _draw_plot(num_tokens: int, stream: _Random) -> tuple[str, float]:
    """Returns plot of exactly `num_tokens` tokens, and its log probability given that number."""
    sentences = []
    log_probability = 0.0
    while num_tokens:
        lengths = _sentence_lengths(num_tokens)
        length = _pick(lengths, stream)
        templates = _PLOT_OF_LENGTH[length]
        template = _pick(templates, stream)
        sentences.append(template.draw(stream))
        log_probability += template.log_probability - math.log(len(lengths) * len(templates))
        num_tokens -= length
    return " ".join(sentences), log_probability


def _plot_log_probability(plot: str) -> float:
    """Returns the same log probability from the text; -inf if the text is not plot."""
    left = _count_tokens(plot)
    log_probability = 0.0
    for sentence in re.split(r"(?<=\.) ", plot) if plot else ():
        length = _count_tokens(sentence)
        lengths = _sentence_lengths(left)
        templates = _PLOT_OF_LENGTH.get(length, [])
        template = next((t for t in templates if t.fullmatch(sentence)), None)
        if template is None or length not in lengths:
            return -math.inf
        log_probability += template.log_probability - math.log(len(lengths) * len(templates))
        left -= length
    return log_probability


# --- Opinions and verdict -----------------------------------------------------------------------

_VERDICTS = [{aspect: v.format(aspect=aspect) for aspect in WORDS["aspect"]} for v in VERDICTS]
_ASPECT_OF_VERDICT = {text: aspect for verdict in _VERDICTS for aspect, text in verdict.items()}

# Aspects are in a fixed order. In free order, a network that reads its last state stays for long at
# the accuracy that the agreeing reviews allow. A bag of words gains nothing from the order.
_PAIRS_OF_ASPECTS = tuple(itertools.combinations(WORDS["aspect"], 2))

_OPINION = f"{_any_of('aspect')} was (?:{_any_of('negation')} )?{_any_of('positive', 'negative')}"
_VERDICT = f"({'|'.join(map(re.escape, _ASPECT_OF_VERDICT))})"
_REVIEW = re.compile(
    rf"(?:(.+?) )?The {_OPINION}, (and|but) the {_OPINION}\.(?: (.+))? {_VERDICT}(?: (.+))?"
)


class _Opinion(NamedTuple):
    """The opinion of one aspect; `negation` is empty if there is none."""

    aspect: str
    negation: str
    adjective: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.aspect, "was", self.negation, self.adjective)))

    @property
    def positive(self) -> bool:
        """The polarity, negation included: "not dull" is positive."""
        return (self.adjective in WORDS["positive"]) != bool(self.negation)

    @property
    def log_probability(self) -> float:
        """Given the aspect and the polarity."""
        num_negations, num_adjectives = len(WORDS["negation"]), len(WORDS["positive"])
        negation = NEGATED_SHARE / num_negations if self.negation else 1 - NEGATED_SHARE
        return math.log(negation / num_adjectives)

    def evidence(self, start: int) -> tuple[tuple[int, int], ...]:
        """Returns the spans of its words if the opinion starts at character `start`."""
        end = start + len(str(self))
        adjective = (end - len(self.adjective), end)
        negation_end = adjective[0] - 1
        negation = (negation_end - len(self.negation), negation_end)
        aspect = (start, start + len(self.aspect))
        return (aspect, negation, adjective) if self.negation else (aspect, adjective)


def _draw_opinion(aspect: str, positive: bool, stream: _Random) -> _Opinion:
    negated = stream() < NEGATED_SHARE
    negation = _pick(WORDS["negation"], stream) if negated else ""
    adjectives = WORDS["positive" if positive != negated else "negative"]
    return _Opinion(aspect, negation, _pick(adjectives, stream))


def _core_log_probability(opinions: Sequence[_Opinion]) -> float:
    """Returns the log probability of two opinions and a verdict."""
    first, second = opinions
    agreeing = AGREEING_SHARE if first.positive == second.positive else 1 - AGREEING_SHARE
    num_choices = len(_PAIRS_OF_ASPECTS) * len(LABEL_NAMES) * len(opinions) * len(_VERDICTS)
    return math.log(agreeing / num_choices) + first.log_probability + second.log_probability


# --- The whole review ---------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Process:
    """Validated settings: all possible lengths of each part of plot, and the label noise."""

    opening: tuple[int, ...]
    gap: tuple[int, ...]
    distance: tuple[int, ...]
    label_noise: float

    @classmethod
    def checked(cls, opening, gap, distance, label_noise) -> "_Process":
        _check_noise(label_noise)
        return cls(
            _plot_lengths("opening", opening),
            _plot_lengths("gap", gap),
            _plot_lengths("distance", distance),
            label_noise,
        )

    def draw(self, stream: _Random) -> Review:
        first_positive = stream() < 0.5
        agreeing = stream() < AGREEING_SHARE
        aspects = _pick(_PAIRS_OF_ASPECTS, stream)
        opinions = (
            _draw_opinion(aspects[0], first_positive, stream),
            _draw_opinion(aspects[1], first_positive == agreeing, stream),
        )
        decisive = _pick(opinions, stream)
        verdict = _pick(_VERDICTS, stream)[decisive.aspect]
        flipped = stream() < self.label_noise

        num_plot_tokens = [_pick(lengths, stream) for lengths in self._plot_lengths]
        plots = [_draw_plot(n, stream) for n in num_plot_tokens]
        (opening, _), (gap, _), (closing, _) = plots
        sentence = f"The {opinions[0]}, {'and' if agreeing else 'but'} the {opinions[1]}."
        text = " ".join(filter(None, (opening, sentence, gap, verdict, closing)))

        # Plot contains neither "was" nor a verdict, so each of these has one position.
        named_at = text.index(verdict) + verdict.rindex(decisive.aspect)
        return Review(
            text,
            label=int(decisive.positive != flipped),
            log_probability=self._lengths_log_probability
            + _core_log_probability(opinions)
            + sum(log_probability for _, log_probability in plots),
            num_tokens=sum(num_plot_tokens) + _count_tokens(f"{sentence} {verdict}"),
            evidence=(
                *decisive.evidence(text.index(str(decisive))),
                (named_at, named_at + len(decisive.aspect)),
            ),
            positive_probability=self._positive_probability(decisive),
        )

    def parse(self, text: str) -> Review | None:
        match = _REVIEW.fullmatch(text)
        if not match:
            return None
        groups = match.groups(default="")
        opinions = _Opinion(*groups[1:4]), _Opinion(*groups[5:8])
        opening, conjunction, gap, verdict, closing = (groups[i] for i in (0, 4, 8, 9, 10))
        plots = (opening, gap, closing)

        aspects = tuple(opinion.aspect for opinion in opinions)
        agreeing = opinions[0].positive == opinions[1].positive
        named = _ASPECT_OF_VERDICT[verdict]
        log_probability = (
            self._lengths_log_probability
            + _core_log_probability(opinions)
            + sum(map(_plot_log_probability, plots))
        )
        if (
            aspects not in _PAIRS_OF_ASPECTS
            or named not in aspects
            or agreeing != (conjunction == "and")
            or any(
                _count_tokens(p) not in n for p, n in zip(plots, self._plot_lengths, strict=True)
            )
            or log_probability == -math.inf
        ):
            return None
        place = aspects.index(named)
        positive_probability = self._positive_probability(opinions[place])
        words = (2 + 4 * place, 3 + 4 * place, 4 + 4 * place)  # The groups of the opinion named.
        named_at = match.start(10) + verdict.rindex(named)
        return Review(
            text,
            label=int(positive_probability > 0.5),
            log_probability=log_probability,
            num_tokens=_count_tokens(text),
            evidence=(
                *(match.span(word) for word in words if match[word]),
                (named_at, named_at + len(named)),
            ),
            positive_probability=positive_probability,
        )

    @property
    def _plot_lengths(self) -> tuple[tuple[int, ...], ...]:
        return self.opening, self.gap, self.distance

    @functools.cached_property
    def _lengths_log_probability(self) -> float:
        return -sum(math.log(len(lengths)) for lengths in self._plot_lengths)

    def _positive_probability(self, decisive: _Opinion) -> float:
        return 1 - self.label_noise if decisive.positive else self.label_noise


def _check_noise(label_noise: float) -> None:
    if not 0 <= label_noise < 0.5:
        raise DatasetError(
            "label_noise must be 0 or more and below 0.5 (half of all labels); "
            f"it is {label_noise}."
        )


def _plot_lengths(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Returns all lengths in `value`, which is a number or a range (low, high)."""
    try:
        ends = value if isinstance(value, Sequence) else (value, value)
        low, high = map(operator.index, ends)
    except (TypeError, ValueError):
        raise DatasetError(
            f"{name} must be a number of tokens or two, (low, high); it is {value!r}."
        ) from None
    if not 0 <= low <= high:
        raise DatasetError(
            f"{name} must be 0 or more tokens, and in a range (low, high) the lower number first; "
            f"it is {value!r}."
        )
    lengths = tuple(filter(_can_be_filled, range(low, high + 1)))
    if not lengths:
        raise DatasetError(
            f"{name} must be 0 tokens or {_SHORTEST} or more, because no sentence of plot is "
            f"shorter; it is {value!r}."
        )
    return lengths


def _as_json_has_it(value: int | Sequence[int]) -> int | list[int]:
    """Returns the value that JSON restores."""
    return [int(n) for n in value] if isinstance(value, Sequence) else int(value)


def _optimum(test: Sequence[Review], label_noise: float) -> BestPossible:
    nats = -sum(review.log_probability for review in test)
    num_tokens = sum(review.num_tokens + 1 for review in test)
    num_characters = sum(len(review.text) + 1 for review in test)
    best = [int(review.positive_probability > 0.5) for review in test]
    return BestPossible(
        accuracy=1 - label_noise,
        loss=-sum(p * math.log(p) for p in (label_noise, 1 - label_noise) if p),
        accuracy_on_test=float(np.mean([b == r.label for b, r in zip(best, test, strict=True)])),
        nats_per_token=nats / num_tokens,
        nats_per_character=nats / num_characters,
    )


def _audit(splits: Mapping[str, Split]) -> Audit:
    seen = collections.Counter(itertools.chain(*(set(split.texts) for split in splits.values())))
    shared = sum(count > 1 for count in seen.values())
    # Generated texts have the same words by chance, and contradictory labels by `label_noise`.
    return Audit(
        duplicates={"across train, validation and test": shared},
        near_duplicates={},
        contradictions=0,
    )
