import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import DatasetError, imdb, load

PREPARED = os.environ.get("TFDS_DATA_DIR", "")
needs_imdb = pytest.mark.skipif(
    not (Path(PREPARED) / "imdb_reviews").is_dir(),
    reason="TFDS_DATA_DIR does not point to a prepared copy of imdb_reviews",
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """A small archive that is laid out as the one that is downloaded."""
    path = tmp_path_factory.mktemp("download") / "aclImdb_v1.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for split, label, size in (
            ("train", "neg", 20),
            ("train", "pos", 20),
            ("train", "unsup", 30),
            ("test", "neg", 10),
            ("test", "pos", 10),
        ):
            for number in range(size):
                text = f"Film {number} of {split}: {label}. Café."
                # In Latin-1 one text, which is then not UTF-8; one text empty; one a duplicate.
                content = text.encode("latin-1" if (label, number) == ("pos", 3) else "utf-8")
                if (split, label, number) == ("train", "neg", 4):
                    content = b" "
                if (split, label, number) == ("test", "neg", 5):
                    content = "Film 0 of train: neg. Café.".encode()
                info = tarfile.TarInfo(f"aclImdb/{split}/{label}/{number}_1.txt")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def fake_download(archive, monkeypatch):
    import tensorflow_datasets as tfds

    monkeypatch.setattr("zoo.datasets.prepared._is_reachable", lambda url: True)
    monkeypatch.setattr(tfds.download.DownloadManager, "download", lambda self, url: archive)


@pytest.fixture
def small_copy(tmp_path, fake_download) -> Path:
    """A data directory with a prepared copy of the small archive."""
    imdb(data_dir=tmp_path)
    return tmp_path


def test_a_copy_is_downloaded_and_prepared_once(
    tmp_path, fake_download, monkeypatch, no_network, capsys
):
    dataset = imdb(data_dir=tmp_path, validation_share=0.25)
    assert capsys.readouterr().out == ""
    assert os.listdir(tmp_path) == ["imdb_reviews"]
    assert sorted(dataset.train["text"] + dataset.validation["text"])[0].startswith(
        "Film 0 of train"
    )
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [29, 10, 20]
    assert all(
        dataset.label_names[label][:3] in text
        for text, label in zip(dataset.test["text"], dataset.test["label"], strict=True)
        if "train" not in text
    )
    assert dataset.test["label"].dtype == np.int32
    assert len(dataset.unlabelled) == 30
    assert list(dataset.unlabelled.columns) == ["text"]
    assert (dataset.audit.empty, dataset.audit.wrong_encoding) == (1, 2)
    found = dataset.audit.duplicates
    assert found["in both train and test"] + found["in both validation and test"] == 1

    monkeypatch.setattr("zoo.datasets.prepared._is_reachable", lambda url: False)
    assert load("imdb", **dataset.arguments).fingerprint == dataset.fingerprint
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))  # Long after the import, and it counts.
    assert imdb(validation_share=0.25).fingerprint == dataset.fingerprint


def test_without_copy_and_network_the_ways_out_are_named_and_nothing_is_left(tmp_path, no_network):
    with pytest.raises(DatasetError) as caught:
        imdb(data_dir=tmp_path)
    assert str(caught.value) == (
        f"There is no copy of imdb_reviews in {tmp_path}, and no network to download it: "
        "set TFDS_DATA_DIR or data_dir to a prepared copy, run once with a network, "
        "or use synthetic_reviews or a file of your own."
    )
    assert os.listdir(tmp_path) == []


def test_a_download_that_fails_leaves_nothing(tmp_path, fake_download, archive, monkeypatch):
    content = archive.read_bytes()
    broken = archive.with_name("broken.tar.gz")
    broken.write_bytes(content[: len(content) // 2])
    import tensorflow_datasets as tfds

    monkeypatch.setattr(tfds.download.DownloadManager, "download", lambda self, url: broken)
    with pytest.raises(DatasetError, match=r"^Downloading imdb_reviews .* failed \(EOFError: "):
        imdb(data_dir=tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("damage", ["truncated", "shortened", "flipped", "removed", "metadata"])
def test_a_damaged_copy_is_refused_with_its_folder(damage, small_copy):
    folder = small_copy / "imdb_reviews" / "plain_text" / "1.0.0"
    records = next(folder.glob("*-test.tfrecord*"))
    content = records.read_bytes()
    if damage == "truncated":
        records.write_bytes(content[:-5])
    elif damage == "shortened":  # To whole records, which TFRecord itself cannot notice.
        records.write_bytes(b"")
    elif damage == "flipped":
        records.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif damage == "removed":
        records.unlink()
    else:
        (folder / "dataset_info.json").write_text("{")
    with pytest.raises(DatasetError) as caught:
        imdb(data_dir=small_copy)
    message = str(caught.value)
    assert f"imdb_reviews in {folder} is damaged (" in message
    assert "\n" not in message


@needs_imdb
@pytest.mark.real_data
def test_the_real_reviews(no_network):
    dataset = imdb(data_dir=PREPARED)
    assert abs(len(dataset.train) - 22_500) <= 10
    assert len(dataset.train) + len(dataset.validation) == 25_000
    assert np.bincount(dataset.test["label"]).tolist() == [12_500, 12_500]
    assert abs(dataset.validation["label"].mean() - 0.5) < 0.001
    assert not set(dataset.train["text"]) & set(dataset.validation["text"])
    assert dataset.audit.empty == dataset.audit.wrong_encoding == 0
    found = dataset.audit.duplicates
    # 123 reviews stand in the test split and in the original training split.
    assert found["in both train and test"] + found["in both validation and test"] == 123
    assert len(dataset.unlabelled) == 50_000

    # 110 reviews of train stand in test as well; of the unlabelled, 36 stand in validation and 270
    # in test. None of validation is in train: equal texts are on the same side.
    texts, num_left_out = dataset.texts_for_language_modelling()
    assert (len(texts), num_left_out) == (72_084, 110 + 36 + 270)
    assert not set(texts) & {*dataset.validation["text"], *dataset.test["text"]}

    again, other = imdb(data_dir=PREPARED), imdb(data_dir=PREPARED, seed=1)
    assert again.fingerprint == dataset.fingerprint
    assert other.test["text"] == dataset.test["text"]
    assert other.validation["text"] != dataset.validation["text"]
