"""A dataset is one file: what registers in it can be named everywhere."""

import importlib.util

import pytest

import zoo
from zoo.datasets import registry

COLOURS = '''
"""Names of colours, each warm or cold."""

from zoo.datasets import Split, TextDataset, register_dataset


@register_dataset("colours", "colors")
def colours(*, size: int = 16) -> TextDataset:
    """Sentences about a colour."""
    kinds = [("blue", 0), ("green", 0), ("red", 1), ("yellow", 1)]

    def split(place: str, size: int) -> Split:
        rows = [(f"The {place} {n} is {colour}.", k) for n in range(size) for colour, k in kinds]
        texts, labels = zip(*rows)
        return Split({"text": texts, "label": labels})

    return TextDataset(
        "colours",
        train=split("house", size),
        validation=split("door", 4),
        test=split("roof", 4),
        label_names=["cold", "warm"],
        arguments={"size": size},
    )
'''


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """The module, in the zoo until the test ends."""
    zoo.datasets.list_datasets()
    monkeypatch.setattr(registry._DATASETS, "_makers", dict(registry._DATASETS._makers))
    monkeypatch.setattr(registry, "_ALIASES", dict(registry._ALIASES))
    file = tmp_path / "colours.py"
    file.write_text(COLOURS)
    spec = importlib.util.spec_from_file_location("colours", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    monkeypatch.delattr(zoo.datasets, "colours", raising=False)


def test_a_registered_dataset_has_its_names(colours):
    assert "colours" in zoo.datasets.list_datasets()
    assert zoo.datasets.colours is colours.colours
    dataset = zoo.datasets.load("colors", size=3)
    assert dataset.columns == {"text": "text", "label": "category"}
    again = zoo.datasets.load(dataset.name, **dataset.arguments)
    assert again.fingerprint == dataset.fingerprint
    with pytest.raises(zoo.datasets.DatasetError, match="of colours 'sise'.* Did you mean 'size'"):
        zoo.datasets.load("colours", sise=3)


def test_every_task_can_be_fitted_to_a_registered_dataset(colours, call, eager, tmp_path):
    fit = ("--data", "colours", "--epochs", "1", "--dashboards", "none", "--quiet")
    for model, task in (("bag_of_words", "sentiment"), ("gru", "text_generation")):
        out = tmp_path / task
        status, _, error = call("fit", model, task, *fit, "--out", out)
        assert (status, error) == (0, "")
        assert zoo.Report.load(out / "report.json").dataset["name"] == "colours"
