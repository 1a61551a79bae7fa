"""The Large Movie Review Dataset: 50,000 labelled and 50,000 unlabelled film reviews."""

import os
from pathlib import Path
from typing import Any

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import Split, TextDataset
from zoo.datasets.files import LABELLED_TEXTS
from zoo.datasets.prepared import PreparedDataset, data_directory
from zoo.datasets.registry import register_dataset
from zoo.datasets.splitting import split_off

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
    """Film reviews from IMDb, negative (4 of 10 stars or fewer) or positive (7 or more).

    Maas, Daly, Pham, Huang, Ng and Potts 2011, "Learning Word Vectors for Sentiment Analysis",
    ACL. Read from the prepared copy of TensorFlow Datasets (`imdb_reviews`), which is downloaded
    (80 MiB) if it does not exist.

    The test split has the 25,000 test reviews of the original. Its 25,000 training reviews are
    divided into train and validation, as a function of `validation_share` and `seed` only.
    `unlabelled` has 50,000 more reviews and is read on first use.

    Args:
        validation_share: Share of the training reviews to hold out for validation, above 0 and
            below 1.
        seed: Seed of the validation split.
        data_dir: Data directory of TensorFlow Datasets; None for TFDS_DATA_DIR, or else
            ~/tensorflow_datasets.

    Raises:
        DatasetError: If there is no prepared copy and the download fails, if the copy is damaged,
            or if `validation_share` is out of range.

    Example:
    >>> reviews = zoo.datasets.imdb()  # doctest: +SKIP
    >>> len(reviews.train), len(reviews.validation), len(reviews.test)  # doctest: +SKIP
    (22500, 2500, 25000)
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
