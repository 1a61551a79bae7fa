"""The examples in docstrings run, and every public factory, task and function has one.

How to write one: after `Args:`, `Returns:` and `Raises:`, three lines with the names below.

    Example:
    >>> model = zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8)
    >>> model(task.text_to_ids(["A fine film."])).shape
    TensorShape([1, 2])

There already, made for each docstring:
    zoo, np              the package, and NumPy
    reviews              a tiny `zoo.datasets.synthetic_reviews`
    task, model          sentiment on it, and a GRU that was not trained
    writing_task, writer     text generation on it, and a GRU that was not trained
    report               a report of sentiment that was made up
    runs/gru, runs/writer    folders of finished runs of both tasks, with SavedModels

The working directory is empty but for `runs/`, where a docstring mentions it, and goes away.
`...` in the output stands for anything, and white space does not matter. Print shapes, names or
rounded numbers, nothing that a seed or a machine decides. Shipped models may be used: they load in
a second. Keep it under two seconds. To run some:

    python -m pytest tests/test_docstrings.py -k GRU

A public function without one fails the test at the end of this file.
"""

import ast
import doctest
import importlib
import inspect
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import made_up_report

ROOT = Path(__file__).resolve().parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.REPORT_NDIFF


def docstrings(path: Path) -> Iterator[tuple[str, str, int]]:
    """Name, docstring and line of a module and of all classes and functions in it."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    def walk(node: ast.AST, name: str) -> Iterator[tuple[str, str, int]]:
        found = ast.get_docstring(node, clean=False)
        if found:
            yield name, found, node.body[0].lineno - 1
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                yield from walk(child, f"{name}.{child.name}")

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), module)


def examples() -> Iterator[doctest.DocTest]:
    parser = doctest.DocTestParser()
    for path in sorted((ROOT / "zoo").rglob("*.py")):
        for name, docstring, line in docstrings(path):
            test = parser.get_doctest(docstring, {}, name, str(path), line)
            if test.examples:
                yield test


EXAMPLES = {test.name: test for test in examples()}


@pytest.fixture(scope="module")
def few_reviews():
    return zoo.datasets.load(
        "synthetic_reviews", train_size=60, validation_size=20, test_size=20, seed=1
    )


@pytest.fixture(scope="module")
def tasks(few_reviews):
    return {
        "task": zoo.tasks.sentiment(few_reviews, sequence_length=50),
        "writing_task": zoo.tasks.text_generation(few_reviews, sequence_length=32),
    }


@pytest.fixture
def namespace(request, few_reviews, tasks, tmp_path, monkeypatch):
    """Makes the names that a docstring uses."""

    def make(docstring: str) -> dict:
        keras.utils.set_random_seed(1)
        monkeypatch.chdir(tmp_path)
        for folder, fixture in (("runs/gru", "run"), ("runs/writer", "writing_run")):
            if folder in docstring:
                shutil.copytree(request.getfixturevalue(fixture), folder)
        if not re.search("export|pipeline|load", docstring):
            request.getfixturevalue("eager")
        makers = {
            "zoo": lambda: zoo,
            "np": lambda: np,
            "reviews": lambda: few_reviews,
            "report": made_up_report,
            "task": lambda: tasks["task"],
            "writing_task": lambda: tasks["writing_task"],
            "model": lambda: small_gru(tasks["task"]),
            "writer": lambda: small_gru(tasks["writing_task"]),
        }
        return {
            name: make() for name, make in makers.items() if re.search(rf"\b{name}\b", docstring)
        }

    return make


def small_gru(task):
    return zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name, namespace):
    test = EXAMPLES[name]
    test.globs = namespace("".join(example.source for example in test.examples))
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


def public_functions() -> Iterator[tuple[str, str]]:
    """Name and docstring of everything public that has to show how it is used."""
    homes = {name for name in dir(zoo) if not name.startswith("_")}
    packages = [f"zoo.{name}" for name in homes if inspect.ismodule(getattr(zoo, name))]
    for place in ["zoo", *sorted(packages), "zoo.inspection.plots"]:
        module = importlib.import_module(place)
        names = homes if place == "zoo" else getattr(module, "__all__", dir(module))
        if place == "zoo.tasks":
            names = {*names, *zoo.tasks.list_tasks()}
        for name in sorted(names):
            value = getattr(module, name)
            is_ours = getattr(value, "__module__", "").startswith(place)
            if inspect.isfunction(value) and not name.startswith("_") and is_ours:
                yield f"{place}.{name}", value.__doc__ or ""


def test_every_public_factory_task_and_function_has_an_example():
    assert [name for name, docstring in public_functions() if ">>>" not in docstring] == []


def test_the_public_functions_are_found():
    """Those that registries know too."""
    found = {name for name, _ in public_functions()}
    factories = {
        f"zoo.{zoo.models.model_factory(name).__name__}" for name in zoo.models.list_models()
    }
    datasets = {
        f"zoo.datasets.{zoo.datasets.dataset_function(name).__name__}"
        for name in zoo.datasets.list_datasets()
    }
    tasks = {f"zoo.tasks.{name}" for name in zoo.tasks.list_tasks()}
    assert factories | datasets | tasks | {"zoo.load", "zoo.explain"} <= found
