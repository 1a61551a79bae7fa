"""Runs, models, recipes, made-up reports and TensorBoard's answers that several tests need."""

import dataclasses
import json
import pathlib
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zoo
from tests.models.cases import SMALL
from zoo.catalog.recipe import Recipe
from zoo.training.report import Report

# Dashboards trace graphs of their own, which takes longer than a small fit.
FIT = {"seed": 3, "dashboards": "none", "verbose": False}


def make_run(reviews, folder: pathlib.Path, **options) -> zoo.Report:
    """Fits a tiny GRU and exports it, as `zoo fit` does."""
    task = zoo.tasks.sentiment(reviews)
    report = zoo.fit_and_evaluate(
        lambda: zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8),
        task,
        **{**FIT, "epochs": 2, "log_dir": folder, **options},
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
        training={"epochs": 1, "seed": 1, "dashboards": "none", **training},
    )


def fit_writer(task, folder: pathlib.Path, **options) -> zoo.Report:
    """Fits a tiny GRU to text generation."""
    settings = {**FIT, "epochs": 3, "batch_size": 16, "log_dir": folder}
    return zoo.fit_and_evaluate(
        lambda: zoo.GRU(**task.model_arguments(), embedding_dim=16, units=32),
        task,
        **{**settings, **options},
    )


_MEASURED = ("seconds", "throughput", "peak_memory_mb", "command")


def report_without_measurements(run: pathlib.Path) -> dict[str, Any]:
    """The report in a run's folder, without what two equal fits differ in."""
    report = json.loads((run / "report.json").read_text())
    for entry in (report, *report["runs"]):
        for name in _MEASURED:
            del entry[name]
        for epoch in entry["history"]:
            del epoch["seconds"]
    return report


def made_up_report(**changes) -> Report:
    """A report of one run of sentiment, as `fit_and_evaluate` would give it."""
    report = Report(
        task="sentiment",
        metrics=zoo.tasks.Sentiment.metrics,
        model={"name": "lstm", "parameters": 1_310_000, "is_baseline": False},
        dataset={
            "name": "imdb_reviews",
            "arguments": {"data_dir": "/elsewhere/tfds"},
            "sizes": {"train": 22_500, "validation": 2_500, "test": 25_000},
            "fingerprint": "c0ffee",
            "warnings": ["Duplicate texts within train: 96."],
        },
        seed=1,
        training={"epochs": 1, "best_epoch": 1},
        history=[],
        validation={"accuracy": 0.9, "f1": 0.89, "auc": 0.96, "calibration_error": 0.012},
        test={"accuracy": 0.885, "f1": 0.88, "auc": 0.955, "calibration_error": 0.006},
        details={},
        best_possible=None,
        seconds={"fitting": 24.4, "testing": 9.6},
        throughput={"examples_per_second": 900.0, "tokens_per_second": 200_000.0},
        padding_share=0.02,
        peak_memory_mb=1800.0,
        versions={"python": "3.12.1", "keras": "3.15"},
        cores=2,
        command="zoo fit lstm sentiment --data /elsewhere/reviews.csv --out /elsewhere/run",
    )
    return dataclasses.replace(report, **changes)


def made_up_writer(**changes) -> Report:
    """A report of one run of text generation."""
    scores = {"loss": 4.5, "perplexity": 90.0, "bits_per_character": 1.4}
    settings = {
        "task": "text_generation",
        "metrics": zoo.tasks.TextGeneration.metrics,
        "model": {"name": "gru", "parameters": 5_000_000, "is_baseline": False},
        "validation": {**scores, "loss": 4.4},
        "test": scores,
        "details": {
            "tokens": 1_000,
            "characters": 4_800,
            "unknown_share": 0.0123,
            "spelling_nats": 40.0,
            "context": 256,
            "level": "word",
            "vocabulary": 20_000,
        },
    }
    return made_up_report(**{**settings, **changes})


def accuracy(value: float) -> dict[str, float]:
    """Scores with this accuracy."""
    return {"accuracy": value, "f1": value, "auc": 0.95, "calibration_error": 0.01}


def fit_small(name, task, folder, **options):
    """Fits a model that is as small as it can be."""
    model_options = options.pop("model_options")
    settings = {"epochs": 2, "batch_size": 25, "seed": 3, "verbose": False, **options}
    return zoo.fit_and_evaluate(
        lambda: zoo.create_model(name, **task.model_arguments(), **model_options),
        task,
        log_dir=folder,
        **settings,
    )


def small_model(name: str, task: zoo.tasks.Task, **options):
    """A model of the task whose every weight is random, biases too, so that nothing cancels."""
    model = zoo.create_model(name, **task.model_arguments(), **{**SMALL[name], **options})
    generator = np.random.default_rng(7)
    for weight in model.trainable_variables:
        weight.assign(generator.normal(0.0, 0.5, weight.shape))
    return model


def ask(address, path, body=None, raw=False, **query):
    """What TensorBoard answers: JSON, or bytes as they are."""
    url = f"{address}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
    return content if raw else json.loads(content)


def wait_until(is_so, seconds=300):
    """Asks again and again until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "It did not come in time."
        time.sleep(0.2)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable) -> pathlib.Path:
    """A folder that `make(folder)` fills in one of the processes of a test run, for all of them."""
    here = factory.getbasetemp()
    is_one_of_several = here.name.startswith("popen-")
    folder = (here.parent if is_one_of_several else here) / name
    finished = folder.with_name(f"{name}.finished")
    try:
        folder.mkdir()
    except FileExistsError:
        wait_until(finished.exists)
    else:
        try:
            make(folder)
        finally:
            # Those who wait for what could not be made fail at once.
            finished.touch()
    return folder
