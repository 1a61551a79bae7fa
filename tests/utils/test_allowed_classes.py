"""Keras models from elsewhere: a class that could run code is refused before it is loaded."""

import json
import zipfile

import keras
import pytest

import zoo
from zoo.utils import allowed_classes
from zoo.utils.files import FileError

LAYER = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"class_name": "Lambda"}, "Lambda"),
        ({"class_name": "TFSMLayer"}, "TFSMLayer"),
        ({"module": "os", "class_name": "system"}, "system"),
        ({"module": "builtins", "class_name": "function", "config": "eval"}, "builtins"),
        ({"module": "keras.utils", "class_name": "get_file"}, "get_file"),
        (
            {
                "module": "zoo.utils.files",
                "class_name": "atomic_write",
                "registered_name": "zoo>no",
            },
            "atomic_write",
        ),
        ({"module": None}, "None"),
        ({"module": ["keras.layers"]}, "keras.layers"),
        ({"class_name": {}}, "{}"),
    ],
)
@pytest.mark.parametrize("depth", [0, 3, 10_000])
def test_a_class_that_is_no_layer_is_refused(tmp_path, changes, named, depth):
    config = {**LAYER, **changes}
    for _ in range(depth):
        config = {"layers": [config]}
    with pytest.raises(FileError, match=f"model.json is refused: .*{named}"):
        allowed_classes.check_classes(config, tmp_path / "model.json")


def test_layers_of_keras_and_of_the_zoo_pass(tmp_path):
    model = zoo.LSTM(vocabulary_size=9, embedding_dim=3, units=2)
    model.compile("adam", "mse")
    model.save(tmp_path / "model.keras")
    allowed_classes.check_archive(tmp_path / "model.keras")
    allowed_classes.check_classes([LAYER, keras.saving.serialize_keras_object(model)], tmp_path)


@pytest.fixture
def archive(tmp_path):
    """Writes an archive of these members."""

    def write(**members):
        file = tmp_path / "model.keras"
        names = {"metadata": "metadata.json", "config": "config.json", "w": "model.weights.h5"}
        with zipfile.ZipFile(file, "w") as opened:
            for name, content in members.items():
                opened.writestr(names.get(name, name), content)
        return file

    return write


def test_an_archive_with_another_member_is_refused(archive):
    file = archive(metadata="{}", config="{}", w="", **{"../../escaped": "x"})
    with pytest.raises(FileError, match=r"is refused: expected an archive of .*\.\./\.\./escaped"):
        allowed_classes.check_archive(file)
    with pytest.raises(FileError, match="found nothing"):
        allowed_classes.check_archive(archive())


@pytest.mark.parametrize("config", ["", "{", "\xff", "[" * 100_000])
def test_a_configuration_that_is_no_json_is_damaged(archive, config):
    file = archive(metadata="{}", config=config, w="")
    with pytest.raises(FileError, match="is damaged: expected a Keras model"):
        allowed_classes.check_archive(file)


def test_a_configuration_of_gigabytes_is_not_read(archive, monkeypatch):
    monkeypatch.setattr(allowed_classes, "_LARGEST_CONFIG", 100)
    file = archive(metadata="{}", config=json.dumps("x" * 100), w="")
    with pytest.raises(FileError, match="of 100 bytes at most; found 102"):
        allowed_classes.check_archive(file)


def test_what_is_no_archive_is_damaged(tmp_path):
    file = tmp_path / "model.keras"
    with pytest.raises(FileError, match="is missing"):
        allowed_classes.check_archive(file)
    file.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(FileError, match="is damaged"):
        allowed_classes.check_archive(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(FileError, match="Cannot read"):
        allowed_classes.check_archive(file)
