"""An argument in a message becomes the option of the command line, and nothing else does."""

import pytest

from zoo.utils.flags import with_flags

FLAGS = {
    name: f"--{name.replace('_', '-')}"
    for name in ("epochs", "model", "learning_rate", "clip_norm", "bidirectional", "overwrite")
} | {"log_dir": "--out"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("epochs must be at least 1; it is 0.", "--epochs must be at least 1; it is 0."),
        ("model requires log_dir.", "--model requires --out."),
        (
            "Loss is nan: try a lower learning_rate or clip_norm.",
            "Loss is nan: try a lower --learning-rate or --clip-norm.",
        ),
        ("create it with bidirectional=False.", "create it with --no-bidirectional."),
        ("Use another folder, or overwrite=True.", "Use another folder, or --overwrite."),
        ("give clip_norm=0.5, or clip_norm=None", "give --clip-norm 0.5, or --clip-norm"),
        ("The model of epochs was stopped.", "The model of epochs was stopped."),
        ("runs/learning_rate/a is damaged.", "runs/learning_rate/a is damaged."),
        ("learning_rate.csv is damaged.", "learning_rate.csv is damaged."),
        ("The labels are 'learning_rate'.", "The labels are 'learning_rate'."),
        ("training.learning_rate: 1 there", "--learning-rate: 1 there"),
        ("training.schedule: 1 there", "training.schedule: 1 there"),
        (
            "Unknown argument of lstm 'a': expected one of clip_norm.",
            "Unknown argument of lstm 'a': expected one of clip_norm.",
        ),
    ],
)
def test_arguments_become_options(message, expected):
    assert with_flags(message, FLAGS) == expected
