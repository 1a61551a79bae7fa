"""The Large Movie Review Dataset: 100,000 film reviews from IMDb, half of them with labels."""

import os
from pathlib import Path
from typing import Any

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import Split, TextDataset, split_off
from zoo.datasets.files import LABELLED_TEXTS
from zoo.datasets.prepared import PreparedDataset, data_directory
from zoo.datasets.registry import register_dataset

LABEL_NAMES = ("negative", "positive")

_PREPARED = PreparedDataset(
    "imdb_reviews",
    folder=Path("imdb_reviews", "plain_text", "1.0.0"),
    url="http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    download_size="80 MiB",
    unit="reviews",
    columns=LABELLED_TEXTS,
)


@register_dataset("imdb_reviews", "imdb")
def imdb(
    *,
    validation_share: float = 0.1,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> TextDataset:
    """IMDb film reviews, each negative (at most 4 of 10 stars) or positive (at least 7).

    Maas, Daly, Pham, Huang, Ng and Potts 2011, "Learning Word Vectors for Sentiment Analysis",
    ACL; read from the copy that TensorFlow Datasets (`imdb_reviews`) prepared. Where there is
    none it is downloaded (80 MiB) and prepared, whole or not at all.

    The test split is the 25,000 reviews of the original. Its 25,000 training reviews are divided
    into train and validation; which of them are validation depends on `validation_share` and
    `seed` alone. `unlabelled` reads 50,000 more reviews when it is asked for.

    Args:
        validation_share: the part of the original training reviews to carve off for validation,
            above 0 and below 1.
        seed: another seed carves another part.
        data_dir: the data directory of TensorFlow Datasets; by default TFDS_DATA_DIR, or else
            ~/tensorflow_datasets.

    Raises:
        DatasetError: where there is no prepared copy and it cannot be downloaded, where the copy
            is damaged, or where `validation_share` is out of range.
    """
    arguments: dict[str, Any] = {"validation_share": validation_share, "seed": seed}
    if data_dir is not None:
        arguments["data_dir"] = str(data_directory(data_dir))
    copy = _PREPARED.find(data_directory(data_dir))

    reads = [_PREPARED.read(copy, split) for split in ("train", "test")]
    labelled, test = (Split(read.columns) for read in reads)
    train, validation = split_off(labelled, validation_share, seed)
    return TextDataset(
        "imdb_reviews",
        train=train,
        validation=validation,
        test=test,
        label_names=LABEL_NAMES,
        unlabelled=lambda: Split({"text": _PREPARED.read(copy, "unsupervised").columns["text"]}),
        audit=Audit.of(reads),
        arguments=arguments,
    )
