"""Texts, labels and names of users are printed as they are: no markup, no escape sequences."""

import json

import pytest

from tests.helpers import made_up_report
from zoo.inspection.marked_text import plain_text
from zoo.training.progress import ProgressBar
from zoo.utils.terminal import format_facts, json_line, make_table, one_line, printable

NAMES = ["[/INST]", "[bold]x[/bold]", ":smile:", "\x1b[31mred", "a\tb\nc", "\x9b2J", "\u202egood"]
SHOWN = [
    "[/INST]",
    "[bold]x[/bold]",
    ":smile:",
    r"\x1b[31mred",
    r"a\tb\nc",
    r"\x9b2J",
    r"\u202egood",
]


def test_what_steers_a_terminal_is_escaped():
    assert [one_line(name) for name in NAMES] == SHOWN
    assert (
        printable("a\tb\nc \u6b63 \U0001f389 e\u0301 \u200d")
        == "a\tb\nc \u6b63 \U0001f389 e\u0301 \u200d"
    )
    assert printable("\r\x00\x7f\udce9") == r"\r\x00\x7f\udce9"


def test_json_for_a_terminal_is_the_same_json():
    line = json_line({"text": [*NAMES, "\u6b63"]})
    assert json.loads(line) == {"text": [*NAMES, "\u6b63"]}
    assert "\u6b63" in line and not {"\x1b", "\x9b", "\u202e", "\n"} & set(line)


def test_tables_show_headers_and_cells_literally():
    shown = plain_text(make_table([*NAMES[:3]], [NAMES[3:6], [NAMES[6], "", ""]]))
    for name in SHOWN:
        assert name in shown


def test_columns_are_as_wide_as_chinese_characters_are():
    shown = plain_text(make_table(["label", "texts"], [["\u6b63\u9762\u7684\u8bc4\u8bba", "12"]]))
    assert "\u6b63\u9762\u7684\u8bc4\u8bba" in shown


def test_facts_are_printable():
    assert format_facts([("data", "\x1b[2J[/x]")], width=80) == r"data  \x1b[2J[/x]"


@pytest.mark.parametrize("start", [0, 3])
def test_a_report_with_such_labels_is_shown(start):
    names = NAMES[start : start + 4]
    details = {"label_names": names, "confusion_matrix": [[1, 2, 3, 4]] * 4}
    report = made_up_report(details=details)
    report.dataset["name"] = "[/x]\x1b[31m.csv"
    shown = str(report)
    assert r"[/x]\x1b[31m.csv" in shown and "\x1b" not in shown
    for name in SHOWN[start : start + 4]:
        assert name in shown


def test_the_title_of_a_fit_is_no_markup(capsys):
    bar = ProgressBar("[/INST] \x1b[31m.csv", made_up_report().metrics)
    bar.set_params({"epochs": 1, "steps": 1})
    bar._model = type("Model", (), {"name": "lstm"})
    bar.on_train_begin()
    assert capsys.readouterr().err == "lstm, [/INST] \\x1b[31m.csv\n"


def test_predictions_and_errors_steer_no_terminal(call, run):
    status, printed, _ = call("predict", "--model", run, "\x1b[31mfine\x9b2J", "a\tb\nc [/INST]")
    assert status == 0
    first, second = printed.splitlines()
    assert first.endswith("\t" + r"\x1b[31mfine\x9b2J")
    assert second.endswith("\t" + r"a\tb\nc [/INST]")
    status, printed, _ = call("predict", "--model", run, "--json", "\x1b[31m\x9b \u6b63")
    assert json.loads(printed)["text"] == "\x1b[31m\x9b \u6b63"
    assert "\u6b63" in printed and not {"\x1b", "\x9b"} & set(printed)
    status, _, said = call("predict", "--model", "no/\x1b[31mrun", "a text")
    assert (status, said.count("\n")) == (2, 1)
    assert r"no/\x1b[31mrun" in said and "\x1b" not in said
    status, printed, _ = call("explain", "--model", run, "fine \x1b[31m [/b] film")
    assert status == 0 and r"\x1b[31m [/b]" in printed and "\x1b" not in printed
