"""Model cards: description, scores, costs and limits of a pretrained model, from its report."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from zoo.tasks import task_class
from zoo.training.report import Report
from zoo.utils.text import list_words, markdown_table

# Of each dataset: the kind of its texts, as part of a sentence; its source and terms.
_DATA = {
    "imdb_reviews": (
        "English film reviews from IMDb",
        "Maas, Daly, Pham, Huang, Ng and Potts 2011, *Learning Word Vectors for Sentiment "
        "Analysis*, ACL (https://ai.stanford.edu/~amaas/data/sentiment/). Its authors gave it out "
        "for research and ask to be cited; it states no licence, and the reviews belong to those "
        "who wrote them.",
    ),
    "tiny_shakespeare": (
        "passages of Shakespeare's plays",
        "Karpathy 2015, char-rnn (https://github.com/karpathy/char-rnn). The plays are in the "
        "public domain.",
    ),
    "synthetic_reviews": (
        "made-up film reviews out of a small grammar",
        "The zoo makes them itself (`zoo/datasets/synthetic_reviews.py`); there are no terms.",
    ),
}


def recipe_command(name: str) -> str:
    """The command that trains a pretrained model again."""
    return f"zoo fit --recipe {name} --out runs/{name}"


def megabytes(size: int | None) -> str:
    """Bytes as text."""
    return "-" if size is None else f"{size / 1e6:.1f} MB"


def shipped_facts(report: Report) -> dict[str, Any]:
    """The facts of the packaged SavedModel, see `zoo.catalog.package`; empty for a run."""
    return report.details.get("shipped") or {}


def card(name: str, report: Report, recipe_text: str) -> str:
    """The card of a model, as Markdown.

    Sections without facts in the report are left out. A card quotes no text of the dataset, and its
    recipe names no path, see `Recipe.without_paths`.

    Args:
        name: the model's name: its folder in `saved_models/`.
        report: of its run, on one seed or several; `details["shipped"]` holds the facts of the
            packaged SavedModel.
        recipe_text: its recipe, as TOML.
    """
    return _markdown(_Card(name, report, recipe_text))


class _Card:
    """The facts of a card."""

    def __init__(self, name: str, report: Report, recipe_text: str):
        self.name = name
        self.report = report
        self.recipe_text = recipe_text
        self.description = task_class(report.task).description
        self.stored = shipped_facts(report)
        self.details = self._details()
        labels = [f"`{label}`" for label in self.details.get("label_names", [])]
        data, self.terms = _DATA.get(report.dataset["name"], (report.dataset["name"], ""))
        self.words = {
            "name": name,
            "data": data,
            "labels": list_words(labels) or "those of its data",
        }

    def _details(self) -> Mapping[str, Any]:
        """Those of what is shipped, or else of the run or of the first seed."""
        first = self.report.runs[0].details if self.report.runs else {}
        return self.stored.get("details") or {**first, **self.report.details}

    def filled(self, template: str) -> str:
        return template.format_map(self.words)

    @property
    def split(self) -> str:
        """The split that the details are of."""
        scored = self.stored if self.stored.get("details") else {"test": self.report.test}
        return "test" if scored.get("test") else "validation"


def _markdown(card: _Card) -> str:
    """All sections that have something to say."""
    sections: list[tuple[str, Callable[[_Card], Iterable[str]]]] = [
        ("Use", _use),
        ("Scores", _scores),
        ("Size and time", _costs),
        ("Recipe", _recipe),
        ("Data", _data),
        ("Calibration", _calibration),
        ("Kinds of text", _slices),
        ("Where it fails", _mistakes),
        ("What it is not for", _misuse),
    ]
    parts = [f"# {card.name}\n", *_introduction(card)]
    for title, section in sections:
        if paragraphs := list(section(card)):
            parts += [f"## {title}\n", *paragraphs]
    return "\n".join(parts)


# Sections: each yields paragraphs that end with a line break, or none


def _introduction(card: _Card) -> Iterable[str]:
    report = card.report
    yield (
        f"A `{report.model['name']}` for {report.task.replace('_', ' ')}, fitted on "
        f"`{report.dataset['name']}` ({card.words['data']}) with the "
        f"[language model zoo](../../README.md). {card.filled(card.description.purpose)} `1/` "
        "is a SavedModel that takes raw text and needs neither the zoo nor Keras.\n"
    )


def _use(card: _Card) -> Iterable[str]:
    for language, code in card.description.use:
        yield f"```{language}\n{card.filled(code)}\n```\n"


def _scores(card: _Card) -> Iterable[str]:
    columns = _score_columns(card)
    yield markdown_table(
        ["score", *(title for title, _ in columns)],
        [
            [score.replace("_", " "), *(cell(score) for _, cell in columns)]
            for score in card.report.validation
        ],
    )
    yield " ".join([*_about_seeds(card), *_about_what_is_stored(card)]) + "\n"
    yield from _protocol(card)


def _score_columns(card: _Card) -> list[tuple[str, Callable[[str], str]]]:
    """Title and cell function of each column that is not empty."""
    report, stored = card.report, card.stored

    def column(title: str, scores: Mapping[str, float | None] | None, sign: str = ""):
        scores = scores or {}

        def cell(score: str) -> str:
            value = scores.get(score)
            return f"{sign if value is not None else ''}{report.format_score(score, value)}"

        return [(title, cell)] if scores else []

    return [
        *column("validation", report.validation),
        *column("test", report.test),
        *column("spread", report.spread if len(report.runs) > 1 else None, "± "),
        *column("shipped, validation", stored.get("validation")),
        *column("shipped, test", stored.get("test")),
        *column("best possible", report.best_possible),
    ]


def _about_seeds(card: _Card) -> Iterable[str]:
    seeds = [str(run.seed) for run in card.report.runs] or [str(card.report.seed)]
    if len(seeds) > 1:
        spread = ", with the standard deviation of test" if card.report.test else ""
        yield f"Means over the seeds {list_words(seeds)}{spread}."
    else:
        yield f"One run, with seed {seeds[0]}."
    if card.report.test:
        yield "The test split was scored once a run, at the end."
    else:
        yield "The test split was not scored."


def _about_what_is_stored(card: _Card) -> Iterable[str]:
    if not card.stored:
        return
    seed = card.stored.get("seed")
    which = "" if seed is None else f" of seed {seed}"
    if seed is not None and len(card.report.runs) > 1:
        which += ", the best on validation,"
    yield (
        f"Shipped are the weights{which} stored as {card.stored['quantization']}; the scores "
        "under "
        "“shipped” were measured on that SavedModel, from raw text."
    )


def _protocol(card: _Card) -> Iterable[str]:
    """How a language model was asked."""
    facts = card.details
    if "context" not in facts:
        return
    level = f", a {facts['level']} each" if "level" in facts else ""
    parts = [
        f"The {card.split} split was asked for every token once ({facts['tokens']:,} "
        f"tokens{level}; {facts['characters']:,} characters), with {facts['context']} tokens "
        "of context at most.",
    ]
    if "vocabulary" in facts:
        parts.append(f"The vocabulary has {facts['vocabulary']:,} entries.")
    parts.append(
        f"{facts['unknown_share']:.2%} of the tokens are not in it; bits per character hold "
        "what it costs to spell them, which makes models of words and of characters comparable."
    )
    yield " ".join(parts) + "\n"


def _costs(card: _Card) -> Iterable[str]:
    report = card.report
    a_seed = " a seed" if len(report.runs) > 1 else ""
    seconds = ", ".join(f"{what} {value:,.0f} s" for what, value in report.seconds.items())
    rows = [["parameters", f"{report.model['parameters']:,}"]]
    if "bytes" in card.stored:
        rows.append(
            [
                "size as shipped",
                f"{card.stored['bytes']:,} bytes ({megabytes(card.stored['bytes'])}), "
                f"{card.stored['quantization']}",
            ]
        )
    rows += [
        [f"time{a_seed}", f"{seconds}; on {report.cores} processor cores"],
        ["peak memory", f"{report.peak_memory_mb:,.0f} MB"],
        ["versions", ", ".join(f"{what} {value}" for what, value in report.versions.items())],
    ]
    yield markdown_table(["fact", ""], rows)


def _recipe(card: _Card) -> Iterable[str]:
    yield "What differs from the defaults:\n"
    yield f"```toml\n{card.recipe_text.strip()}\n```\n"
    yield f"It is trained again by\n\n    {recipe_command(card.name)}\n"
    if source := initial_weights(card.recipe_text):
        yield (
            f"It began with the weights of `{source}`, which the command trains first by their "
            "own recipe. The times above are without that.\n"
        )


def _data(card: _Card) -> Iterable[str]:
    dataset = card.report.dataset
    sizes = list_words([f"{count:,} {split}" for split, count in dataset["sizes"].items()])
    sentences = [f"`{dataset['name']}`: {sizes}.", *dataset["warnings"], card.terms]
    yield " ".join(filter(None, sentences)) + "\n"
    yield f"None of its text is in this repository. Fingerprint: `{dataset['fingerprint']}`.\n"


def _calibration(card: _Card) -> Iterable[str]:
    bins = card.details.get("reliability")
    if not bins:
        return
    yield (
        f"How often it is right on the {card.split} split, by how sure it is. A calibrated "
        "model has the same number in both of the middle columns.\n"
    )
    yield markdown_table(
        ["confidence", "mean confidence", "accuracy", "texts"],
        [
            [
                f"{row['from']:.0%} to {row['to']:.0%}",
                f"{row['confidence']:.1%}",
                f"{row['accuracy']:.1%}",
                f"{row['texts']:,}",
            ]
            for row in bins
        ],
    )


def _slices(card: _Card) -> Iterable[str]:
    slices = card.details.get("slices")
    if not slices:
        return
    yield f"Accuracy on parts of the {card.split} split.\n"
    for kind, rows in slices.items():
        yield markdown_table(
            [kind, "accuracy", "texts"],
            [[row["slice"], f"{row['accuracy']:.1%}", f"{row['texts']:,}"] for row in rows],
        )


def _mistakes(card: _Card) -> Iterable[str]:
    mistakes = card.details.get("mistakes")
    if not mistakes:
        return
    yield (
        f"The wrong answers on the {card.split} split that it was surest of, described and "
        "not quoted. The place counts from 0; negations are words such as “not”, contrasts "
        "such as “but”; the last columns say whether a rating such as “7/10” stands in the "
        "text, and how many of its words are all in capitals.\n"
    )
    yield markdown_table(
        [
            *("place", "true", "predicted", "probability"),
            *("words", "negations", "contrasts", "rating", "capitals"),
        ],
        [
            [
                f"{mistake['place']:,}",
                mistake["true"],
                mistake["predicted"],
                f"{mistake['probability']:.2%}",
                f"{mistake['words']:,}",
                str(mistake["negations"]),
                str(mistake["contrast_words"]),
                "yes" if mistake["has_rating"] else "no",
                f"{mistake['upper_case_share']:.1%}",
            ]
            for mistake in mistakes
        ],
    )


def _misuse(card: _Card) -> Iterable[str]:
    yield "".join(f"- {card.filled(sentence)}\n" for sentence in card.description.misuse)


def initial_weights(recipe_text: str) -> str | None:
    """The model that a recipe starts from; None for random weights."""
    try:
        return tomllib.loads(recipe_text).get("initial_weights")
    except tomllib.TOMLDecodeError:
        return None
