"""The demo: train, report, export, and use the export with TensorFlow alone, in a minute."""

import pathlib
import subprocess
import sys
import textwrap

import zoo
from zoo.utils import files
from zoo.utils.terminal import terminal_width

# Pairs of sentences with the same words in another order, which a bag of words cannot distinguish.
SENTENCES = (
    "The music was wonderful, but the story was dull. What counts for me is the story.",
    "The music was dull, but the story was wonderful. What counts for me is the story.",
    "The acting was not boring, but the dialogue was weak. What counts for me is the acting.",
    "The acting was weak, but the dialogue was not boring. What counts for me is the acting.",
)

# Run in a process that cannot import the zoo or Keras, to show that the SavedModel needs neither.
_PLAIN_TENSORFLOW = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["zoo"] = sys.modules["keras"] = None
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
answers = model.signatures["serve"](text=tf.constant(sys.argv[2:]))
for text, label, score in zip(sys.argv[2:], answers["label"].numpy(), answers["score"].numpy()):
    print(f"  {label.decode():9} {score:.2f}  {text}")
"""


def run(out: pathlib.Path) -> None:
    """Trains an LSTM and a bag of words on synthetic reviews, and uses the LSTM's SavedModel.

    Args:
        out: the folder of the runs.

    Raises:
        FileError: if the folder cannot be written to.
    """
    from rich.console import Console

    console = Console(highlight=False, width=terminal_width())

    def say(text):
        console.print(f"\n{text}", style="bold")

    say("1. Synthetic reviews from a grammar, whose best possible scores are known")
    dataset = zoo.datasets.load("synthetic_reviews", opening=0, gap=5, distance=0)
    task = zoo.tasks.sentiment(dataset)
    for text, label in zip(dataset.train["text"][:3], dataset.train["label"], strict=False):
        lines = textwrap.wrap(f"{dataset.label_names[label]}: {text}", terminal_width() - 2)
        print(textwrap.indent("\n".join(lines), "  "))

    say("2. A bag of words ignores the order of words")
    bag = zoo.fit_and_evaluate(
        lambda: zoo.BagOfWords(**task.model_arguments()),
        task,
        epochs=2,
        learning_rate=1e-2,
        log_dir=out / "bag_of_words",
        command="zoo demo",
    )

    say("3. An LSTM reads the words in order")
    report = zoo.fit_and_evaluate(
        lambda: zoo.LSTM(
            **task.model_arguments(),
            embedding_dim=32,
            units=64,
            pooling="last",
            embedding_dropout=0.0,
            dropout=0.0,
        ),
        task,
        epochs=10,
        batch_size=128,
        learning_rate=8e-3,
        log_dir=out / "lstm",
        command="zoo demo",
    )
    console.print(report)
    print(
        f"Test accuracy: bag of words {bag.test['accuracy']:.1%}, LSTM "
        f"{report.test['accuracy']:.1%}, best possible {report.best_possible['accuracy']:.1%}."
    )

    say("4. The SavedModel of the LSTM, loaded by TensorFlow alone in another process")
    model, task = zoo.load(out / "lstm")
    path = zoo.export_saved_model(model, task, out / "lstm" / "saved_model" / "1")
    print(f"  {path}")
    print(_in_plain_tensorflow(path, SENTENCES), end="")

    say("Next: real reviews (IMDb; an 80 MB download unless it is prepared already)")
    print("  .venv/bin/zoo fit lstm sentiment --data imdb_reviews --seed 1 --out runs/lstm")
    print('  .venv/bin/zoo predict --model runs/lstm "A film to forget." "A film to remember."')


def _in_plain_tensorflow(path: pathlib.Path, texts) -> str:
    with files.without_pattern(path) as place:
        finished = subprocess.run(
            [sys.executable, "-c", _PLAIN_TENSORFLOW, str(place), *texts],
            capture_output=True,
            text=True,
            check=False,
        )
    if finished.returncode:
        raise RuntimeError(f"TensorFlow cannot load {path}: {finished.stderr[-300:]}")
    return finished.stdout
