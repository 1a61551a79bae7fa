"""Tiny Shakespeare: a million characters of Shakespeare's plays, as one continuous text."""

import os
from pathlib import Path

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import Split, TextDataset
from zoo.datasets.prepared import PreparedDataset, data_directory
from zoo.datasets.registry import register_dataset

_PREPARED = PreparedDataset(
    "tiny_shakespeare",
    folder=Path("tiny_shakespeare", "1.0.0"),
    url=(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
    ),
    download_size="1 MiB",
    columns={"text": "text"},
)


@register_dataset("tiny_shakespeare", "shakespeare")
def tiny_shakespeare(*, data_dir: str | os.PathLike | None = None) -> TextDataset:
    """40,000 lines of Shakespeare's plays.

    Karpathy 2015, char-rnn, https://github.com/karpathy/char-rnn. Read from the prepared copy of
    TensorFlow Datasets (`tiny_shakespeare`), which is downloaded (1 MiB) if it does not exist.

    Each split is one text: train is the first 90 % of the characters (1,003,854), validation the
    next 5 % (55,770), test the last 5 % (55,770). The cuts can be inside a line or a word.

    Args:
        data_dir: Data directory of TensorFlow Datasets; None for TFDS_DATA_DIR, or else
            ~/tensorflow_datasets.

    Raises:
        DatasetError: If there is no prepared copy and the download fails, or if the copy is
            damaged.

    Example:
    >>> plays = zoo.datasets.tiny_shakespeare()  # doctest: +SKIP
    >>> plays.train["text"][0].splitlines()[0]  # doctest: +SKIP
    'First Citizen:'
    """
    copy = _PREPARED.find(data_directory(data_dir))
    reads = {name: _PREPARED.read(copy, name) for name in ("train", "validation", "test")}
    splits = {name: Split(read.columns) for name, read in reads.items()}
    return TextDataset(
        "tiny_shakespeare",
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        is_continuous=True,
        audit=Audit.of(reads.values()),
        arguments={} if data_dir is None else {"data_dir": str(data_directory(data_dir))},
    )
