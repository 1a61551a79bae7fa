"""What a resumed fit compares: every option of the task and of the model."""

import inspect

import numpy as np
import pytest

import zoo
from tests.models.cases import SMALL
from zoo.datasets import Split, TextDataset
from zoo.training.resume import flat_config, model_config

# Another value than the default, for each option; and what it needs of others.
TASK_OPTIONS = {
    "level": "character",
    "vocabulary_size": 50,
    "min_frequency": 7,
    "sequence_length": 20,
    "context_length": 9,
    "truncation": "start",
    "lowercase": None,
    "markup": "keep",
    "punctuation": "drop",
    "class_weights": "balanced",
    "adversarial": 0.5,
    "temperature_scaling": True,
    "sampled_tokens": 16,
}
MODEL_OPTIONS = {
    "head": "language_model",
    "num_classes": 3,
    "embedding_dim": 16,
    "hidden_units": 20,
    "units": 4,
    "num_layers": 1,
    "num_heads": 1,
    "num_key_heads": 1,
    "bidirectional": True,
    "positions": None,
    "pooling": "max",
    "embedding_dropout": 0.37,
    "dropout": 0.38,
    "feature_dropout": 0.39,
    "recurrent_gain": 0.9,
    "tie_embeddings": True,
    "l1": 0.01,
    "l2": 0.02,
    "num_buckets": 32,
    "scale": 0.5,
    "smoothing": 2.0,
    "name": "another",
}
# These follow from the data, or are how others are given.
NO_OPTIONS = {"vocabulary_of", "vocabulary_size", "sequence_length"}


def options_of(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def task_cases():
    for name in zoo.tasks.list_tasks():
        for option in options_of(zoo.tasks.task_class(name).from_dataset):
            if option != "vocabulary_of":
                yield name, option


def model_cases():
    for name in zoo.list_models():
        for option in options_of(zoo.models.model_factory(name)):
            if option not in NO_OPTIONS:
                yield name, option


@pytest.fixture(scope="module")
def few():
    """A dataset with a column for every task."""
    reviews = zoo.datasets.load(
        "synthetic_reviews", train_size=40, validation_size=20, test_size=20, seed=1
    )
    splits = {
        name: Split(
            {
                "text": split["text"],
                "label": split["label"],
                "target": np.arange(len(split), dtype="float32"),
            }
        )
        for name in ("train", "validation", "test")
        for split in [getattr(reviews, name)]
    }
    return TextDataset("few", **splits, label_names=reviews.label_names)


@pytest.mark.parametrize(("name", "option"), list(task_cases()))
def test_every_option_of_a_task_is_compared(name, option, few):
    default = options_of(zoo.tasks.task_class(name).from_dataset)[option]
    other = not default if option == "lowercase" else TASK_OPTIONS[option]
    assert other != default
    plain, changed = (
        zoo.tasks.create_task(name, few, **options) for options in ({}, {option: other})
    )
    for task in (plain, changed):
        task.examples("train")
    one, another = (flat_config(task.get_config(), "task") for task in (plain, changed))
    differing = [key for key in {**one, **another} if one.get(key) != another.get(key)]
    named = "tokenizer.name" if option == "level" else option
    assert any(key.endswith(named) for key in differing), differing


@pytest.mark.parametrize(("name", "option"), list(model_cases()))
def test_every_option_of_a_model_is_compared(name, option):
    factory = zoo.models.model_factory(name)
    other = MODEL_OPTIONS[option]
    if option == "positions":
        other = "rotary" if name == "gpt" else "sine"
    given = {"vocabulary_size": 40, "sequence_length": 16, **SMALL[name]}
    if option == "tie_embeddings":
        given["head"] = "language_model"
    assert other != {**options_of(factory), **given}[option]
    try:
        changed = factory(**{**given, option: other})
    except ValueError:  # It has no such head.
        assert option == "head"
        return
    one, again, another = (
        flat_config(model_config(model), "model")
        for model in (factory(**given), factory(**given), changed)
    )
    assert one == again
    assert one != another
