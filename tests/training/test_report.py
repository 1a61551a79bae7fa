"""Reports round trip, and read well."""

import json

import pytest

import zoo
from tests.helpers import made_up_report
from zoo.utils.files import FileError


@pytest.fixture(scope="module")
def report(run):
    return zoo.Report.load(run / "report.json")


def test_it_comes_back_as_it_was(report, tmp_path):
    report.save(tmp_path / "report.json")
    assert zoo.Report.load(tmp_path / "report.json") == report


def test_it_says_what_a_reader_asks(report, reviews):
    assert set(report.test) == {"accuracy", "f1", "auc", "loss", "calibration_error"}
    assert set(report.seconds) == {"reading", "tokenizing", "fitting", "validating", "testing"}
    assert report.dataset["fingerprint"] == reviews.fingerprint
    assert report.dataset["sizes"] == {"train": 300, "validation": 80, "test": 100}
    assert report.best_possible["accuracy"] == reviews.best_possible.accuracy_on_test
    assert sum(map(sum, report.details["confusion_matrix"])) == 100
    right = report.details["confusion_matrix"][0][0] + report.details["confusion_matrix"][1][1]
    assert report.test["accuracy"] == right / 100
    assert [entry["epoch"] for entry in report.history] == [1, 2]
    assert report.validation["loss"] == min(entry["val_loss"] for entry in report.history)
    assert 0 <= report.padding_share < 0.5
    assert report.peak_memory_mb > 100
    assert {"python", "keras", "tensorflow", "numpy"} <= set(report.versions)


@pytest.mark.parametrize("render", [str, zoo.Report._repr_html_])
def test_people_see_scores_and_facts(report, render):
    shown = render(report)
    assert f"{report.test['accuracy']:.2%}" in shown
    assert f"{report.best_possible['accuracy']:.2%}" in shown
    assert f"{report.model['parameters']:,}" in shown
    for word in ("gru", "sentiment", "negative", "best possible", "peak memory", "seed"):
        assert word in shown


def test_html_is_escaped(report):
    import dataclasses

    odd = dataclasses.replace(report, command="zoo fit <script>")
    assert "<script>" not in odd._repr_html_()


@pytest.mark.parametrize(
    "damage",
    [
        lambda entries: {},
        lambda entries: {**entries, "format": 99},
        lambda entries: {k: v for k, v in entries.items() if k != "test"},
        lambda entries: {**entries, "extra": 1},
        lambda entries: [entries],
    ],
)
def test_what_is_no_report_is_refused(report, damage, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(json.dumps(damage(report.to_dict())))
    with pytest.raises(FileError, match=r"report\.json is not a report of this zoo: expected"):
        zoo.Report.load(file)


def test_one_run_has_no_spread():
    report = zoo.Report.over_seeds([made_up_report(seed=4)], "")
    assert report.spread == {} and report.seeds == [4]
    assert "spread" not in str(report)
