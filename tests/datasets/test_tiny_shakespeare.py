import os
from pathlib import Path

import pytest

from zoo.datasets import DatasetError, load, tiny_shakespeare

PREPARED = os.environ.get("TFDS_DATA_DIR", "")
needs_plays = pytest.mark.skipif(
    not (Path(PREPARED) / "tiny_shakespeare").is_dir(),
    reason="TFDS_DATA_DIR does not point to a prepared copy of tiny_shakespeare",
)

PLAY = "".join(f"Speaker {i}:\nWhat I say is caf\u00e9 and {i}.\n\n" for i in range(100))


@pytest.fixture
def fake_download(tmp_path_factory, monkeypatch):
    import tensorflow_datasets as tfds

    play = tmp_path_factory.mktemp("download") / "input.txt"
    play.write_text(PLAY, encoding="utf-8")
    monkeypatch.setattr("zoo.datasets.prepared._is_reachable", lambda url: True)
    monkeypatch.setattr(tfds.download.DownloadManager, "download", lambda self, url: play)


@pytest.fixture
def small_copy(tmp_path, fake_download) -> Path:
    """A data directory with a prepared copy of a made-up play."""
    tiny_shakespeare(data_dir=tmp_path)
    return tmp_path


def test_a_copy_is_downloaded_and_prepared_once(
    tmp_path, fake_download, monkeypatch, no_network, capsys
):
    dataset = tiny_shakespeare(data_dir=tmp_path)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith(
        f"Downloading tiny_shakespeare (1 MiB) to {tmp_path}; this happens once.\n"
    )
    assert os.listdir(tmp_path) == ["tiny_shakespeare"]
    splits = (dataset.train, dataset.validation, dataset.test)
    assert "".join(text for split in splits for text in split["text"]) == PLAY
    assert [len(split) for split in splits] == [1, 1, 1]
    assert [round(len(split["text"][0]) / len(PLAY), 2) for split in splits] == [0.9, 0.05, 0.05]
    assert all(list(split.columns) == ["text"] for split in splits)
    assert dataset.label_names is None
    assert dataset.is_continuous
    assert dataset.unlabelled["text"] == []
    assert dataset.texts_for_language_modelling() == (dataset.train["text"], 0)

    monkeypatch.setattr("zoo.datasets.prepared._is_reachable", lambda url: False)
    again = load(dataset.name, **dataset.arguments)
    assert (again.fingerprint, again.is_continuous) == (dataset.fingerprint, True)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    from_environment = load("shakespeare")
    assert from_environment.fingerprint == dataset.fingerprint
    assert from_environment.arguments == {}


def test_without_copy_and_network_the_ways_out_are_named_and_nothing_is_left(tmp_path, no_network):
    with pytest.raises(DatasetError) as caught:
        tiny_shakespeare(data_dir=tmp_path)
    assert str(caught.value) == (
        f"There is no copy of tiny_shakespeare in {tmp_path}, and no network to download it: "
        "set TFDS_DATA_DIR or data_dir to a prepared copy, run once with a network, "
        "or use synthetic_reviews or a file of your own."
    )
    assert os.listdir(tmp_path) == []


def test_a_download_that_fails_leaves_nothing(tmp_path, fake_download, monkeypatch):
    import tensorflow_datasets as tfds

    missing = tmp_path / "missing.txt"
    monkeypatch.setattr(tfds.download.DownloadManager, "download", lambda self, url: missing)
    with pytest.raises(DatasetError, match=r"^Downloading tiny_shakespeare from https://.* failed"):
        tiny_shakespeare(data_dir=tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-5], r"\(DataLossError\)"),
        (lambda content: b"", r"\(0 of 1 texts\)"),
        (lambda content: content * 2, r"\(2 of 1 texts\)"),
        (lambda content: content[:40] + b"!" + content[41:], r"\(DataLossError\)"),
    ],
    ids=["truncated", "emptied", "doubled", "changed"],
)
def test_a_damaged_copy_is_refused_with_its_folder(damage, said, split, small_copy):
    folder = small_copy / "tiny_shakespeare" / "1.0.0"
    records = next(folder.glob(f"*-{split}.tfrecord*"))
    records.write_bytes(damage(records.read_bytes()))
    where = f"^The {split} split of tiny_shakespeare in {folder} is damaged "
    with pytest.raises(DatasetError, match=where + said):
        tiny_shakespeare(data_dir=small_copy)


@needs_plays
@pytest.mark.real_data
def test_the_real_plays(no_network):
    dataset = tiny_shakespeare(data_dir=PREPARED)
    splits = (dataset.train, dataset.validation, dataset.test)
    assert [len(split["text"][0]) for split in splits] == [1_003_854, 55_770, 55_770]
    assert len(set(dataset.train["text"][0])) == 65
    # No character is unknown to a model of the training text, and none is a carriage return.
    assert {character for split in splits for character in split["text"][0]} == set(
        dataset.train["text"][0]
    )
    assert "\r" not in dataset.train["text"][0]
    assert dataset.audit.sentences() == []
