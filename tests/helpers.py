"""Runs and recipes that many tests need."""

import pathlib

import zoo
from zoo.catalog.recipe import Recipe


def make_run(reviews, folder: pathlib.Path, **options) -> zoo.Report:
    """Fits a tiny GRU and exports it, as `zoo fit` does."""
    task = zoo.tasks.sentiment(reviews)
    report = zoo.fit_and_evaluate(
        lambda: zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8),
        task,
        **{"epochs": 2, "seed": 3, "log_dir": folder, "verbose": False, **options},
    )
    model, task = zoo.load(folder)
    zoo.export_saved_model(model, task, folder / "saved_model" / "1")
    return report


def bag_recipe(**training) -> Recipe:
    """A recipe that is fitted in no time."""
    return Recipe(
        "bag_of_words",
        "sentiment",
        "synthetic_reviews",
        data_options={"train_size": 200, "validation_size": 50, "test_size": 50, "seed": 1},
        model_options={"embedding_dim": 4},
        training={"epochs": 1, "seed": 1, **training},
    )


def fit_writer(task, folder: pathlib.Path, **options) -> zoo.Report:
    """Fits a tiny GRU to text generation."""
    settings = {"epochs": 3, "batch_size": 16, "seed": 3, "log_dir": folder, "verbose": False}
    return zoo.fit_and_evaluate(
        lambda: zoo.GRU(**task.model_arguments(), embedding_dim=16, units=32),
        task,
        **{**settings, **options},
    )
