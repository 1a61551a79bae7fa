"""The Large Movie Review Dataset: 100,000 film reviews from IMDb, half of them with labels."""

import contextlib
import os
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.registry import register_dataset
from zoo.datasets.text_dataset import (
    DatasetError,
    Split,
    TextCollector,
    TextDataset,
    audit,
    carve,
)
from zoo.quiet import import_tensorflow

LABEL_NAMES = ("negative", "positive")

# Where TensorFlow Datasets keeps a prepared copy, below its data directory, and what it downloads.
_COPY = Path("imdb_reviews", "plain_text", "1.0.0")
_URL = "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"

_WAYS_OUT = (
    "set TFDS_DATA_DIR or data_dir to a prepared copy, run once with a network, "
    "or use synthetic_reviews or a file of your own."
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
        arguments["data_dir"] = str(_absolute(data_dir))
    copy = _prepared_copy(
        _absolute(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")
    )

    reads = [_read(copy, "train"), _read(copy, "test")]
    labelled, test = (Split(read.texts, np.array(read.labels, "int32")) for read in reads)
    train, validation = carve(labelled, validation_share, seed)
    return TextDataset(
        "imdb_reviews",
        train=train,
        validation=validation,
        test=test,
        label_names=LABEL_NAMES,
        unlabelled=lambda: Split(_read(copy, "unsupervised").texts),
        audit=audit(reads, train=train, validation=validation, test=test),
        arguments=arguments,
    )


def _absolute(directory: str | os.PathLike) -> Path:
    return Path(os.path.abspath(os.path.expanduser(directory)))


def _read(copy: Path, split: str) -> TextCollector:
    """Reads one split of a prepared copy, in the order of its files.

    The records are parsed by thousands: the `as_dataset` of TensorFlow Datasets parses them one by
    one and takes five times as long.
    """
    import_tensorflow()
    import tensorflow as tf
    import tensorflow_datasets as tfds

    examples = TextCollector()
    columns = {
        "text": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    try:
        described = tfds.builder_from_directory(copy).info.splits[split]
        num_read = 0
        for records in tf.data.TFRecordDataset(described.filepaths).batch(5_000):
            parsed = tf.io.parse_example(records, columns)
            texts, labels = parsed["text"].numpy().tolist(), parsed["label"].numpy().tolist()
            for text, label in zip(texts, labels, strict=True):
                examples.add(text.decode("utf-8", "surrogateescape"), label)
            num_read += len(texts)
    except Exception as error:  # A damaged copy fails in as many ways as it has files and fields.
        raise DatasetError(_damaged(copy, split, type(error).__name__)) from error
    if num_read != described.num_examples:
        found = f"{num_read:,} of {described.num_examples:,} reviews"
        raise DatasetError(_damaged(copy, split, found))
    return examples


def _damaged(copy: Path, split: str, what: str) -> str:
    return (
        f"The {split} split of imdb_reviews in {copy} is damaged ({what}): remove that folder to "
        "have it downloaded again, or point data_dir to another copy."
    )


def _prepared_copy(data_dir: Path) -> Path:
    """The folder with the prepared copy, which is downloaded where there is none.

    TensorFlow Datasets is asked only once it is known that something answers: without a network
    it tries for minutes, and leaves half of a copy behind.
    """
    copy = data_dir / _COPY
    if (copy / "dataset_info.json").exists():
        return copy
    if not _is_reachable(_URL):
        raise DatasetError(
            f"There is no copy of imdb_reviews in {data_dir}, and no network to download it: "
            + _WAYS_OUT
        )
    try:
        _download(copy, data_dir)
    except Exception as error:  # The network, the disk, a file that has changed, a missing package.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DatasetError(
            f"Downloading imdb_reviews from {_URL} to {data_dir} failed ({reason}): {_WAYS_OUT}"
        ) from error
    return copy


def _is_reachable(url: str, seconds: float = 5) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
            return True
    except OSError:
        return False


def _download(copy: Path, data_dir: Path) -> None:
    """Prepares a copy beside its place and moves it there whole; a failure leaves nothing."""
    import_tensorflow()
    import tensorflow_datasets as tfds

    print(f"Downloading imdb_reviews (80 MiB) to {data_dir}; this happens once.", file=sys.stderr)
    tfds.disable_progress_bar()
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="imdb_reviews.", dir=data_dir) as workplace:
        # What it prints names the temporary folder, and standard output is not ours to write on.
        with contextlib.redirect_stdout(None):
            tfds.builder("imdb_reviews", data_dir=workplace).download_and_prepare()
        copy.parent.mkdir(parents=True, exist_ok=True)
        os.replace(Path(workplace) / _COPY, copy)
