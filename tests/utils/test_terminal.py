"""A terminal of 80 columns shows every table without broken words."""

import re

import pytest

import zoo
from tests.helpers import made_up_report, made_up_writer
from zoo.utils import pretrained
from zoo.utils.terminal import fit_columns, format_facts


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def check(shown: str, allowed: str) -> None:
    """No line is longer than the terminal, and every word is one of those that are allowed."""
    assert max(map(len, shown.splitlines())) <= 80
    words = {word.strip(".,;:“”()%") for word in allowed.split()}
    for word in shown.split():
        assert word.strip(".,;:“”()%") in words or re.fullmatch(r"[\W\d_]*", word), word


def test_the_leaderboard(call):
    board = zoo.leaderboard()
    titles = " ".join(" ".join(table.cells(compact=True)[0]) for table in board.tables)
    names = " ".join(table.title for table in board.tables)
    status, printed, _ = call("leaderboard")
    assert status == 0
    check(printed, f"{board.wide()} {titles} {names}")
    # The first columns always have room.
    for row in board.rows:
        assert any(line.startswith(f" {row.name} ") for line in printed.splitlines())
    assert printed.count("baseline") >= 2 and "accuracy %" in printed


def test_all_columns_of_the_leaderboard(call):
    status, printed, _ = call("leaderboard", "--wide")
    assert (status, printed) == (0, zoo.leaderboard().wide())
    assert "calibration error" in printed and "zoo fit --recipe gru_imdb" in printed


def test_the_list(call):
    status, printed, _ = call("list")
    assert status == 0
    makers = [
        *map(zoo.models.model_factory, zoo.list_models()),
        *(getattr(zoo.tasks, name) for name in zoo.tasks.list_tasks()),
        *map(zoo.datasets.dataset_function, zoo.datasets.list_datasets()),
    ]
    board = zoo.leaderboard()
    words = [maker.__doc__ for maker in makers]
    words += [*zoo.list_models(), *zoo.tasks.list_tasks(), *zoo.datasets.list_datasets()]
    words += [f"{row.name} {row.summary}" for row in board.rows]
    check(printed, " ".join([*words, "model task dataset description pretrained for data score"]))


@pytest.mark.parametrize("name", pretrained.names())
def test_reports(name):
    report = zoo.Report.load(pretrained.folder() / name / pretrained.REPORT)
    assert max(map(len, str(report).splitlines())) <= 80
    assert all(word in str(report).split() for word in report.command.split())
    for score in report.validation:
        assert f" {score.replace('_', ' ')} " in str(report)


def test_a_report_with_long_names_leaves_its_confusion_matrix_out():
    names = [f"a_long_name_of_class_{number}" for number in range(8)]
    details = {"label_names": names, "confusion_matrix": [[1] * 8] * 8}
    shown = str(made_up_report(details=details))
    assert max(map(len, shown.splitlines())) <= 80 and names[0] not in shown
    small = {"label_names": ["good", "bad"], "confusion_matrix": [[1, 2], [3, 4]]}
    assert "true \\ predicted" in str(made_up_report(details=small))
    assert "perplexity" in str(made_up_writer())


def test_facts_continue_below_themselves():
    shown = format_facts([("a", "one two three four five six"), ("name", "x" * 40)], width=20)
    assert shown.splitlines() == [
        "a     one two three four",
        "      five six",
        f"name  {'x' * 40}",
    ]


def test_columns_that_have_room_are_chosen_by_priority():
    header = ["model", "score", "a longer title", "mark"]
    rows = [["lstm", "0.5", "1", "below the baseline"]]
    assert fit_columns(header, rows, 80) == [0, 1, 2, 3]
    assert fit_columns(header, rows, 24, wraps=["mark"], priority=["mark"]) == [0, 3]
    assert fit_columns(header, rows, 3) == [0]
