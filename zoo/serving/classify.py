"""Text classification: a label per text, with probabilities."""

import numpy as np
import tensorflow as tf

from zoo.serving.kind import register_kind
from zoo.serving.text_predictor import TextPredictor
from zoo.serving.texts import AnyTexts
from zoo.utils import files


@register_kind
class TextClassifier(TextPredictor):
    """Labels texts with the endpoint `serve` of a SavedModel.

    `serve` takes `text`, strings (B,), and returns `label`, strings (B,), `score`, the probability
    of that label (B,), and `probabilities` (B, C), in the order of the task's `label_names`.

    A call returns a dict for one text, with `label`, `score` and `probabilities` (by label), and a
    list of dicts for several.

    Shape letters: B and N texts, C classes.

    Args:
        path: a SavedModel, the folder of a run, or the name of a pretrained model.

    Attributes:
        label_names: the classes, in the order of the probabilities.

    Raises:
        ModelNotFoundError: if there is no model at `path`.
        FileError: if it is damaged or of another kind.
    """

    kind = "classify"
    purpose = "text classification"
    task_attributes = ("text_to_ids", "label_names", "score")
    output = "probabilities"
    columns = ("label", "score")

    def __init__(self, path: files.StrPath):
        super().__init__(path)
        self.label_names = tuple(self.task_config["label_names"])

    @staticmethod
    def results(outputs, task):
        probabilities = tf.nn.softmax(outputs)
        return {
            "label": tf.gather(tf.constant(task.label_names), tf.argmax(probabilities, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
        }

    def answer(self, prediction):
        best = int(prediction.argmax())
        return {
            "label": self.label_names[best],
            "score": float(prediction[best]),
            "probabilities": dict(zip(self.label_names, map(float, prediction), strict=True)),
        }

    def cells(self, answer, digits=6):
        return [answer["label"], f"{answer['score']:.{digits}f}"]

    def probabilities(self, texts: AnyTexts) -> np.ndarray:
        """Probabilities `float32` (N, C) of N texts; one string is one text."""
        return self.predict(texts)
