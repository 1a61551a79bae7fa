"""Tiny Shakespeare: a million characters of Shakespeare's plays, as one running text."""

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
    """Passages of Shakespeare's plays, 40,000 lines, cut in three without regard to lines or words.

    Karpathy 2015, char-rnn, https://github.com/karpathy/char-rnn; read from the copy that
    TensorFlow Datasets (`tiny_shakespeare`) prepared. Where there is none it is downloaded
    (1 MiB) and prepared, whole or not at all.

    Each split is one text, without a label: the first 90 % of the characters are train (1,003,854),
    the next 5 % validation (55,770), the last 5 % test (55,770).

    Args:
        data_dir: the data directory of TensorFlow Datasets; by default TFDS_DATA_DIR, or else
            ~/tensorflow_datasets.

    Raises:
        DatasetError: where there is no prepared copy and it cannot be downloaded, or where the copy
            is damaged.
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
