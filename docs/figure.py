"""Draw docs/results.png: test accuracy against fitting time of the pretrained classifiers.

    .venv/bin/python docs/figure.py

The scores and seconds come from the `report.json` of each model in saved_models/. A model that
starts from the weights of another one appears twice: an open circle at its own fitting time, a
filled one at the time that includes pretraining.
"""

import io
import json
import pathlib
import tomllib

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "saved_models"

BASELINE, SEQUENCE, GREY = "#8a8f98", "#1f6feb", "#57606a"
SECONDS = [5, 15, 60, 300, 900, 3600]
SECONDS_AS_TEXT = ["5 s", "15 s", "1 min", "5 min", "15 min", "1 h"]

BEST, BEST_BASELINE = "gru_imdb", "bag_of_bigrams_imdb"
BASELINES = {"bag_of_words", "bag_of_bigrams"}


def read(name: str) -> tuple[dict, float]:
    """Return the report of a model and the seconds of pretraining that it depends on."""
    report = json.loads((MODELS / name / "report.json").read_text(encoding="utf-8"))
    recipe = tomllib.loads((MODELS / name / "recipe.toml").read_text(encoding="utf-8"))
    source = recipe.get("initial_weights")
    if source is None:
        return report, 0.0
    first, earlier = read(source)
    return report, first["seconds"]["fitting"] + earlier


def main() -> None:
    """Write docs/results.png."""
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10})
    figure, axes = plt.subplots(figsize=(7.6, 4.2), layout="constrained")
    best_baseline = 0.0
    for folder in sorted(path.parent for path in MODELS.glob("*/report.json")):
        report, pretraining = read(folder.name)
        if report["task"] != "sentiment":
            continue
        architecture = report["model"]["name"]
        is_baseline = architecture in BASELINES
        color = BASELINE if is_baseline else SEQUENCE
        accuracy = 100 * report["test"]["accuracy"]
        spread = 100 * report["spread"].get("accuracy", 0.0)
        fitting = report["seconds"]["fitting"]
        total = fitting + pretraining
        if folder.name == BEST_BASELINE:
            best_baseline = accuracy
        if pretraining:
            axes.plot([fitting, total], [accuracy] * 2, color=color, linewidth=1.2, alpha=0.5)
            axes.plot(fitting, accuracy, "o", color=color, markerfacecolor="white", markersize=7)
        axes.errorbar(total, accuracy, spread or None, fmt="o", color=color, markersize=7)
        # Between the two circles of a pretrained model; to the right of all others.
        axes.annotate(
            f"{architecture}  {accuracy:.1f} %",
            ((fitting * total) ** 0.5, accuracy),
            xytext=(0, 6) if pretraining else (9, 6 if is_baseline else -4),
            textcoords="offset points",
            horizontalalignment="center" if pretraining else "left",
            color=GREY if is_baseline else color,
            fontsize=11,
        )
        if folder.name == BEST:
            for seconds, text, x, side in (
                (fitting, "fine-tuning alone", -8, "right"),
                (total, "with pretraining", 8, "left"),
            ):
                axes.annotate(
                    text,
                    (seconds, accuracy),
                    xytext=(x, -3),
                    textcoords="offset points",
                    horizontalalignment=side,
                    color=GREY,
                    fontsize=9,
                )
    axes.axhline(best_baseline, color=BASELINE, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    axes.text(
        16_500,
        best_baseline - 0.07,
        "best baseline",
        horizontalalignment="right",
        verticalalignment="top",
        color=GREY,
        fontsize=9,
    )
    axes.set(xscale="log", xlim=(4.5, 17_000), ylim=(87.6, 92.8))
    axes.set_xticks(SECONDS, SECONDS_AS_TEXT)
    axes.minorticks_off()
    axes.set_yticks(range(88, 93), [f"{share} %" for share in range(88, 93)])
    axes.set_xlabel("fitting time on two CPU cores", color=GREY)
    axes.set_title(
        "IMDb sentiment: test accuracy of the pretrained classifiers", loc="left", pad=14
    )
    axes.grid(axis="y", color="#eaeef2")
    axes.set_axisbelow(True)
    axes.tick_params(colors=GREY, length=0)
    axes.spines[:].set_visible(False)
    image = io.BytesIO()
    figure.savefig(image, dpi=150)
    # A palette of 64 colors takes a third of the bytes.
    Image.open(image).convert("RGB").quantize(64).save(ROOT / "docs" / "results.png", optimize=True)


if __name__ == "__main__":
    main()
