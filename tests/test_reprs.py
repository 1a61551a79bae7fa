"""What a notebook and an interpreter show of the objects that people hold: short, and escaped."""

import dataclasses
import html.parser

import numpy as np

import zoo
from tests.helpers import made_up_report, made_up_writer
from zoo.catalog.leaderboard import Leaderboard, Row, Table
from zoo.tasks.data import Examples
from zoo.training.dry_run import DryRun
from zoo.utils.notebook import html_block, html_table

ODD = "<script>alert(1)</script> $5 & [/b]"


def cells_of(page: str) -> list[str]:
    """The text of each cell of the tables in a page, as a browser reads it."""
    cells: list[str] = []

    class Reader(html.parser.HTMLParser):
        inside = False

        def handle_starttag(self, tag, attrs):
            assert tag in ("div", "p", "b", "table", "tr", "td", "th"), tag
            if tag in ("td", "th"):
                self.inside = True
                cells.append("")

        def handle_endtag(self, tag):
            self.inside = self.inside and tag not in ("td", "th")

        def handle_data(self, data):
            if self.inside:
                cells[-1] += data

    Reader().feed(page)
    return cells


def a_dry_run(**changes) -> DryRun:
    return DryRun(
        **{
            "task": "sentiment",
            "model": "gru",
            "parameters": 1234,
            "dataset": "mine",
            "sizes": {"train": 10},
            "classes": {"negative": 0.5, ODD: 0.5},
            "median_length": 3,
            "long_length": 5,
            "cut_share": 0.0,
            "vocabulary_size": 20,
            "unknown_share": 0.0,
            "warnings": [],
            "epochs": 1,
            "steps": 2,
            "num_seeds": 1,
            "seconds": {"fitting": 7.4},
            "disk": 2_000_000,
            "free_disk": None,
            "peak_memory": 10**8,
            "more_memory": 10**8,
            "available_memory": 10**9,
            **changes,
        }
    )


def a_task(label_names=("negative", "positive"), **columns):
    split = zoo.datasets.Split({"text": ["a", "b"], "label": [0, 1], **columns})
    dataset = zoo.datasets.TextDataset(
        ODD, train=split, validation=split, test=split, label_names=label_names
    )
    return zoo.tasks.sentiment(dataset)


def test_a_table_is_escaped_and_no_formula():
    page = html_block(ODD, html_table([("a < b", 3)], header=["x", ODD]))
    assert cells_of(page) == ["x", ODD, "a < b", "3"]
    assert "<script>" not in page and 'class="tex2jax_ignore mathjax_ignore"' in page


def test_a_leaderboard_is_a_line_and_a_table():
    rows = tuple(Row(f"model_{i}", made_up_report()) for i in range(40))
    board = Leaderboard(
        (Table("sentiment", ODD, rows), Table("w", "d", (Row("w", made_up_writer()),)))
    )
    assert repr(board) == "Leaderboard(41 models in 2 tables)"
    assert repr(rows[0]) == "Row('model_0': accuracy 88.50% on test)"
    assert len(repr(board.tables[0])) < 200 and "40 models" in repr(board.tables[0])
    assert "model_0" in str(board)
    page = board._repr_html_()
    cells = cells_of(page)
    assert {"accuracy", "88.50%", "model_39", "zoo fit --recipe w --out runs/w"} <= set(cells)
    assert "<script>" not in page.lower()
    assert cells_of(Leaderboard(())._repr_html_()) == []
    assert repr(Leaderboard(())) == "Leaderboard(0 models in 0 tables)"


def test_a_report_is_a_line():
    assert (
        repr(made_up_report()) == "Report(lstm on sentiment, imdb_reviews: accuracy 88.50% on test)"
    )


def test_a_dry_run_is_a_line_and_a_table():
    dry = a_dry_run()
    assert repr(dry) == "DryRun(gru on sentiment, mine: about 7 seconds and 2 MB)"
    cells = cells_of(dry._repr_html_())
    facts = dict(zip(cells[::2], cells[1::2], strict=True))
    assert facts == dict(dry.rows()) and ODD in facts["classes"]
    pretrained = dataclasses.replace(dry, first=dry)
    assert "about 15 seconds and 4 MB" in repr(pretrained) and len(repr(pretrained)) < 200


def test_a_task_is_a_line_and_a_table_and_reads_nothing():
    task = a_task(("negative", ODD))
    assert not task.data.is_read("train")
    assert repr(task) == (
        f"Sentiment({ODD}, labels 'negative', {ODD!r}, word tokens, vocabulary not learned yet)"
    )
    cells = cells_of(task._repr_html_())
    facts = dict(zip(cells[::2], cells[1::2], strict=True))
    assert facts["labels"] == f"'negative', {ODD!r}"
    assert facts["tokens per input"] == "up to 400" and facts["pipeline"] == "sentiment-analysis"
    assert not task.data.is_read("train")


def test_many_classes_are_no_long_line():
    task = a_task(tuple(f"class {i}" for i in range(1500)))
    for shown in (repr(task), repr(task.data.dataset)):
        assert len(shown) < 300 and "and 1495 more" in shown
    assert len(task._repr_html_()) < 3000


def test_a_task_of_a_run_says_that_it_has_no_dataset(run, writing_run):
    for folder, name in ((run, "Sentiment"), (writing_run, "TextGeneration")):
        _, task = zoo.load(folder)
        assert repr(task).startswith(f"{name}(no dataset, ") and repr(task).endswith(" ids)")
        assert "it was loaded for use" in task._repr_html_()


def test_a_pipeline_is_a_line_and_a_table(run, writing_run):
    classify, write = zoo.pipeline(run), zoo.pipeline(writing_run)
    assert repr(classify) == f"TextClassifier({str(run)!r}, labels 'negative', 'positive')"
    assert repr(write) == f"TextGenerator({str(writing_run)!r})"
    for pipeline in (classify, write):
        cells = cells_of(pipeline._repr_html_())
        facts = dict(zip(cells[::2], cells[1::2], strict=True))
        assert facts == dict(pipeline.facts())
        assert facts["purpose"] == pipeline.purpose and facts["tokens"] == "word"
        assert (
            facts["vocabulary"] == f"{len(zoo.load(facts['model'])[1].text_to_ids.vocabulary)} ids"
        )


def test_results_are_short_lines():
    """The texts and matrices that they hold are not printed."""
    evaluation = zoo.tasks.Evaluation({"accuracy": 0.5}, {"mistakes": ["x" * 10_000]})
    assert repr(evaluation) == "Evaluation(scores={'accuracy': 0.5})"
    sequences = zoo.preprocessing.TokenSequences(np.arange(3, dtype="int32"), [3])
    assert len(repr(Examples(sequences, np.zeros(1), ["x" * 10_000]))) < 300
