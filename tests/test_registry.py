"""A name that is nearly right is suggested."""

import pytest

from zoo.registry import did_you_mean
from zoo.training.run import ModelNotFoundError, Run

KNOWN = ["lstm", "gru", "imdb_reviews", "text", "text_generation", "label"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LSTM", "lstm"),
        ("Text", "text"),
        ("ltsm", "lstm"),
        ("IMDB Reviews", "imdb_reviews"),
        ("imdb", "imdb_reviews"),
        ("text-generation", "text_generation"),
        ("TextGeneration", "text_generation"),
        ("labels", "label"),
    ],
)
def test_a_near_miss_is_suggested(name, meant):
    assert did_you_mean(name, KNOWN) == f" Did you mean {meant!r}?"


@pytest.mark.parametrize("name", ["", "x", "chess", "e"])
def test_nothing_is_suggested_for_another_name(name):
    assert did_you_mean(name, KNOWN) == ""


def test_a_pretrained_model_is_suggested():
    with pytest.raises(ModelNotFoundError, match=r"Did you mean 'gru_imdb'\?$"):
        Run.find("GRU-IMDB")
