"""Figures hold the numbers that they were given, and say what these are."""

import struct

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.helpers import made_up_report, made_up_writer
from zoo.inspection import fonts, plots
from zoo.inspection.attention import AttentionMap, AttentionMaps
from zoo.inspection.gates import GateActivity, LayerActivity
from zoo.training.report import Report


def history(*accuracies):
    return [{"epoch": n, "val_accuracy": a} for n, a in enumerate(accuracies, start=1)]


DETAILS = {
    "slices": {
        "length": [
            {"slice": "up to 100 words", "texts": 1200, "accuracy": 0.9},
            {"slice": "more than 400 words", "texts": 30, "accuracy": 0.7},
        ]
    },
    "reliability": [
        {"from": 0.5, "to": 0.75, "confidence": 0.6, "accuracy": 0.55, "texts": 10},
        {"from": 0.75, "to": 1.0, "confidence": 0.9, "accuracy": 0.95, "texts": 40},
    ],
}
FAST = made_up_report(history=history(0.8, 0.9, 0.85), details=DETAILS)
SLOW = made_up_report(
    model={"name": "gru", "parameters": 30_000_000, "is_baseline": False},
    history=history(0.7),
    test={"accuracy": 0.95},
    seconds={"fitting": 2440.0},
    details={
        "slices": {
            "length": [{"slice": "101 to 200 words", "texts": 7, "accuracy": 0.6}],
        },
        "reliability": DETAILS["reliability"][1:],
    },
)
BOTH = {"fast one": FAST, "slow one": SLOW}


def drawn(axes):
    """The lines of a plot by their names, as lists of points."""
    return {
        line.get_label(): [tuple(point) for point in line.get_xydata()] for line in axes.get_lines()
    }


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_learning_curves_are_the_history():
    (axes,) = plots.learning_curves(BOTH).axes
    points = drawn(axes)
    assert points["fast one"] == [(1, 80), (2, 90), (3, 85)]
    assert points["slow one"] == [(1, 70)]
    assert legend(axes) == ["fast one", "slow one"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "validation accuracy [%]")
    assert all(line.get_marker() not in ("", "None") for line in axes.get_lines())


def test_a_curve_over_seeds_is_the_mean():
    runs = [made_up_report(seed=1, history=history(0.5, 0.9)), made_up_report(history=history(0.7))]
    (axes,) = plots.learning_curves({"both": Report.over_seeds(runs, "zoo fit")}).axes
    assert drawn(axes)["both"] == [(1, pytest.approx(60)), (2, 90)]


def test_a_metric_that_nobody_kept():
    with pytest.raises(
        ValueError, match="No epoch of fast one has 'val_f1'; there are: epoch, val"
    ):
        plots.learning_curves(BOTH, "val_f1")


@pytest.mark.parametrize(
    ("against", "places", "label"),
    [("seconds", [24.4, 2440], "fitting [s]"), ("parameters", [1.31, 30], "parameters [millions]")],
)
def test_a_score_stands_against_its_cost(against, places, label):
    (axes,) = plots.score_against(BOTH, against=against).axes
    points = [tuple(line.get_xydata()[0]) for line in axes.get_lines()]
    assert points == [(places[0], pytest.approx(88.5)), (places[1], pytest.approx(95))]
    names = {text.get_text(): text.xy for text in axes.texts}
    assert names == dict(zip(BOTH, points, strict=True))
    assert (axes.get_xlabel(), axes.get_ylabel()) == (label, "accuracy [%]")
    assert axes.get_xscale() == "log"


def test_names_of_points_do_not_run_into_each_other():
    same = {f"model {index}": FAST for index in range(5)}
    figure = plots.score_against(same)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 5
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_validation_stands_in_for_a_test_that_was_not_made():
    writer = made_up_writer(test={})
    (axes,) = plots.score_against({"writer": writer}, "loss").axes
    assert axes.get_lines()[0].get_xydata()[0][1] == 4.4
    assert axes.get_ylabel() == "loss [nats]"
    with pytest.raises(ValueError, match="The report of writer has no 'accuracy'; it has: bits"):
        plots.score_against({"writer": writer})
    with pytest.raises(
        ValueError, match="against must be 'seconds' or 'parameters'; it is 'watts'"
    ):
        plots.score_against(BOTH, against="watts")


def test_accuracy_by_length_is_in_order_of_length():
    (axes,) = plots.accuracy_by_length(BOTH).axes
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == [
        "up to 100\n(1,200 texts)",
        "101 to 200\n(7 texts)",
        "more than 400\n(30 texts)",
    ]
    assert drawn(axes)["fast one"] == [(0, 90), (2, 70)]
    assert drawn(axes)["slow one"] == [(1, 60)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("length [words]", "accuracy [%]")


def test_reliability_is_drawn_with_its_diagonal():
    (axes,) = plots.reliability(FAST).axes
    points = drawn(axes)
    assert points["lstm"] == [(60, pytest.approx(55)), (90, 95)]
    assert all(x == y for x, y in points["calibrated"])
    assert set(drawn(plots.reliability(BOTH).axes[0])) == {"calibrated", *BOTH}


def test_details_of_a_shipped_model_and_of_several_seeds_are_found():
    shipped = made_up_report(details={"shipped": {"details": DETAILS}})
    seeds = Report.over_seeds([FAST, FAST], "zoo fit")
    for report in (shipped, seeds):
        assert drawn(plots.reliability(report).axes[0]) == drawn(plots.reliability(FAST).axes[0])
    with pytest.raises(ValueError, match="The report of it has no 'slices'"):
        plots.accuracy_by_length({"it": made_up_writer()})


def test_a_confusion_matrix_shows_counts_and_shares():
    figure = plots.confusion_matrix([[30, 10], [5, 1995]], ["bad", "good"])
    axes, bar = figure.axes
    assert [text.get_text() for text in axes.texts] == [
        "30\n75.0 %",
        "10\n25.0 %",
        "5\n0.2 %",
        "1,995\n99.8 %",
    ]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bad", "good"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    np.testing.assert_allclose(axes.get_images()[0].get_array(), [[75, 25], [0.25, 99.75]])
    assert bar.get_ylabel() == "share of the true class [%]"
    # Dark letters on light, light ones on dark.
    assert [text.get_color() for text in axes.texts] == ["white", "black", "black", "white"]
    with pytest.raises(ValueError, match=r"must be 3 x 3, for 3 classes; its shape is \(2, 2\)"):
        plots.confusion_matrix([[1, 2], [3, 4]], ["a", "b", "c"])


def maps(num_heads, asking, asked, kind="self"):
    weights = np.random.default_rng(0).dirichlet(np.ones(len(asked)), (num_heads, len(asking)))
    return AttentionMaps((AttentionMap("block_0", kind, weights, asking, asked),))


def test_attention_has_a_panel_a_head():
    given = maps(5, ("a", " ", "$c"), ("a", " ", "$c"))
    figure = plots.attention(given)
    *panels, bar = figure.axes
    assert [axes.get_title() for axes in panels] == [f"head {n}" for n in range(5)]
    for axes, weights in zip(panels, given.maps[0].weights, strict=True):
        np.testing.assert_allclose(axes.get_images()[0].get_array(), weights)
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["a", "\u2423", r"\$c"]
    assert bar.get_ylabel() == "weight (a row sums to 1)"


def test_where_one_token_attends_the_heads_are_rows():
    given = maps(2, ("[START]",), ("a", "b", "c"), "source")
    axes, _ = plots.attention(given).axes
    np.testing.assert_allclose(axes.get_images()[0].get_array(), given.maps[0].weights[:, 0])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["head 0", "head 1"]


def test_of_many_tokens_some_are_named():
    tokens = tuple(f"t{n}" for n in range(300))
    axes = plots.attention(maps(1, tokens, tokens)).axes[0]
    ticks = axes.get_xticks()
    assert 20 <= len(ticks) <= 40 and len(set(np.diff(ticks))) == 1
    assert [label.get_text() for label in axes.get_xticklabels()] == [tokens[int(t)] for t in ticks]


def test_gates_are_means_over_units():
    values = np.array([[0.0, 1.0], [0.5, 0.7], [0.2, 0.2]])
    states = np.array([[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]])
    layer = LayerActivity("block_0/forward", {"update z": values, "reset r": 1 - values}, states)
    above, below = plots.gates(GateActivity(("a", "b", "c"), (layer,))).axes
    assert [y for _, y in drawn(above)["update z"]] == pytest.approx([0.5, 0.6, 0.2])
    assert [y for _, y in drawn(above)["reset r"]] == pytest.approx([0.5, 0.4, 0.8])
    assert below.get_lines()[0].get_ydata().tolist() == [5, 1, 0]
    assert legend(above) == ["update z", "reset r"]
    assert [label.get_text() for label in below.get_xticklabels()] == ["a", "b", "c"]


def test_next_token_distributions_share_their_tokens():
    first, second = [0.1, 0.6, 0.3, 0.0], [0.0, 1.0, 0.0, 0.0]
    figure = plots.next_token_distributions({"one": first, "two": second}, "abc ", k=3)
    one, two = figure.axes
    assert [bar.get_width() for bar in one.patches] == pytest.approx([60, 30, 10])
    assert [bar.get_width() for bar in two.patches] == pytest.approx([100, 0, 0])
    assert [label.get_text() for label in one.get_yticklabels()] == ["b", "c", "a"]
    assert (one.get_title(), two.get_title()) == ("one", "two")
    with pytest.raises(ValueError, match=r"of shape \(4,\), a probability a token; that of 'one'"):
        plots.next_token_distributions({"one": [0.5, 0.5]}, "abcd")
    with pytest.raises(ValueError, match="no distribution to show"):
        plots.next_token_distributions({}, "abcd")


def test_lines_are_drawn_as_given():
    curves = {"lstm": [1.0, 0.1, 0.01], "gru": [1.0, 0.5, 0.25]}
    figure = plots.lines([0, 10, 20], curves, xlabel="tokens", ylabel="norm", log_y=True)
    (axes,) = figure.axes
    assert drawn(axes)["lstm"] == [(0, 1), (10, 0.1), (20, 0.01)]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("tokens", "norm", "log")
    assert plots.lines([0], {"a": [1]}, xlabel="", ylabel="").axes[0].get_yscale() == "linear"


def test_no_two_lines_look_alike():
    curves = {f"{n}": [n, n] for n in range(20)}
    (axes,) = plots.lines([0, 1], curves, xlabel="x", ylabel="y").axes
    looks = {
        (line.get_color(), line.get_marker(), str(line._dash_pattern)) for line in axes.get_lines()
    }
    assert len(looks) == 20
    first = axes.get_lines()[:7]
    assert len({line.get_color() for line in first}) == 7
    assert len({line.get_marker() for line in first}) == 7


def test_several_plots_may_share_a_figure():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plots.learning_curves(BOTH, ax=left) is figure
    assert plots.reliability(FAST, ax=right) is figure
    assert figure.axes == [left, right]
    assert "fast one" in drawn(left) and "lstm" in drawn(right)


def test_a_figure_shows_itself_and_leaves_no_trace():
    figure = plots.learning_curves(BOTH)
    image = figure._repr_png_()
    assert image.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", image[16:24])
    assert 550 <= width <= 620 and 360 <= height <= 420
    assert b"matplotlib" not in image.lower()
    assert plt.get_fignums() == []


def test_the_most_frequent_confusions_of_many_classes_are_drawn():
    names = [f"class {number}" for number in range(1500)]
    matrix = 5 * np.eye(1500, dtype=int)
    matrix[7, 1200], matrix[3, 4] = 9, 2
    figure = plots.confusion_matrix(matrix, names)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [9, 2]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown == ["class 7 → class 1200", "class 3 → class 4"]
    assert len(figure.findobj()) < 500
    report = made_up_report(
        details={"label_names": names, "confusions": [[3, 4, 2], [7, 7, 5], [7, 1200, 9]]}
    )
    (same,) = plots.confusion_matrix(report).axes
    assert [bar.get_width() for bar in same.patches] == [9, 2]
    with pytest.raises(ValueError, match="label_names must be the names of the classes"):
        plots.confusion_matrix([[1, 2], [3, 4]])


@pytest.mark.filterwarnings("error")
def test_names_are_shown_as_they_are():
    names = ["$5 to $10", "[/INST] $\\frac$", "_good", "__bad", "\x1b[31mred\n", "x" * 60]
    shown = ["\\$5 to \\$10", "[/INST] \\$\\frac\\$", " _good", " __bad", "\\x1b[31mred\\n"]
    shown.append("x" * 39 + "…")
    figure = plots.lines([1, 2], {name: [1, 2] for name in names}, xlabel="x", ylabel="y")
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == shown
    figure.draw_without_rendering()
    figure = plots.confusion_matrix(np.eye(6, dtype=int), names)
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == [text.removeprefix(" ") for text in shown]
    figure.draw_without_rendering()
    figure = plots.next_token_distributions({"$5 $\\x$": [0.6, 0.4]}, ["$", "$\\frac$"])
    figure.draw_without_rendering()
    reports = {name: made_up_report() for name in names}
    plots.score_against(reports).draw_without_rendering()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("has_font", [True, False])
def test_a_script_without_a_font_is_shown_as_codes(has_font, monkeypatch):
    fonts._fonts_with.cache_clear()
    if not has_font:
        monkeypatch.setattr(fonts, "_covered", lambda path, characters: frozenset())
    # Greek is in matplotlib's own font; of private characters no font has both.
    texts, options = fonts.labels(["καλό", "\U0003fffd \U0003fffc", "正面", "负面"])
    assert texts[:2] == ["καλό", "\\U0003fffd \\U0003fffc"]
    if options.get("fontfamily", [])[1:]:
        assert has_font and texts[2:] == ["正面", "负面"]
    else:
        assert texts[2:] == ["\\u6b63\\u9762", "\\u8d1f\\u9762"]
    plots.confusion_matrix(np.eye(4, dtype=int), texts).draw_without_rendering()
    plots.confusion_matrix([[1, 2], [3, 4]], ["正面", "\U0003fffd"]).draw_without_rendering()
    fonts._fonts_with.cache_clear()
