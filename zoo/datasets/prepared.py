"""Copies of datasets that TensorFlow Datasets prepared: found, or else downloaded, and read."""

import contextlib
import dataclasses
import os
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from zoo.datasets.audit import TextCollector
from zoo.datasets.dataset import DatasetError, absolute_path
from zoo.utils.tensorflow import import_tensorflow

_WAYS_OUT = (
    "set TFDS_DATA_DIR or data_dir to a prepared copy, run once with a network, "
    "or use synthetic_reviews or a file of your own."
)


@dataclasses.dataclass(frozen=True)
class PreparedDataset:
    """A dataset of texts that TensorFlow Datasets knows.

    Attributes:
        name: how it is called there.
        folder: where a prepared copy stands, below a data directory.
        url: what is downloaded to prepare one.
        download_size: how much that is, as a person says it.
        columns: what a record holds, the kind of each by its name: texts and categories.
        unit: what one record is, as a person says it of many.
    """

    name: str
    folder: Path
    url: str
    download_size: str
    columns: Mapping[str, str]
    unit: str = "texts"

    def find(self, data_dir: Path) -> Path:
        """The folder of the prepared copy, which is downloaded where there is none.

        TensorFlow Datasets is asked only once it is known that something answers: without a
        network it tries for minutes, and leaves half of a copy behind.

        Raises:
            DatasetError: where there is no copy and it cannot be downloaded.
        """
        copy = data_dir / self.folder
        if (copy / "dataset_info.json").exists():
            return copy
        if not _is_reachable(self.url):
            raise DatasetError(
                f"There is no copy of {self.name} in {data_dir}, and no network to download it: "
                + _WAYS_OUT
            )
        try:
            self._download(copy, data_dir)
        except Exception as error:  # The network, the disk, a changed file, a missing package.
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise DatasetError(
                f"Downloading {self.name} from {self.url} to {data_dir} failed ({reason}): "
                + _WAYS_OUT
            ) from error
        return copy

    def _download(self, copy: Path, data_dir: Path) -> None:
        """Prepares a copy beside its place and moves it there whole; a failure leaves nothing."""
        import_tensorflow()
        import tensorflow_datasets as tfds

        print(
            f"Downloading {self.name} ({self.download_size}) to {data_dir}; this happens once.",
            file=sys.stderr,
        )
        tfds.disable_progress_bar()
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{self.name}.", dir=data_dir) as workplace:
            # What it prints names the temporary folder, and standard output is not ours to use.
            with contextlib.redirect_stdout(None):
                tfds.builder(self.name, data_dir=workplace).download_and_prepare()
            copy.parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(workplace) / self.folder, copy)

    def read(self, copy: Path, split: str) -> TextCollector:
        """Reads one split of a prepared copy, in the order of its files.

        The records are parsed by thousands: the `as_dataset` of TensorFlow Datasets parses them one
        by one and takes five times as long.

        Raises:
            DatasetError: where the copy is damaged.
        """
        import_tensorflow()
        import tensorflow as tf
        import tensorflow_datasets as tfds

        examples = TextCollector(self.columns)
        features = {
            name: tf.io.FixedLenFeature([], tf.string if kind == "text" else tf.int64)
            for name, kind in self.columns.items()
        }
        try:
            described = tfds.builder_from_directory(copy).info.splits[split]
            num_read = 0
            for records in tf.data.TFRecordDataset(described.filepaths).batch(5_000):
                parsed = tf.io.parse_example(records, features)
                columns = [parsed[name].numpy().tolist() for name in self.columns]
                for values in zip(*columns, strict=True):
                    examples.add(*map(_decoded, values))
                    num_read += 1
        except Exception as error:  # A damaged copy fails in as many ways as it has files, fields.
            raise self._damaged(copy, split, type(error).__name__) from error
        if num_read != described.num_examples:
            found = f"{num_read:,} of {described.num_examples:,} {self.unit}"
            raise self._damaged(copy, split, found)
        return examples

    def _damaged(self, copy: Path, split: str, what: str) -> DatasetError:
        return DatasetError(
            f"The {split} split of {self.name} in {copy} is damaged ({what}): remove that folder "
            "to have it downloaded again, or point data_dir to another copy."
        )


def _decoded(value: bytes | int) -> str | int:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def data_directory(data_dir: str | os.PathLike | None) -> Path:
    """The data directory that was given; by default TFDS_DATA_DIR, else ~/tensorflow_datasets.

    It is looked up when it is needed: TensorFlow Datasets itself does so once, on its import.
    """
    return absolute_path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")


def _is_reachable(url: str, seconds: float = 5) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
            return True
    except OSError:
        return False
