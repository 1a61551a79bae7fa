"""Share of attributions that falls on the evidence, which is known in synthetic reviews.

The decisive words of each review are known: aspect, negation and adjective, and the aspect in the
verdict. The score is the share of absolute attribution on them, compared with that of a uniform
attribution. The completeness error of integrated gradients is relative to the change of the logit
margin: the ratio of the means, and the median of the ratios. Only correctly classified reviews are
explained.

    taskset -c 0,1 python benchmarks/attribution.py
"""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

import zoo

SEED = 1
# Settings of `zoo demo`: two opinions, a little plot, and a verdict.
LENGTHS = {"opening": 0, "gap": 5, "distance": 0}
SMALL = {"embedding_dim": 32, "embedding_dropout": 0.0, "dropout": 0.0}
FIT = {"epochs": 10, "batch_size": 128, "learning_rate": 8e-3}
MODELS: dict[str, tuple[dict, dict]] = {
    "bag_of_words": ({"embedding_dim": 32}, {"epochs": 2, "learning_rate": 1e-2}),
    "simple_rnn": (
        # An orthogonal initialization with gain 1 preserves most of the state.
        {**SMALL, "units": 64, "pooling": "last", "recurrent_gain": 1.0},
        {"epochs": 12, "batch_size": 64, "learning_rate": 1e-3},
    ),
    "lstm": ({**SMALL, "units": 64, "pooling": "last"}, FIT),
    "gru": ({**SMALL, "units": 64, "pooling": "last"}, FIT),
    "transformer": (
        {**SMALL, "num_layers": 2, "positions": "sine"},
        {**FIT, "learning_rate": 3e-3},
    ),
    "gpt": (
        SMALL,
        {**FIT, "learning_rate": 3e-3},
    ),
}


def main(names: Sequence[str], num_reviews: int, steps: int) -> None:
    """Train each network, explain reviews that it classifies correctly, and print a table."""
    from zoo.datasets.synthetic_reviews import generate_reviews

    dataset = zoo.datasets.load("synthetic_reviews", **LENGTHS)
    task = zoo.tasks.sentiment(dataset)
    arguments = task.model_arguments()
    # The test split again, with the evidence of each review.
    reviews = generate_reviews(
        len(dataset.test["text"]),
        **LENGTHS,
        label_noise=0.03,
        seed=f"{dataset.arguments['seed']}/test",
    )
    assert [review.text for review in reviews] == list(dataset.test["text"])
    import keras  # After the zoo has imported TensorFlow without log lines.

    print("                             share on evidence, %    IG's error, %       rank")
    print("model         accuracy, %    IG  occlusion  uniform   mean  median  correlation")
    for name in names:
        options, settings = MODELS[name]
        keras.utils.set_random_seed(SEED)
        model = zoo.create_model(name, **arguments, **options)
        report = zoo.fit_and_evaluate(model, task, seed=SEED, verbose=False, **settings)
        facts = np.array([*_facts(model, task, reviews, num_reviews, steps)])
        gradients, occluded, uniform, correlation, error, difference = facts.mean(axis=0)
        # A mean of ratios would be dominated by the few texts that differ little from the baseline.
        ratios = facts[:, 4] / facts[:, 5]
        print(
            f"{name:14}{100 * report.test['accuracy']:11.1f}{100 * gradients:6.1f}"
            f"{100 * occluded:11.1f}{100 * uniform:9.1f}{100 * error / difference:7.2f}"
            f"{100 * np.median(ratios):8.2f}{correlation:13.2f}",
            flush=True,
        )


def _facts(model, task, reviews, num_reviews: int, steps: int) -> Iterator[tuple[float, ...]]:
    """Yield, per review: three shares, correlation of both methods, error, and change of margin."""
    found = 0
    for review in reviews:
        integrated = zoo.inspection.integrated_gradients(model, task, review.text, steps=steps)
        if integrated.label != task.label_names[review.label]:
            continue
        occluded = zoo.inspection.occlusion(model, task, review.text)
        uniform = dataclasses.replace(occluded, scores=np.ones(len(occluded.scores)))
        yield (
            *(each.share_on(review.evidence) for each in (integrated, occluded, uniform)),
            _rank_correlation(integrated.scores, occluded.scores),
            abs(integrated.completeness_error),
            abs(integrated.answer - integrated.baseline_answer),
        )
        found += 1
        if found == num_reviews:
            return


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation; scores are never equal, so ties are not handled."""
    ranks = [np.argsort(np.argsort(scores)) for scores in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models", nargs="*", default=list(MODELS), help="architectures; all by default"
    )
    parser.add_argument("--reviews", type=int, default=200, help="number of explained reviews")
    parser.add_argument("--steps", type=int, default=256, help="steps of integrated gradients")
    given = parser.parse_args()
    main(given.models, given.reviews, given.steps)
