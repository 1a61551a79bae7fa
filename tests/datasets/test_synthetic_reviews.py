import collections
import hashlib
import itertools
import json
import math
import re

import numpy as np
import pytest

from zoo.datasets import DatasetError, load
from zoo.datasets.synthetic_reviews import (
    AGREEING_SHARE,
    NEGATED_SHARE,
    PLOT,
    VERDICTS,
    WORDS,
    best_bag_of_words_accuracy,
    generate_reviews,
    log_probability,
    parse,
    synthetic_reviews,
)

NO_PLOT = {"opening": 0, "gap": 0, "distance": 0}
SOME_PLOT = {"opening": (0, 10), "gap": (5, 20), "distance": (0, 30)}
OPINIONS = re.compile(r"The (\w+) (was [\w ]+), (and|but) the (\w+) (was [\w ]+)\.")


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def fill(template: str):
    """All sentences of a template."""
    blanks = re.findall(r"{(\w+)}", template)
    frame = re.sub(r"{\w+}", "{}", template)
    for words in itertools.product(*(WORDS[blank] for blank in blanks)):
        yield frame.format(*words)


@pytest.fixture(scope="module")
def reviews():
    return generate_reviews(4000, **SOME_PLOT, label_noise=0.1, seed=5)


@pytest.fixture(scope="module")
def all_without_plot() -> list[tuple[str, float, int]]:
    """Each text that can be made without plot, its log probability and its label.

    Written from the description of the process, without a look at how the module makes it.
    """
    say = {0: [], 1: []}  # For each polarity: what can be said of an aspect, how probable it is.
    for polarity, name in enumerate(("negative", "positive")):
        for adjective in WORDS[name]:
            say[polarity].append((f"was {adjective}", (1 - NEGATED_SHARE) / len(WORDS[name])))
            for negation in WORDS["negation"]:
                probability = NEGATED_SHARE / len(WORDS["negation"]) / len(WORDS[name])
                say[1 - polarity].append((f"was {negation} {adjective}", probability))
    pairs = list(itertools.combinations(WORDS["aspect"], 2))
    texts = []
    for (first, second), p, q in itertools.product(pairs, (0, 1), (0, 1)):
        conjunction = "and" if p == q else "but"
        share = AGREEING_SHARE if p == q else 1 - AGREEING_SHARE
        share /= len(pairs) * 2 * 2 * len(VERDICTS)
        for (a, probability_a), (b, probability_b) in itertools.product(say[p], say[q]):
            opinions = f"The {first} {a}, {conjunction} the {second} {b}. "
            log_p = math.log(share * probability_a * probability_b)
            for verdict, (named, label) in itertools.product(VERDICTS, ((first, p), (second, q))):
                texts.append((opinions + verdict.format(aspect=named), log_p, label))
    return texts


class TestGeneration:
    def test_is_the_same_on_every_platform(self):
        reviews = generate_reviews(100, **SOME_PLOT, label_noise=0.1, seed=0)
        written = "\n".join(f"{review.label} {review.text}" for review in reviews)
        digest = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
        assert digest == "560a7c884a3570a0e63c59f3f82b1764"

    def test_depends_on_the_seed(self, reviews):
        arguments = {**SOME_PLOT, "label_noise": 0.1}
        assert generate_reviews(50, **arguments, seed=5) == reviews[:50]
        assert generate_reviews(50, **arguments, seed=6) != reviews[:50]

    def test_label_noise_changes_no_text(self):
        clean, noisy = (
            generate_reviews(200, **SOME_PLOT, label_noise=noise, seed=1) for noise in (0.0, 0.3)
        )
        assert [review.text for review in clean] == [review.text for review in noisy]
        assert {review.positive_probability for review in clean} == {0.0, 1.0}
        assert {review.positive_probability for review in noisy} == {0.3, 0.7}

    def test_shares_are_as_asked_for(self, reviews):
        flipped = np.mean([(r.positive_probability > 0.5) != r.label for r in reviews])
        assert np.mean([review.label for review in reviews]) == pytest.approx(0.5, abs=0.03)
        assert flipped == pytest.approx(0.1, abs=0.02)
        agreeing = np.mean([", and the " in review.text for review in reviews])
        assert agreeing == pytest.approx(AGREEING_SHARE, abs=0.03)

    @pytest.mark.parametrize("part", ["opening", "gap", "distance"])
    @pytest.mark.parametrize("length", [0, 5, 11, 300])
    def test_plot_is_exactly_as_long_as_asked_for(self, part, length):
        arguments = {**NO_PLOT, part: length}
        for review in generate_reviews(20, **arguments, label_noise=0.0, seed=2):
            found = OPINIONS.search(review.text)
            verdict_end = review.evidence[-1][1] + 1  # The full stop.
            verdict_start = review.text.rindex(". ", 0, review.evidence[-1][0]) + 2
            plot = {
                "opening": review.text[: found.start()],
                "gap": review.text[found.end() : verdict_start],
                "distance": review.text[verdict_end:],
            }
            assert {name: len(tokens(text)) for name, text in plot.items()} == arguments
            assert review.num_tokens == len(tokens(review.text))

    def test_a_range_of_lengths_leaves_out_what_no_sentence_fills(self):
        with_plot = generate_reviews(
            500, opening=0, gap=0, distance=(0, 8), label_noise=0.0, seed=0
        )
        lengths = collections.Counter(
            len(tokens(review.text[review.evidence[-1][1] + 1 :])) for review in with_plot
        )
        assert sorted(lengths) == [0, 5, 6, 7, 8]
        assert min(lengths.values()) > 70

    def test_the_evidence_is_the_words_that_decide(self, reviews):
        for review in reviews:
            aspect, *said, named = (review.text[start:end] for start, end in review.evidence)
            assert aspect == named
            assert f"{aspect} was {' '.join(said)}" in review.text
            *negation, adjective = said
            assert negation == [] or negation[0] in WORDS["negation"]
            positive = (adjective in WORDS["positive"]) != bool(negation)
            assert positive == (review.positive_probability > 0.5)
            verdict = review.text[: review.evidence[-1][1] + 1]
            assert any(verdict.endswith(v.format(aspect=named)) for v in VERDICTS)


class TestProbability:
    def test_without_plot_all_probabilities_sum_to_one(self, all_without_plot):
        texts = {text for text, _, _ in all_without_plot}
        assert len(texts) == len(all_without_plot)  # No text has two derivations.
        assert math.fsum(math.exp(log_p) for _, log_p, _ in all_without_plot) == pytest.approx(1)

    def test_parsing_finds_the_probability_and_the_label(self, all_without_plot):
        for text, log_p, label in all_without_plot[::17]:
            review = parse(text, **NO_PLOT, label_noise=0.1)
            assert review.log_probability == pytest.approx(log_p, rel=1e-12)
            assert (review.label, review.positive_probability) == (label, (0.1, 0.9)[label])

    def test_plot_sentences_of_each_length_sum_to_one(self):
        core = "The music was dull, but the story was lovely. I judge a film by its story."
        without_plot = log_probability(core, **NO_PLOT)
        # Those with more tokens are too many to go through; the next test looks at their templates.
        for num_tokens in (5, 6):
            templates = [t for t in PLOT if len(tokens(re.sub("[{}]", "", t))) == num_tokens]
            sentences = [sentence for template in templates for sentence in fill(template)]
            log_p = [
                log_probability(f"{core} {sentence}", opening=0, gap=0, distance=num_tokens)
                for sentence in sentences
            ]
            assert len(set(sentences)) == len(sentences)
            assert math.fsum(np.exp(np.subtract(log_p, without_plot))) == pytest.approx(1)

    def test_no_sentence_of_plot_fits_two_templates(self):
        patterns = [
            re.sub(r"{(\w+)}", lambda blank: f"({'|'.join(WORDS[blank[1]])})", template)
            for template in PLOT
        ]
        for template in PLOT:
            sentence = next(iter(fill(template)))
            assert sum(bool(re.fullmatch(pattern, sentence)) for pattern in patterns) == 1

    def test_parsing_finds_again_what_generation_says(self, reviews):
        for review in reviews[:1500]:
            again = parse(review.text, **SOME_PLOT, label_noise=0.1)
            assert again.log_probability == pytest.approx(review.log_probability, rel=1e-12)
            assert again.num_tokens == review.num_tokens
            assert again.evidence == review.evidence
            assert again.positive_probability == review.positive_probability
            assert again.label == (review.positive_probability > 0.5)

    def test_a_long_review_is_parsed_too(self):
        lengths = {"opening": 2000, "gap": 2000, "distance": 2000}
        (review,) = generate_reviews(1, **lengths, label_noise=0.0, seed=3)
        assert log_probability(review.text, **lengths) == pytest.approx(review.log_probability)

    def test_texts_are_as_frequent_as_their_probability_says(self, all_without_plot):
        log_p = np.array([log_p for _, log_p, _ in all_without_plot])
        entropy = -(np.exp(log_p) * log_p).sum()
        spread = math.sqrt((np.exp(log_p) * (log_p + entropy) ** 2).sum())
        drawn = generate_reviews(5000, **NO_PLOT, label_noise=0.0, seed=4)
        mean = -np.mean([review.log_probability for review in drawn])
        assert mean == pytest.approx(entropy, abs=4 * spread / math.sqrt(len(drawn)))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "The music was dull, but the story was lovely.",
            "I judge a film by its story.",
            "The music was dull, and the story was lovely. I judge a film by its story.",
            "The music was dull, but the story was lovely. I judge a film by its acting.",
            "The music was dull, but the music was lovely. I judge a film by its music.",
            "The music was bad, but the story was lovely. I judge a film by its story.",
            " The music was dull, but the story was lovely. I judge a film by its story.",
            "The music was dull, but the story was lovely. I judge a film by its story",
            "The music was dull, but the story was lovely.  I judge a film by its story.",
            "The music was dull, but the story was lovely. I judge a film by its story. The end.",
            "I judge a film by its story. The music was dull, but the story was lovely.",
            "The music was dull, but the story was lovely. I judge a film by its story. "
            "I judge a film by its story.",
        ],
    )
    def test_what_cannot_be_made_has_none(self, text):
        any_length = {"opening": (0, 20), "gap": (0, 20), "distance": (0, 20)}
        assert log_probability(text, **any_length) == -math.inf
        assert parse(text, **any_length, label_noise=0.1) is None

    def test_another_length_of_plot_cannot_be_made(self):
        text = "The music was dull, but the story was lovely. I judge a film by its story."
        longer = f"{text} The pilot sleeps alone."
        assert log_probability(longer, opening=0, gap=0, distance=5) > -math.inf
        assert log_probability(longer, opening=0, gap=0, distance=(6, 9)) == -math.inf
        assert log_probability(longer, opening=(0, 5), gap=0, distance=0) == -math.inf
        assert log_probability(text, opening=0, gap=0, distance=5) == -math.inf


class TestBagOfWords:
    def test_disagreeing_reviews_have_a_twin_of_the_other_label(self, reviews):
        num_twins = 0
        for review in reviews[:1000]:
            found = OPINIONS.search(review.text)
            first, says, conjunction, second, says_too = found.groups()
            if conjunction == "and":
                continue
            exchanged = f"The {first} {says_too}, but the {second} {says}."
            twin = parse(review.text.replace(found[0], exchanged), **SOME_PLOT, label_noise=0.1)
            assert sorted(tokens(twin.text)) == sorted(tokens(review.text))
            assert twin.log_probability == pytest.approx(review.log_probability, rel=1e-12)
            assert twin.positive_probability == pytest.approx(1 - review.positive_probability)
            num_twins += 1
        assert num_twins > 500

    def test_plot_holds_as_many_adjectives_of_either_polarity_and_nothing_that_decides(self):
        for template in PLOT:
            assert template.count("{positive}") == template.count("{negative}")
            assert not {"aspect", "negation"} & set(re.findall(r"{(\w+)}", template))
            assert not {"and", "but", "was"} & set(tokens(template))
        blanks = {blank for template in PLOT for blank in re.findall(r"{(\w+)}", template)}
        plot_words = {word for blank in blanks - {"positive", "negative"} for word in WORDS[blank]}
        assert not plot_words & {*WORDS["negation"], *WORDS["positive"], *WORDS["negative"]}

    def test_the_best_accuracy_is_that_of_all_bags_together(self, all_without_plot):
        # The definition: each bag gets the label that is likelier among all texts of this bag.
        of_bag = collections.defaultdict(lambda: [0.0, 0.0])
        for text, log_p, label in all_without_plot:
            of_bag[tuple(sorted(tokens(text)))][label] += math.exp(log_p)
        right = math.fsum(max(both) for both in of_bag.values())
        assert best_bag_of_words_accuracy(0.0) == pytest.approx(right, rel=1e-9)
        assert best_bag_of_words_accuracy(0.2) == pytest.approx(0.2 + 0.6 * right, rel=1e-9)

    def test_a_trained_bag_of_words_stays_below_the_bound(self):
        dataset = synthetic_reviews(train_size=6000, validation_size=1, test_size=3000, seed=9)
        vocabulary = {
            word: i for i, word in enumerate(sorted(set(tokens(" ".join(dataset.train["text"])))))
        }

        def counts(texts):
            bags = np.zeros((len(texts), len(vocabulary)))
            for row, text in zip(bags, texts, strict=True):
                np.add.at(row, [vocabulary[word] for word in tokens(text)], 1)
            return bags

        def accuracy(weights, bias):
            return np.mean(
                (counts(dataset.test["text"]) @ weights + bias > 0) == dataset.test["label"]
            )

        bags, labels = counts(dataset.train["text"]), dataset.train["label"]
        smoothed = np.stack([bags[labels == label].sum(0) + 1 for label in (0, 1)])
        naive_bayes = np.diff(np.log(smoothed / smoothed.sum(1, keepdims=True)), axis=0)[0]
        ridge = np.linalg.solve(
            bags.T @ bags + 10 * np.eye(len(vocabulary)), bags.T @ (2 * labels - 1)
        )

        bound = best_bag_of_words_accuracy(0.03)
        error = 3 * math.sqrt(bound * (1 - bound) / len(dataset.test))
        for weights in (naive_bayes, ridge):
            assert 0.52 < accuracy(weights, 0.0) < bound + error < 0.8


class TestDataset:
    def test_what_it_holds(self):
        dataset = synthetic_reviews(train_size=60, validation_size=20, test_size=30, seed=3)
        assert dataset.name == "synthetic_reviews"
        assert dataset.label_names == ("negative", "positive")
        assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [60, 20, 30]
        assert dataset.train["label"].dtype == np.int32
        assert not set(dataset.train["text"]) & set(dataset.test["text"])
        assert dataset.audit.sentences() == []

    def test_its_arguments_make_it_again(self):
        dataset = synthetic_reviews(
            train_size=60, validation_size=20, test_size=30, gap=7, distance=(0, 12), seed=3
        )
        again = load(dataset.name, **json.loads(json.dumps(dataset.arguments)))
        assert again.fingerprint == dataset.fingerprint
        assert again.arguments == dataset.arguments

    def test_a_larger_split_starts_with_the_smaller(self):
        small = synthetic_reviews(train_size=30, validation_size=5, test_size=10)
        large = synthetic_reviews(train_size=60, validation_size=5, test_size=20)
        assert large.train["text"][:30] == small.train["text"]
        assert large.test["text"][:10] == small.test["text"]
        assert large.validation["text"] == small.validation["text"]

    def test_the_optimum_is_that_of_the_test_split(self):
        dataset = synthetic_reviews(
            train_size=10, validation_size=10, test_size=500, label_noise=0.1, seed=8
        )
        lengths = {name: dataset.arguments[name] for name in ("opening", "gap", "distance")}
        test = [parse(text, **lengths, label_noise=0.1) for text in dataset.test["text"]]
        nats = -sum(review.log_probability for review in test)
        best_possible = dataset.best_possible
        assert best_possible.accuracy == 0.9
        assert best_possible.loss == pytest.approx(-0.1 * math.log(0.1) - 0.9 * math.log(0.9))
        assert best_possible.accuracy_on_test == np.mean(
            [
                review.label == label
                for review, label in zip(test, dataset.test["label"], strict=True)
            ]
        )
        assert best_possible.nats_per_token == pytest.approx(
            nats / sum(len(tokens(text)) + 1 for text in dataset.test["text"])
        )
        assert best_possible.nats_per_character == pytest.approx(
            nats / sum(len(text) + 1 for text in dataset.test["text"])
        )

    def test_without_noise_the_optimum_is_certain(self):
        best_possible = synthetic_reviews(
            train_size=1, validation_size=1, test_size=50, label_noise=0.0
        ).best_possible
        assert (best_possible.accuracy, best_possible.loss, best_possible.accuracy_on_test) == (
            1,
            0,
            1,
        )

    def test_texts_in_two_splits_are_counted(self):
        dataset = synthetic_reviews(train_size=4000, validation_size=1, test_size=300, **NO_PLOT)
        shared = len(set(dataset.train["text"]) & set(dataset.test["text"]))
        assert shared > 10
        assert sum(dataset.audit.duplicates.values()) == pytest.approx(shared, abs=1)

    def test_the_vocabulary_is_small(self):
        texts = synthetic_reviews(train_size=3000, validation_size=1, test_size=1).train["text"]
        assert 100 <= len(set(tokens(" ".join(texts).lower()))) <= 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_size": -1}, "train_size must be 1 or more; it is -1."),
        ({"test_size": 0}, "test_size must be 1 or more; it is 0."),
        ({"distance": 3}, "distance must be 0 tokens or 5 or more, because no sentence"),
        ({"gap": (1, 4)}, "gap must be 0 tokens or 5 or more"),
        ({"opening": -5}, "opening must be 0 or more tokens"),
        ({"gap": (20, 5)}, "the lower number first; it is (20, 5)."),
        (
            {"gap": (1, 2, 3)},
            "gap must be a number of tokens or two, (low, high); it is (1, 2, 3).",
        ),
        ({"gap": "long"}, "gap must be a number of tokens or two, (low, high); it is 'long'."),
        ({"gap": 7.5}, "gap must be a number of tokens or two, (low, high); it is 7.5."),
        ({"label_noise": 0.7}, "label_noise must be 0 or more and below 0.5"),
        ({"label_noise": -0.1}, "label_noise must be 0 or more and below 0.5"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(arguments, message):
    with pytest.raises(DatasetError, match=re.escape(message)):
        synthetic_reviews(**arguments)


def test_the_other_functions_check_their_arguments_too():
    with pytest.raises(DatasetError, match="count must be 0 or more; it is -1."):
        generate_reviews(-1, **NO_PLOT, label_noise=0.0, seed=0)
    with pytest.raises(DatasetError, match="label_noise"):
        best_bag_of_words_accuracy(0.5)
    with pytest.raises(DatasetError, match="distance"):
        log_probability("", opening=0, gap=0, distance=2)
