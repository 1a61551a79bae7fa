"""The leaderboard ranks what ships by its reports; its README and the cards are up to date."""

import dataclasses
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import zoo
from tests.helpers import accuracy, made_up_report, made_up_writer
from zoo.catalog.card import card
from zoo.catalog.leaderboard import BASELINE, BELOW, compare, leaderboard
from zoo.cli import cli
from zoo.training.report import Report
from zoo.utils import pretrained
from zoo.utils.files import FileError

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = pretrained.names()


def model(name: str) -> dict:
    is_baseline = zoo.models.is_baseline(name)
    return {"name": name, "parameters": 1_234, "is_baseline": is_baseline}


@pytest.fixture
def ship(tmp_path):
    """Puts reports into a folder: `ship(name=report)`."""

    def write(recipes=(), **reports: Report):
        for name, report in reports.items():
            report.save(tmp_path / name / pretrained.REPORT)
            (tmp_path / name / pretrained.RECIPE).write_text(dict(recipes).get(name, ""))
        return leaderboard(tmp_path)

    return write


def column(board, title: str, table: int = 0) -> list[str]:
    header, rows = board.tables[table].cells()
    return [row[header.index(title)] for row in rows]


def test_the_best_is_first_and_the_baseline_is_marked(ship):
    board = ship(
        middling=made_up_report(test=accuracy(0.885)),
        words=made_up_report(model=model("bag_of_words"), test=accuracy(0.87)),
        pairs=made_up_report(model=model("bag_of_bigrams"), test=accuracy(0.886)),
        equal=made_up_report(model=model("gru"), test=accuracy(0.886)),
        winner=made_up_report(model=model("gru"), test=accuracy(0.93)),
    )
    (table,) = board.tables
    assert [row.name for row in table.rows] == ["winner", "equal", "pairs", "middling", "words"]
    # Equal to the baseline is not better than it.
    assert [row.mark for row in table.rows] == ["", BELOW, BASELINE, BELOW, BASELINE]
    assert column(board, "accuracy") == ["93.00%", "88.60%", "88.60%", "88.50%", "87.00%"]
    commands = column(board, "command")
    assert commands[0] == "`zoo fit --recipe winner --out runs/winner`"


def test_a_folder_without_a_report_is_no_model(ship, tmp_path):
    (tmp_path / "unfinished" / "1").mkdir(parents=True)
    (tmp_path / "README.md").write_text("")
    assert ship().tables == ()
    assert [row.name for row in ship(one=made_up_report()).rows] == ["one"]
    (tmp_path / "unfinished" / pretrained.REPORT).write_text("{}")
    with pytest.raises(FileError, match="is not a report"):
        ship()


def test_spread_and_what_ships(ship):
    runs = [
        made_up_report(seed=seed, test=accuracy(value)) for seed, value in ((1, 0.88), (2, 0.9))
    ]
    facts = {"quantization": "int8", "bytes": 1_450_000, "seed": 2, "test": accuracy(0.899)}
    report = dataclasses.replace(Report.over_seeds(runs, ""), details={"shipped": facts})
    board = ship(both=report, single=made_up_report())
    assert column(board, "accuracy") == ["89.00% ± 1.41%", "88.50%"]
    assert column(board, "packaged") == ["89.90% (int8)", "-"]
    assert column(board, "size") == ["1.4 MB", "-"]
    assert column(board, "seeds") == ["1, 2", "1"]


def test_one_seed_has_no_spread(ship):
    board = ship(one=Report.over_seeds([made_up_report(seed=4)], ""))
    assert column(board, "accuracy") == ["88.50%"] and column(board, "seeds") == ["4"]


def test_models_without_a_test_score_come_last_and_are_not_held_against_one(ship):
    board = ship(
        untested=made_up_report(test={}, validation=accuracy(0.99)),
        worse_untested=made_up_report(test={}, validation=accuracy(0.5)),
        tested=made_up_report(test=accuracy(0.6)),
        words=made_up_report(model=model("bag_of_words"), test=accuracy(0.55)),
    )
    rows = board.tables[0].rows
    assert [row.name for row in rows] == ["tested", "words", "untested", "worse_untested"]
    assert [row.mark for row in rows] == ["", BASELINE, "", ""]
    assert rows[2].summary == "accuracy 99.00% on validation"


def test_writers_are_ranked_by_bits_per_character(ship):
    scores = {"loss": 1.2, "perplexity": 3.3, "bits_per_character": 1.73}
    details = {**made_up_writer().details, "level": "character", "vocabulary": 65}
    board = ship(
        # Less loss a token, since its tokens are characters; more bits.
        letters=made_up_writer(test=scores, details=details),
        words=made_up_writer(),
        other=made_up_writer(dataset={**made_up_writer().dataset, "name": "tiny_shakespeare"}),
        reviews=made_up_report(),
    )
    titles = [table.title for table in board.tables]
    assert titles == [
        "sentiment, imdb_reviews",
        "text generation, imdb_reviews",
        "text generation, tiny_shakespeare",
    ]
    assert [row.name for row in board.tables[1].rows] == ["words", "letters"]
    assert column(board, "token", 1) == ["word", "character"]
    assert column(board, "vocabulary", 1) == ["20,000", "65"]
    assert column(board, "loss", 1) == ["4.5000", "1.2000"]


def test_seconds_hold_what_the_first_weights_took(ship):
    slow = {"fitting": 1000.0}
    reports = {
        "writer": made_up_writer(seconds=slow),
        "tuned": made_up_report(test=accuracy(0.92)),
        "twice": made_up_report(test=accuracy(0.91)),
        "lost": made_up_report(test=accuracy(0.90)),
        "plain": made_up_report(test=accuracy(0.80)),
    }
    sources = {"tuned": "writer", "twice": "tuned", "lost": "nowhere"}
    board = ship({name: f'initial_weights = "{of}"\n' for name, of in sources.items()}, **reports)
    assert column(board, "fitting (+ pretraining)") == [
        "24 s + 1,000 s",
        "24 s + 1,024 s",
        "24 s and pretraining",
        "24 s",
    ]


def test_weights_that_begin_with_themselves_do_not_hang(ship):
    board = ship({"one": 'initial_weights = "one"\n'}, one=made_up_report())
    assert column(board, "fitting (+ pretraining)") == ["24 s and pretraining"]


def test_markdown_and_terminal_show_the_same_rows(ship):
    from rich.console import Console

    board = ship(
        first=made_up_report(), second=made_up_report(test=accuracy(0.8)), third=made_up_writer()
    )
    text = board.markdown()
    assert text.count("\n### ") + text.startswith("### ") == 2
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(board)
    shown = console.export_text()
    for name in ("first", "second", "third"):
        assert f"| `{name}` |" in text and name in shown
    assert "accuracy %" in shown and "88.50" in shown and "88.50%" in text and BELOW in text


def test_a_fresh_run_beside_what_is_written():
    runs = [made_up_report(seed=1), made_up_report(seed=2, test=accuracy(0.895))]
    old = Report.over_seeds(runs, "")
    new = made_up_report(test=accuracy(0.88), validation={"accuracy": 0.91, "auc": None})
    rows = compare(new, old)
    assert [(row.split, row.metric.name) for row in rows] == [
        ("validation", "accuracy"),
        ("test", "accuracy"),
        ("test", "auc"),
        ("test", "calibration_error"),
    ]
    assert rows[1].written == pytest.approx(0.89) and rows[1].fresh == 0.88
    assert rows[1].difference == pytest.approx(-0.01)
    assert rows[1].spread == pytest.approx(0.005 * 2**0.5)
    assert rows[0].spread is None
    assert str(rows[1]) == "test accuracy: 88.00%, written 89.00% (-1.00%, ± 0.71% by seed)"
    assert str(rows[0]) == "validation accuracy: 91.00%, written 90.00% (+1.00%)"
    assert {row.metric.name for row in compare(made_up_writer(), made_up_writer())} == {
        *("loss", "perplexity", "bits_per_character")
    }


def test_other_data_is_not_compared():
    other = {**made_up_report().dataset, "fingerprint": "0"}
    with pytest.raises(ValueError, match="differ in their data"):
        compare(made_up_report(dataset=other), made_up_report())
    with pytest.raises(ValueError, match="differ in their task"):
        compare(made_up_writer(), made_up_report())


def test_it_needs_neither_tensorflow_nor_keras():
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "import zoo, zoo.catalog.card\n"
        "print(zoo.leaderboard().markdown())"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_command_prints_what_the_function_makes():
    code = "from zoo.cli import main; main()"
    command = [sys.executable, "-c", code, "leaderboard", "--markdown"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, zoo.leaderboard().markdown()), ran.stderr


def test_trained_models_are_listed_with_their_score(ship, tmp_path, monkeypatch):
    ship(one=made_up_report())
    monkeypatch.setattr(pretrained, "folder", lambda: tmp_path)
    printed = CliRunner().invoke(cli, ["list"]).output
    (line,) = [line for line in printed.splitlines() if line.startswith(" one ")]
    assert line.split() == ["one", "imdb_reviews", *["accuracy", "88.50%", "on", "test"]]
    assert " pretrained for sentiment " in printed
    assert "88.50%" in CliRunner().invoke(cli, ["leaderboard", "--markdown"]).output


def test_the_tables_are_written_between_the_marks_of_a_readme(ship, tmp_path):
    board = ship(one=made_up_report())
    with pytest.raises(FileError, match="Cannot read"):
        board.write(tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("# Models\n")
    with pytest.raises(FileError, match="must have the lines"):
        board.write(tmp_path)
    readme.write_text("# Models\n\n<!-- leaderboard -->\nold\n<!-- /leaderboard -->\nThe end.\n")
    assert board.write(tmp_path) == readme
    marked = f"<!-- leaderboard -->\n{board.markdown()}<!-- /leaderboard -->"
    assert readme.read_text() == f"# Models\n\n{marked}\nThe end.\n"


# What is in the repository


def test_the_readme_of_the_models_holds_the_leaderboard():
    readme = (ROOT / "saved_models" / "README.md").read_text(encoding="utf-8")
    (held,) = re.findall(
        r"^<!-- leaderboard -->\n(.*?)^<!-- /leaderboard -->$", readme, re.MULTILINE | re.DOTALL
    )
    fresh = leaderboard(ROOT / "saved_models").markdown()
    assert held == fresh, "Run `zoo leaderboard --write`."


@pytest.mark.skipif(not SHIPPED, reason="no trained models in saved_models/")
@pytest.mark.parametrize("name", SHIPPED or ["none"])
def test_cards_are_made_of_their_reports(name):
    folder = pretrained.folder() / name
    report = Report.load(folder / pretrained.REPORT)
    recipe = (folder / pretrained.RECIPE).read_text(encoding="utf-8")
    assert (folder / pretrained.CARD).read_text(encoding="utf-8") == card(name, report, recipe)
