"""From a trained model and its task to a SavedModel that takes raw text."""

import json
import pathlib
import shutil

import keras
import tensorflow as tf

from zoo import files
from zoo.tasks.task import Task

# Where TensorFlow leaves room in a SavedModel for what it does not read itself.
EXTRA_ASSETS = "assets.extra"


def export_saved_model(model: keras.Model, task: Task, path: files.Path) -> pathlib.Path:
    """Writes a SavedModel with the preprocessing inside.

    It is made of TensorFlow's core ops: stock TensorFlow loads and serves it, with neither the zoo
    nor Keras.
    The endpoint `serve` takes `text`, strings (B,), and for sentiment gives `label`, strings (B,),
    `score`, the
    probability of that label (B,), and `probabilities` (B, C), in the order of the task's
    `label_names`.

    Args:
        model: a model for the task.
        task: what knows how texts are read and what answers are called.
        path: the folder to write, by custom named by a version number: `saved_model/1`. What
            stood there is replaced once the new one is whole.

    Returns:
        The path.

    Raises:
        FileError: where it cannot be written.
    """
    path = pathlib.Path(path)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(task.text_to_ids)
    for name, endpoint, signature in _ENDPOINTS[task.output](model, task):
        archive.add_endpoint(name, endpoint, input_signature=signature)
    with files.appearing(path) as new:
        archive.write_out(str(new), verbose=False)
        extra = new / EXTRA_ASSETS
        extra.mkdir()
        (extra / "task.json").write_text(json.dumps(task.get_config()), encoding="utf-8")
        # What only TensorBoard would read, and names folders of this machine.
        shutil.rmtree(new / "debug", ignore_errors=True)
    return path


def _classification(model, task):
    label_names = tf.constant(task.label_names)

    def serve(text):
        logits = tf.cast(model(task.text_to_ids(text), training=False), tf.float32)
        probabilities = tf.nn.softmax(logits)
        return {
            "label": tf.gather(label_names, tf.argmax(probabilities, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
        }

    yield "serve", serve, [tf.TensorSpec([None], tf.string, name="text")]


_ENDPOINTS = {"text": _classification}
