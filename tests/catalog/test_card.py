"""Cards say what a report says, and nothing that does not belong into the repository."""

import dataclasses
import re

import pytest

from tests.helpers import accuracy, made_up_report, made_up_writer
from zoo.catalog.card import card
from zoo.registry import UnknownNameError
from zoo.training.report import Report

RECIPE = 'model = "lstm"\ntask = "sentiment"\n\n[training]\nseeds = [1, 2]\n'
DETAILS = {
    "label_names": ["negative", "positive"],
    "reliability": [
        {"from": 0.5, "to": 0.55, "confidence": 0.521, "accuracy": 0.5, "texts": 1_200},
        {"from": 0.95, "to": 1.0, "confidence": 0.991, "accuracy": 0.973, "texts": 9_000},
    ],
    "slices": {"length": [{"slice": "up to 100 words", "texts": 3_246, "accuracy": 0.9012}]},
    "mistakes": [
        {
            "place": 12_345,
            "true": "negative",
            "predicted": "positive",
            "probability": 0.9987,
            "words": 321,
            "negations": 7,
            "contrast_words": 5,
            "has_rating": True,
            "upper_case_share": 0.125,
        }
    ],
}
STORED = {
    "quantization": "int8",
    "bytes": 1_450_000,
    "seed": 2,
    "validation": accuracy(0.91),
    "test": accuracy(0.8871),
    "details": DETAILS,
}


@pytest.fixture(scope="module")
def report():
    runs = [made_up_report(seed=1), made_up_report(seed=2, test=accuracy(0.895))]
    return dataclasses.replace(Report.over_seeds(runs, "zoo fit"), details={"shipped": STORED})


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def cells(text: str, first: str) -> list[str]:
    """The row of a table that begins with a cell."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_scores_of_seeds_and_of_what_ships(report):
    scores = section(card("lstm_imdb", report, RECIPE), "Scores")
    columns = ["score", "validation", "test", "spread", "packaged, validation", "packaged, test"]
    assert cells(scores, "score") == columns
    # The mean of 88.5 and 89.5, which lie half a point times the root of two from it.
    expected = ["accuracy", "90.00%", "89.00%", "± 0.71%", "91.00%", "88.71%"]
    assert cells(scores, "accuracy") == expected
    assert "seeds 1 and 2" in scores and "of seed 2, the best on validation" in scores
    assert "stored as int8" in scores


def test_size_time_and_recipe(report):
    text = card("lstm_imdb", report, RECIPE)
    costs = section(text, "Size and time")
    assert cells(costs, "parameters")[1] == "1,310,000"
    assert cells(costs, "size as packaged")[1] == "1,450,000 bytes (1.4 MB), int8"
    assert cells(costs, "time per seed")[1] == "fitting 24 s, testing 10 s; on 2 CPU cores"
    recipe = section(text, "Recipe")
    assert RECIPE.strip() in recipe and "weights of" not in recipe
    assert "\n    zoo fit --recipe lstm_imdb --out runs/lstm_imdb\n" in recipe
    began = section(card("a", report, 'initial_weights = "writer"\n' + RECIPE), "Recipe")
    assert "weights of `writer`" in began


def test_where_it_fails(report):
    text = card("lstm_imdb", report, RECIPE)
    assert cells(section(text, "Calibration"), "50% to 55%")[1:] == ["52.1%", "50.0%", "1,200"]
    kinds = section(text, "Accuracy by subset")
    assert cells(kinds, "up to 100 words") == ["up to 100 words", "90.1%", "3,246"]
    fails = section(text, "Most confident errors")
    described = ["negative", "positive", "99.87%", "321", "7", "5", "yes", "12.5%"]
    assert cells(fails, "12,345")[1:] == described
    assert "on the test split" in fails


def test_data_has_terms_and_no_paths(report):
    text = card("lstm_imdb", report, RECIPE)
    data = section(text, "Data")
    assert "Maas" in data and "22,500 train, 2,500 validation and 25,000 test" in data
    assert "Duplicate texts within train: 96." in data and "c0ffee" in data
    assert "elsewhere" not in text
    assert not re.search(r"[{}]", text.replace(RECIPE, ""))


def test_how_to_use_a_classifier(report):
    text = card("lstm_imdb", report, RECIPE)
    use = section(text, "Use")
    for line in (
        'zoo predict --model lstm_imdb "A fine film."',
        'zoo.pipeline("lstm_imdb")',
        'tf.saved_model.load("saved_models/lstm_imdb/1")',
    ):
        assert line in use
    assert "`negative` and `positive`" in text
    assert "Decisions about people" in section(text, "Out-of-scope use")
    for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        compile(code, "card", "exec")


def test_a_writer_has_its_protocol_and_its_warnings():
    text = card("gru_shakespeare", made_up_writer(), 'model = "gru"\n')
    scores = section(text, "Scores")
    assert cells(scores, "score") == ["score", "validation", "test"]
    assert cells(scores, "bits per character") == ["bits per character", "1.4000", "1.4000"]
    assert "1,000 word-level tokens, 4,800 characters" in scores
    assert "at most 256 tokens" in scores and "20,000 entries" in scores and "1.23%" in scores
    assert "zoo generate --model gru_shakespeare" in section(text, "Use")
    assert "untrue" in section(text, "Out-of-scope use")
    assert "offensive" in section(text, "Out-of-scope use")
    for title in ("Calibration", "Accuracy by subset", "Most confident errors"):
        assert f"## {title}" not in text


def test_without_test_nothing_claims_to_be_of_it(report):
    stored = {**STORED, "test": {}}
    untested = dataclasses.replace(report, test={}, spread={}, details={"shipped": stored})
    text = card("lstm_imdb", untested, RECIPE)
    columns = ["score", "validation", "packaged, validation"]
    assert cells(section(text, "Scores"), "score") == columns
    assert "The test split was not evaluated." in text
    assert "on the validation split" in section(text, "Most confident errors")
    assert "the test split" not in section(text, "Calibration")


def test_what_is_not_there_is_left_out():
    text = card("plain", made_up_report(dataset={**made_up_report().dataset, "name": "m|ne"}), "")
    assert "packaged" not in section(text, "Scores").lower() and "± " not in text
    assert "size as packaged" not in text and "A single run, with seed 1." in text
    with pytest.raises(UnknownNameError, match="Unknown task 'translation'"):
        card("odd", made_up_report(task="translation"), "")
