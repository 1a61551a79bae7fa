"""What TensorBoard gets is bounded, whatever the number of classes, and never stops a fit."""

import types

import numpy as np
import pytest

from zoo.inspection.logit_margin import logit_margin
from zoo.inspection.tensorboard import TensorBoard, callback, dashboard, projector, summaries
from zoo.inspection.tensorboard.confusion import ConfusionMatrix
from zoo.inspection.tensorboard.precision_recall import MAX_CURVES, PrecisionRecall
from zoo.tasks import error_analysis, scores

NAMES = [f"class {number}" for number in range(1500)]


class Kept:
    """An event file that keeps the tags and sizes of what is written to it."""

    def __init__(self):
        self.sizes = {}
        self.texts = {}

    def write(self, summary, step):
        for value in summary.value:
            self.sizes[value.tag] = value.ByteSize()
            self.texts[value.tag] = value.tensor.string_val


@pytest.fixture
def answers():
    """Labels and probabilities of 1,500 classes, of which three in ten are right."""
    random = np.random.default_rng(0)
    labels = np.sort(random.integers(0, 1500, 400) % 700)
    logits = random.normal(size=(400, 1500))
    logits[np.arange(0, 400, 3), labels[::3]] += 9
    return labels, scores.softmax(logits)


@pytest.fixture
def fit(answers):
    labels, probabilities = answers
    predictions = probabilities.argmax(axis=1)
    details = error_analysis.confusion_details(labels, predictions, NAMES)
    task = types.SimpleNamespace(
        label_names=NAMES, examples=lambda split: types.SimpleNamespace(targets=labels)
    )
    return types.SimpleNamespace(
        task=task,
        progress=types.SimpleNamespace(
            validation=types.SimpleNamespace(probabilities=probabilities, details=details)
        ),
        validation_details=lambda: details,
        validation=Kept(),
        scores=Kept(),
        epoch=1,
        shows_all=True,
        is_classifier=True,
    )


def test_many_classes_are_a_sparse_matrix_and_a_table(answers, fit):
    labels, probabilities = answers
    details = fit.validation_details()
    assert "confusion_matrix" not in details and len(details["confusions"]) <= 400
    matrix = np.zeros((1500, 1500), int)
    np.add.at(matrix, (labels, probabilities.argmax(axis=1)), 1)
    assert all(matrix[true, predicted] == count for true, predicted, count in details["confusions"])
    assert sum(count for *_, count in details["confusions"]) == 400

    ConfusionMatrix(fit).on_epoch_end()
    assert list(fit.validation.sizes) == ["confusions/validation"]
    assert fit.validation.sizes["confusions/validation"] < 3000
    (shown,) = fit.validation.texts["confusions/validation"]
    assert shown.decode().startswith("| true | predicted | texts | of the class |\n")


def test_top_confusions_are_the_most_frequent_of_dense_and_sparse_counts():
    dense = {"label_names": ["a", "b", "c"], "confusion_matrix": [[5, 1, 0], [3, 4, 1], [0, 2, 0]]}
    sparse = {
        "label_names": ["a", "b", "c"],
        "confusions": [[0, 0, 5], [0, 1, 1], [1, 0, 3], [1, 1, 4], [1, 2, 1], [2, 1, 2]],
    }
    for details in (dense, sparse):
        found = error_analysis.top_confusions(details, 3)
        assert found == [("b", "a", 3, 3 / 8), ("c", "b", 2, 1.0), ("a", "b", 1, 1 / 6)]
    assert error_analysis.top_confusions({}) == []
    assert error_analysis.top_confusions({"label_names": ["a"], "confusion_matrix": [[3]]}) == []


def test_the_most_frequent_classes_get_a_curve(answers, fit):
    labels, _ = answers
    PrecisionRecall(fit).on_epoch_end()
    assert len(fit.validation.sizes) == MAX_CURVES
    counts = np.bincount(labels, minlength=1500)
    shown = [int(tag.split()[1].split("/")[0]) for tag in fit.validation.sizes]
    assert shown == sorted(shown)
    assert counts[shown].min() >= np.sort(counts)[::-1][MAX_CURVES]


def test_of_many_classes_a_token_has_the_margin_of_the_predicted_one():
    weights = np.random.default_rng(1).normal(size=(50, 40)).astype("float32")
    model = types.SimpleNamespace(predict_on_batch=lambda ids: weights[ids[:, 0]])
    names = [f"a\t{number}" for number in range(40)]
    found = projector.token_margins(model, np.arange(2, 50), names)
    margins = np.stack([logit_margin(weights, of) for of in range(40)], axis=1)
    margins = margins[2:] - margins[1]
    assert found["predicted"] == [f"a\\t{place}" for place in margins.argmax(axis=1)]
    np.testing.assert_allclose(found["margin"], margins.max(axis=1), atol=1e-4)


def test_names_are_escaped_in_tables():
    made = summaries.table("t", [["a"], ["[/INST] *x* | <b> $5\x1b[31m\n_"]])
    (shown,) = made.value[0].tensor.string_val
    assert shown.decode().splitlines()[2] == (r"| \[/INST\] \*x\* \| \<b\> $5\\x1b\[31m \_ |")


class Slow(dashboard.Dashboard):
    name = "slow"
    calls = 0

    def on_step_end(self, logs):
        Slow.calls += 1
        Slow.clock[0] += 20


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A callback of a fit by hand with one dashboard, and a clock that only moves when told."""
    clock = Slow.clock = [0.0]
    Slow.calls = 0
    monkeypatch.setattr(callback.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(callback, "make_dashboards", lambda fit: [Slow(fit)])
    made = TensorBoard(tmp_path / "logs")
    made.set_params({})
    return made, clock


def test_a_dashboard_that_takes_longer_than_the_rest_of_the_fit_is_left_out(board, capsys):
    made, clock = board
    made.on_train_begin()
    made._fit.started = 0.0
    clock[0] += 30
    made.on_train_batch_end(0)
    assert capsys.readouterr().err == ""
    made.on_train_batch_end(1)
    made.on_train_batch_end(2)
    made.on_epoch_end(0)
    made.on_train_end()
    assert Slow.calls == 2
    assert capsys.readouterr().err == (
        "Note: TensorBoard's 'slow' took too long and is left out: 40 seconds, and the rest of "
        "the fit 30\n"
    )


def test_a_short_fit_keeps_its_dashboards(board, capsys, monkeypatch):
    monkeypatch.setattr(callback, "_GRACE", 100)
    made, _ = board
    made.on_train_begin()
    for batch in range(4):
        made.on_train_batch_end(batch)
    made.on_train_end()
    assert Slow.calls == 4 and capsys.readouterr().err == ""


@pytest.mark.parametrize("at", ["begin", "epoch"])
def test_logs_that_cannot_be_written_are_a_note(board, at, tmp_path, capsys):
    made, _ = board
    if at == "begin":
        (tmp_path / "logs").write_text("a file")
    made.on_train_begin()
    if at == "epoch":
        made._fit.started = -1000.0

        def fail():
            raise callback.files.FileError("Cannot write: No space left on device.")

        made._fit.train.flush = fail
    made.on_train_batch_end(0)
    made.on_epoch_end(0)
    made.on_epoch_end(1)
    made.on_train_end()
    made.write_report(None)
    said = capsys.readouterr().err
    assert said.startswith("Note: TensorBoard's logs end here: Cannot write")
    assert said.count("\n") == 1
