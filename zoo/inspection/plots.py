"""Figures of reports, of attention weights and of gates.

Every function returns a `matplotlib.figure.Figure`, which is displayed in a notebook and saved by
`figure.savefig`. None touches the state of `matplotlib.pyplot`. Lines differ in marker and dash as
well as in colour; the colours are those of Okabe and Ito (2008), "Color Universal Design", which
people with any kind of colour blindness can distinguish.

Shape letters: T tokens, S tokens that are attended to, U units, V vocabulary, C classes.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import zoo
from zoo.inspection import fonts
from zoo.tasks.error_analysis import MAX_MATRIX, top_confusions

if TYPE_CHECKING:
    from zoo.inspection.attention import AttentionMaps
    from zoo.inspection.gates import GateActivity

# Okabe and Ito's, without the yellow, which a line on white is lost in.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
# Eight markers, five dashes and seven colours: no two of 280 lines look alike.
_MARKERS = "osD^vPX*"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

_SIZE = (6.0, 4.0)  # inches
_DPI = 100

# Labels of tokens that are legible next to each other in a figure of this size.
_MAX_LABELS = 40

# Bars of the most frequent confusions.
_MAX_BARS = 20


class ShownFigure(Figure):
    """A figure that a notebook displays, whether or not pyplot has been set up there."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", bbox_inches="tight", metadata={"Software": None})
        return stream.getvalue()


# Reports


def learning_curves(
    reports: Mapping[str, "zoo.Report"], metric: str = "val_accuracy", *, ax=None
) -> Figure:
    """Plots a metric by epoch, a line for each run; over several seeds the mean.

    Args:
        reports: reports by the names in the legend.
        metric: a key of `Report.history`, such as `"val_accuracy"`, `"loss"` or `"seconds"`.
        ax: the axes to draw on; None for a new figure.

    Raises:
        ValueError: if no epoch of a report has the metric.

    Example:
    >>> report.history.append({"epoch": 1, "val_accuracy": 0.9})
    >>> zoo.inspection.plots.learning_curves({"lstm": report}).axes[0].get_ylabel()
    'validation accuracy [%]'
    """
    figure, axes = _figure_and_axes(ax)
    for (name, report), style in zip(reports.items(), _styles(), strict=False):
        epochs, values = _history(name, report, metric)
        axes.plot(epochs, _scaled(report, metric, values), label=_legend_name(name), **style)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel(_metric_label(metric, reports))
    _finish(axes, legend=True)
    return figure


def score_against(
    reports: Mapping[str, "zoo.Report"],
    metric: str = "accuracy",
    against: str = "seconds",
    *,
    ax=None,
) -> Figure:
    """Plots a score against its cost, a labelled point for each run.

    Args:
        reports: reports by the labels of the points.
        metric: a score of the test split, or of validation if test was not evaluated.
        against: `"seconds"` of fitting, or `"parameters"`.
        ax: the axes to draw on; None for a new figure.

    Raises:
        ValueError: if `against` is unknown, or a report does not have the score.

    Example:
    >>> zoo.inspection.plots.score_against({"lstm": report}).axes[0].get_xlabel()
    'fitting [s]'
    """
    if against not in ("seconds", "parameters"):
        raise ValueError(f"against must be 'seconds' or 'parameters'; it is {against!r}.")
    figure, axes = _figure_and_axes(ax)
    costs, scores = [], []
    for (name, report), style in zip(reports.items(), _styles(), strict=False):
        is_seconds = against == "seconds"
        costs.append(report.seconds["fitting"] if is_seconds else report.model["parameters"] / 1e6)
        scores.append(float(_scaled(report, metric, [_score(name, report, metric)])[0]))
        axes.plot(costs[-1:], scores[-1:], **{**style, "linestyle": "none", "markersize": 8})
    if costs and max(costs) > 10 * min(costs) > 0:
        axes.set_xscale("log")
    axes.margins(0.2, 0.15)
    axes.set_xlabel("fitting [s]" if against == "seconds" else "parameters [millions]")
    axes.set_ylabel(_metric_label(metric, reports))
    _finish(axes)
    _label_points(axes, list(reports), costs, scores)
    return figure


def accuracy_by_length(reports: Mapping[str, "zoo.Report"], *, ax=None) -> Figure:
    """Plots accuracy on the test split by the length of the texts, a line for each run.

    Args:
        reports: reports of classifiers by the names in the legend.
        ax: the axes to draw on; None for a new figure.

    Raises:
        ValueError: if a report has no accuracy by length.

    Example:
    >>> rows = [{"slice": "up to 100 words", "texts": 20, "accuracy": 0.9}]
    >>> report.details["slices"] = {"length": rows}
    >>> zoo.inspection.plots.accuracy_by_length({"lstm": report}).axes[0].get_xlabel()
    'length [words]'
    """
    figure, axes = _figure_and_axes(ax)
    rows = {name: _detail(name, report, "slices")["length"] for name, report in reports.items()}
    counts = {row["slice"]: row["texts"] for table in rows.values() for row in table}
    # A run may lack a length; lengths are sorted by the first number in their names.
    kinds = sorted(counts, key=lambda kind: int((re.findall(r"\d+", kind) or [0])[0]))
    for (name, table), style in zip(rows.items(), _styles(), strict=False):
        places = [kinds.index(row["slice"]) for row in table]
        accuracies = [100 * row["accuracy"] for row in table]
        axes.plot(places, accuracies, label=_legend_name(name), **style)
    labels = [f"{kind.removesuffix(' words')}\n({counts[kind]:,} texts)" for kind in kinds]
    axes.set_xticks(range(len(kinds)), labels, fontsize="small")
    axes.set_xlabel("length [words]")
    axes.set_ylabel("accuracy [%]")
    _finish(axes, legend=True)
    return figure


def reliability(reports: "Mapping[str, zoo.Report] | zoo.Report", *, ax=None) -> Figure:
    """Plots accuracy by confidence, the reliability diagram (DeGroot and Fienberg 1983).

    On the diagonal a model is calibrated; below it, overconfident.

    Args:
        reports: reports of classifiers by the names in the legend; or one report.
        ax: the axes to draw on; None for a new figure.

    Raises:
        ValueError: if a report has no calibration curve.

    Example:
    >>> bin_ = {"from": 0.5, "to": 1.0, "confidence": 0.9, "accuracy": 0.8, "texts": 20}
    >>> report.details["reliability"] = [bin_]
    >>> zoo.inspection.plots.reliability(report).axes[0].get_ylabel()
    'accuracy [%]'
    """
    if not isinstance(reports, Mapping):
        reports = {reports.model["name"]: reports}
    figure, axes = _figure_and_axes(ax)
    axes.plot([0, 100], [0, 100], color="0.5", linewidth=1, label="calibrated")
    lowest = 100.0
    for (name, report), style in zip(reports.items(), _styles(), strict=False):
        rows = _detail(name, report, "reliability")
        lowest = min(lowest, *(100 * min(row["from"], row["accuracy"]) for row in rows))
        confidences = [100 * row["confidence"] for row in rows]
        axes.plot(
            confidences, [100 * row["accuracy"] for row in rows], label=_legend_name(name), **style
        )
    axes.set_xlim(lowest - 2, 102)
    axes.set_ylim(lowest - 2, 102)
    axes.set_xlabel("confidence: probability of the predicted class [%]")
    axes.set_ylabel("accuracy [%]")
    _finish(axes, legend=True)
    return figure


def confusion_matrix(
    matrix: "zoo.Report | Any", label_names: Sequence[str] | None = None, *, ax=None
) -> Figure:
    """Draws a confusion matrix: counts, and their shares of the true class.

    Of more than 30 classes, the most frequent confusions are drawn instead, a bar for each.

    Args:
        matrix: the report of a classifier; or counts (C, C), a row for each true class, a column
            for each predicted one.
        label_names: the names of the C classes; None for a report.
        ax: the axes to draw on; None for a new figure.

    Raises:
        ValueError: if the shape of the matrix is not (C, C), or the report has none.

    Example:
    >>> figure = zoo.inspection.plots.confusion_matrix([[8, 2], [1, 9]], ["bad", "good"])
    >>> figure.axes[0].get_xlabel()
    'predicted'
    """
    if isinstance(matrix, zoo.Report):
        name, report = matrix.model["name"], matrix
        label_names = _detail(name, report, "label_names")
        if len(label_names) > MAX_MATRIX:
            rows = _detail(name, report, "confusions")
            return _top_confusions({"label_names": label_names, "confusions": rows}, ax)
        matrix = _detail(name, report, "confusion_matrix")
    if label_names is None:
        raise ValueError("label_names must be the names of the classes; it is None.")
    counts = np.asarray(matrix)
    size = len(label_names)
    if counts.shape != (size, size):
        raise ValueError(
            f"The matrix must be {size} x {size}, for {size} classes; its shape is {counts.shape}."
        )
    if size > MAX_MATRIX:
        places = np.nonzero(counts)
        rows = np.column_stack([*places, counts[places]])
        return _top_confusions({"label_names": label_names, "confusions": rows}, ax)
    figure, axes = _figure_and_axes(ax)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    font = {"fontsize": "medium" if size <= 4 else "x-small", "ha": "center", "va": "center"}
    for true, predicted in np.ndindex(size, size):
        share = shares[true, predicted]
        cell = f"{counts[true, predicted]:,}" + (f"\n{share:.1f} %" if size <= 6 else "")
        axes.text(predicted, true, cell, color="white" if share > 55 else "black", **font)
    names, family = fonts.labels(label_names)
    axes.set_xticks(range(size), names, rotation=0 if size <= 4 else 45, **family)
    axes.set_yticks(range(size), names, **family)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.colorbar(image, ax=axes, label="share of the true class [%]")
    return figure


def _top_confusions(details: Mapping[str, Any], ax) -> Figure:
    """Draws the most frequent confusions of many classes as bars."""
    found = top_confusions(details, _MAX_BARS)
    figure, axes = _figure_and_axes(ax)
    axes.barh(range(len(found)), [confusion.texts for confusion in found], color=COLOURS[0])
    names, family = fonts.labels([f"{one.true} \u2192 {one.predicted}" for one in found])
    axes.set_yticks(range(len(found)), names, fontsize="small", **family)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("texts")
    axes.set_ylabel("true \u2192 predicted")
    _finish(axes)
    return figure


# Inside of a model


def attention(maps: "AttentionMaps", block: int | str = 0, kind: str | None = None) -> Figure:
    """Draws the attention weights of a block, a panel for each head.

    If a single token attends, as in an encoder-decoder that classifies, the heads are the rows of
    one panel.

    Args:
        maps: see `attention_maps`.
        block: the index or the name of a block.
        kind: `"self"` or `"source"`; None for the last that the block has.

    Example:
    >>> small = zoo.Transformer(**task.model_arguments(), embedding_dim=8, hidden_units=8)
    >>> maps = zoo.inspection.attention_maps(small, task, "A fine film.")
    >>> figure = zoo.inspection.plots.attention(maps, "encoder_0")
    """
    found = maps.find(block, kind)
    weights = np.asarray(found.weights)
    heads = [f"head {head}" for head in range(len(weights))]
    titles, asking, looks = heads, list(found.queries), "attending token"
    if weights.shape[1] == 1:
        weights = weights.transpose(1, 0, 2)
        titles, asking, looks = [""], heads, f"{asking[0]} attends"
    columns = min(len(weights), 4)
    rows = -(-len(weights) // columns)
    figure = ShownFigure(
        figsize=(max(_SIZE[0], 3 * columns), max(_SIZE[1] * (rows + 1) / 2, 2.6 * rows)),
        dpi=_DPI,
        layout="constrained",
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(weights) :]:
        axes.remove()
    panels = grid.flat[: len(weights)]
    for axes, title, panel in zip(panels, titles, weights, strict=True):
        image = axes.imshow(panel, cmap="viridis", vmin=0, vmax=weights.max(), aspect="auto")
        _set_literally([axes.set_title(title, fontsize="medium")])
        _label_tokens(axes.xaxis, found.keys, _MAX_LABELS // columns, rotation=90)
        _label_tokens(axes.yaxis, asking, _MAX_LABELS // rows)
    figure.supxlabel("attended token", fontsize="medium")
    figure.supylabel(looks, fontsize="medium")
    figure.suptitle(f"{found.block}, attention to {_ATTENDED[found.kind]}", fontsize="medium")
    figure.colorbar(image, ax=list(panels), label="weight (a row sums to 1)")
    return figure


_ATTENDED = {"self": "the text itself", "source": "the source", "pooling": "the text"}


def gates(activity: "GateActivity", layer: int | str = 0) -> Figure:
    """Plots gate activations and the norm of the state by token.

    A line is the mean over the units; the band is the interquartile range.

    Args:
        activity: see `gate_activity`.
        layer: the index or the name of a layer.

    Example:
    >>> activity = zoo.inspection.gate_activity(model, task, "A fine film.")
    >>> zoo.inspection.plots.gates(activity).axes[1].get_xlabel()
    'token'
    """
    found = activity.find(layer)
    figure = ShownFigure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    places = np.arange(len(activity.tokens))
    for (name, values), style in zip(found.gates.items(), _styles(), strict=False):
        low, high = np.quantile(values, (0.25, 0.75), axis=1)
        above.fill_between(places, low, high, color=style["color"], alpha=0.15, linewidth=0)
        above.plot(
            places, values.mean(axis=1), label=_legend_name(name), **{**style, "markersize": 3}
        )
    above.set_ylim(-0.02, 1.02)
    above.set_ylabel("mean of the units")
    _set_literally([above.set_title(found.name, fontsize="medium")])
    below.plot(places, found.state_norm, color="black", marker="o", markersize=3, linewidth=1.5)
    below.set_ylim(bottom=0)
    below.set_ylabel("norm of\nthe state")
    _label_tokens(below.xaxis, activity.tokens, _MAX_LABELS, rotation=90)
    below.set_xlabel("token")
    _finish(above, legend=True)
    _finish(below)
    return figure


def next_token_distributions(
    probabilities: Mapping[str, Any], tokens: Sequence[str], k: int = 15
) -> Figure:
    """Plots the most probable next tokens, a panel for each distribution.

    Args:
        probabilities: distributions (V,) by the titles of the panels, such as
            `"temperature 0.5"`.
        tokens: the V tokens.
        k: how many tokens are shown, the most probable of the first distribution.

    Raises:
        ValueError: without a distribution, or for one whose shape is not (V,).

    Example:
    >>> distributions = {"greedy": [1.0, 0.0], "temperature 1": [0.7, 0.3]}
    >>> figure = zoo.inspection.plots.next_token_distributions(distributions, ["a", "b"])
    >>> [axes.get_title() for axes in figure.axes]
    ['greedy', 'temperature 1']
    """
    if not probabilities:
        raise ValueError("There is no distribution to show: probabilities is empty.")
    shares = {name: np.asarray(values, "float64") for name, values in probabilities.items()}
    for name, values in shares.items():
        if values.shape != (len(tokens),):
            raise ValueError(
                f"Each distribution must be of shape ({len(tokens)},), a probability a token; "
                f"that of {name!r} is {values.shape}."
            )
    shown = np.argsort(-next(iter(shares.values())), kind="stable")[:k]
    figure = ShownFigure(
        figsize=(max(_SIZE[0], 1.6 * len(shares)), max(_SIZE[1], 0.24 * len(shown) + 1)),
        dpi=_DPI,
        layout="constrained",
    )
    panels = figure.subplots(1, len(shares), sharey=True, squeeze=False)[0]
    highest = 100 * max(values[shown].max() for values in shares.values())
    for axes, (name, values), colour in zip(panels, shares.items(), _cycled(COLOURS), strict=False):
        axes.barh(np.arange(len(shown)), 100 * values[shown], color=colour)
        _set_literally([axes.set_title(name, fontsize="medium")])
        axes.set_xlim(0, 1.05 * highest)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        _finish(axes)
    names, family = fonts.labels([_visible(tokens[i]) for i in shown])
    panels[0].set_yticks(range(len(shown)), names, **family)
    panels[0].invert_yaxis()
    figure.supxlabel("probability [%]", fontsize="medium")
    return figure


# Anything else


def lines(
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    log_y: bool = False,
    ax=None,
) -> Figure:
    """Plots several curves over the same x, such as accuracy by distance for several models.

    Args:
        x: the horizontal values.
        curves: the vertical values, one for each of x, by the names in the legend.
        xlabel, ylabel: the labels of the axes, with units.
        log_y: True for a logarithmic vertical axis.
        ax: the axes to draw on; None for a new figure.

    Example:
    >>> curves = {"lstm": [0.9, 0.8], "gru": [0.9, 0.85]}
    >>> figure = zoo.inspection.plots.lines([5, 10], curves, xlabel="tokens", ylabel="accuracy")
    >>> len(figure.axes[0].lines)
    2
    """
    figure, axes = _figure_and_axes(ax)
    for (name, values), style in zip(curves.items(), _styles(), strict=False):
        # More markers than this run into each other.
        axes.plot(x, values, label=_legend_name(name), markevery=max(1, len(x) // 15), **style)
    if log_y:
        axes.set_yscale("log")
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    _finish(axes, legend=True)
    return figure


# Parts


def _figure_and_axes(ax) -> tuple[Figure, Any]:
    if ax is not None:
        return ax.figure, ax
    figure = ShownFigure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    return figure, figure.subplots()


def _cycled(values: Sequence) -> Iterator:
    while True:
        yield from values


def _styles() -> Iterator[dict[str, Any]]:
    for colour, marker, dash in zip(_cycled(COLOURS), _cycled(_MARKERS), _cycled(_DASHES)):  # noqa: B905
        yield {
            "color": colour,
            "marker": marker,
            "linestyle": dash,
            "markersize": 5,
            "linewidth": 1.8,
        }


def _finish(axes, *, legend: bool = False) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    if legend and axes.get_legend_handles_labels()[0]:
        shown = axes.legend(fontsize="small", framealpha=0.8, handlelength=3)
        _set_literally(shown.get_texts())


def _label_tokens(axis, tokens: Sequence[str], most: int, **options) -> None:
    """Writes tokens along an axis, each nth where they are too many."""
    step = max(1, -(-len(tokens) // max(most, 1)))
    places = range(0, len(tokens), step)
    names, family = fonts.labels([_visible(tokens[place]) for place in places])
    axis.set_ticks(places, names, **options, **family)
    axis.set_tick_params(labelsize="x-small" if len(tokens) > 12 else "small")


def _visible(token: str) -> str:
    """A token as a label: white space as symbols."""
    if token.isspace():
        token = token.replace(" ", "\u2423").replace("\n", "\u21b5").replace("\t", "\u21e5")
    return token


def _legend_name(name: str) -> str:
    # matplotlib leaves names with an underscore out of a legend.
    return f" {name}" if name.startswith("_") else name


def _set_literally(texts: Sequence) -> None:
    """Shows the strings of `matplotlib.text.Text`s as they are."""
    names, family = fonts.labels([text.get_text() for text in texts])
    for text, name in zip(texts, names, strict=True):
        text.set(text=name, **family)


def _label_points(axes, names: Sequence[str], costs, scores) -> None:
    """Writes names next to points, moved upwards where they would run into each other."""
    if not names:
        return
    axes.figure.draw_without_rendering()  # Places are known once the axes are laid out.
    places = axes.transData.transform(np.column_stack([costs, scores]))
    middle = axes.transAxes.transform((0.5, 0.5))[0]
    taken: dict[bool, float] = {}
    shown, family = fonts.labels(names)
    for index in sorted(range(len(names)), key=lambda i: places[i][1]):
        to_the_left = places[index][0] > middle
        height = max(places[index][1], taken.get(to_the_left, -np.inf) + 14)
        taken[to_the_left] = height
        axes.annotate(
            shown[index],
            (costs[index], scores[index]),
            xytext=(-8 if to_the_left else 8, (height - places[index][1]) * 72 / _DPI),
            textcoords="offset points",
            ha="right" if to_the_left else "left",
            va="center",
            fontsize="small",
            **family,
        )


def _history(name: str, report: "zoo.Report", metric: str) -> tuple[list[int], list[float]]:
    """Epochs, and the metric in each; the mean over the runs of several seeds."""
    entries: dict[int, list[float]] = {}
    for run in report.runs or [report]:
        for epoch in run.history:
            if epoch.get(metric) is not None:
                entries.setdefault(epoch["epoch"], []).append(epoch[metric])
    if not entries:
        known = sorted({key for run in report.runs or [report] for e in run.history for key in e})
        raise ValueError(
            f"No epoch of {name} has {metric!r}; there are: {', '.join(known) or 'no epochs'}."
        )
    epochs = sorted(entries)
    return epochs, [float(np.mean(entries[epoch])) for epoch in epochs]


def _score(name: str, report: "zoo.Report", metric: str) -> float:
    for scores in (report.test, report.validation):
        if scores.get(metric) is not None:
            return scores[metric]
    known = ", ".join(sorted(report.test or report.validation))
    raise ValueError(f"The report of {name} has no {metric!r}; it has: {known}.")


def _detail(name: str, report: "zoo.Report", key: str) -> Any:
    """A detail of the test split, see `Report.detail`."""
    found = report.detail(key)
    if found is None:
        raise ValueError(
            f"The report of {name} has no {key!r}: expected one of a classifier that was tested."
        )
    return found


def _unit(report: "zoo.Report", metric: str) -> str:
    """The unit of a metric of a report, or of what every report measures."""
    units = {"loss": "nats", "seconds": "s", **{known.name: known.unit for known in report.metrics}}
    return units.get(metric.removeprefix("val_"), "")


def _scaled(report: "zoo.Report", metric: str, values: Sequence[float]) -> np.ndarray:
    factor = 100 if _unit(report, metric) == "%" else 1
    return factor * np.asarray(values, "float64")


def _metric_label(metric: str, reports: Mapping[str, "zoo.Report"]) -> str:
    plain = metric.removeprefix("val_")
    words = plain.replace("_", " ").replace("auc", "AUC").replace("f1", "F1")
    unit = next((_unit(report, metric) for report in reports.values()), "")
    where = "validation " if plain != metric else ""
    return f"{where}{words}" + (f" [{unit}]" if unit else "")
