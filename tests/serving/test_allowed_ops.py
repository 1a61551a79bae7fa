"""SavedModels from elsewhere: a graph that could touch files is refused before it is loaded."""

import pytest
import tensorflow as tf

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
