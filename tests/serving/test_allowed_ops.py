"""Files from elsewhere: what could run code or touch files is refused before it is loaded."""

import json
import zipfile

import keras
import pytest
import tensorflow as tf

import zoo
from zoo.serving import allowed_ops
from zoo.serving.loading import SavedModel
from zoo.utils.files import FileError


@pytest.fixture
def foreign(tmp_path):
    """Writes a SavedModel whose endpoint does what a function does."""

    def write(function):
        module = tf.Module()
        module.serve = tf.function(function, input_signature=[tf.TensorSpec([None], tf.string)])
        tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serve": module.serve})
        return tmp_path / "1"

    return write


def write_file(texts):
    tf.io.write_file("written", tf.strings.reduce_join(texts))
    return {"texts": texts}


def read_file(texts):
    return {"texts": tf.io.read_file(texts[0])}


def call_python(texts):
    return {"texts": tf.py_function(lambda x: x, [texts], tf.string)}


def write_in_a_branch(texts):
    def write():
        tf.io.write_file("written", "")
        return texts

    return {"texts": tf.cond(tf.size(texts) > 0, write, lambda: texts)}


def save_a_checkpoint(texts):
    tf.raw_ops.SaveV2(
        prefix=texts[0], tensor_names=["x"], shape_and_slices=[""], tensors=[tf.zeros(1)]
    )
    return {"texts": texts}


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (write_file, "WriteFile"),
        (read_file, "ReadFile"),
        (call_python, "EagerPyFunc"),
        (write_in_a_branch, "WriteFile"),
        # The op stands in every SavedModel; what is refused is one that a call would run.
        (save_a_checkpoint, "SaveV2"),
    ],
)
def test_a_graph_that_does_more_than_compute_is_refused(foreign, function, op):
    folder = foreign(function)
    with pytest.raises(FileError, match=rf"saved_model\.pb is refused: .* found the ops? .*{op}"):
        allowed_ops.check_ops(folder)
    with pytest.raises(FileError, match=op):
        SavedModel(folder)


def test_a_graph_that_only_computes_passes(foreign):
    folder = foreign(lambda texts: {"texts": tf.strings.lower(texts)})
    allowed_ops.check_ops(folder)


def test_a_graph_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(FileError, match=r"Cannot read .*saved_model\.pb: No such file"):
        allowed_ops.check_ops(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(FileError, match=r"saved_model\.pb is damaged"):
        allowed_ops.check_ops(tmp_path)


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
        allowed_ops.check_classes(config, tmp_path / "model.json")


def test_layers_of_keras_and_of_the_zoo_pass(tmp_path):
    model = zoo.LSTM(vocabulary_size=9, embedding_dim=3, units=2)
    model.compile("adam", "mse")
    model.save(tmp_path / "model.keras")
    allowed_ops.check_archive(tmp_path / "model.keras")
    allowed_ops.check_classes([LAYER, keras.saving.serialize_keras_object(model)], tmp_path)


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
        allowed_ops.check_archive(file)
    with pytest.raises(FileError, match="found nothing"):
        allowed_ops.check_archive(archive())


@pytest.mark.parametrize("config", ["", "{", "\xff", "[" * 100_000])
def test_a_configuration_that_is_no_json_is_damaged(archive, config):
    file = archive(metadata="{}", config=config, w="")
    with pytest.raises(FileError, match="is damaged: expected a Keras model"):
        allowed_ops.check_archive(file)


def test_a_configuration_of_gigabytes_is_not_read(archive, monkeypatch):
    monkeypatch.setattr(allowed_ops, "_LARGEST_CONFIG", 100)
    file = archive(metadata="{}", config=json.dumps("x" * 100), w="")
    with pytest.raises(FileError, match="of 100 bytes at most; found 102"):
        allowed_ops.check_archive(file)


def test_what_is_no_archive_is_damaged(tmp_path):
    file = tmp_path / "model.keras"
    with pytest.raises(FileError, match="is missing"):
        allowed_ops.check_archive(file)
    file.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(FileError, match="is damaged"):
        allowed_ops.check_archive(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(FileError, match="Cannot read"):
        allowed_ops.check_archive(file)
