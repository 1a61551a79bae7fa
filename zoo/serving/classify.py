"""Labels for texts."""

import csv
import pathlib
from collections.abc import Sequence

import numpy as np

from zoo.serving.loading import SavedModel, check_saved_model, encoded
from zoo.utils import files

_BATCH_SIZE = 256


class TextClassifier:
    """Labels for texts, by a SavedModel's `serve` endpoint.

    Args:
        path: a SavedModel, the folder of a run, or a shipped model's name.

    Attributes:
        label_names: the classes, in the order of the probabilities.

    Raises:
        ModelNotFoundError: where there is no model.
        FileError: where it is damaged.
    """

    def __init__(self, path: files.StrPath):
        import tensorflow as tf

        config = check_saved_model(path, "classifier", "sentiment")
        self.label_names = tuple(config["label_names"])
        self._model = SavedModel(path)
        self._serve = self._model.endpoints["serve"]
        self._constant = tf.constant

    def __call__(self, texts: str | bytes | Sequence[str | bytes]):
        """Labels one text or many.

        Args:
            texts: a string, or several. Bytes that are not UTF-8 are read as U+FFFD.

        Returns:
            For one text a dict with `label`, `score` (the probability of that label) and
            `probabilities` (by label); for several a list of such.
        """
        if isinstance(texts, (str, bytes)):
            return self([texts])[0]
        answers = []
        for probabilities in self.probabilities(texts):
            best = int(probabilities.argmax())
            answers.append(
                {
                    "label": self.label_names[best],
                    "score": float(probabilities[best]),
                    "probabilities": dict(
                        zip(self.label_names, map(float, probabilities), strict=True)
                    ),
                }
            )
        return answers

    def probabilities(self, texts: Sequence[str | bytes]) -> np.ndarray:
        """Probabilities `float32` (N, C) of N texts."""
        given = encoded(texts)
        probabilities = np.zeros((len(given), len(self.label_names)), "float32")
        # Texts of about one length go together: less padding, and no long one holds up the rest.
        order = np.argsort([len(text) for text in given], kind="stable")
        for start in range(0, len(order), _BATCH_SIZE):
            indices = order[start : start + _BATCH_SIZE]
            batch = self._constant([given[i] for i in indices])
            probabilities[indices] = self._serve(text=batch)["probabilities"].numpy()
        return probabilities

    def label_file(
        self, source: files.StrPath, output: files.StrPath, text_column: str = "text"
    ) -> None:
        """Copies a CSV or TSV file with two more columns, `label` and `score`.

        Args:
            source: a table whose first line names its columns. Columns that are called `label` or
                `score` already stay; the new ones are then `predicted_label` and `predicted_score`.
            output: the file to write, CSV or TSV by its name.
            text_column: which column holds the texts.

        Raises:
            DatasetError: for all that can be wrong in the table.
            FileError: where `output` cannot be written.
        """
        from zoo.datasets import delimiter_of, read_table

        output = pathlib.Path(output)
        delimiter = delimiter_of(output)
        header, rows, place = read_table(pathlib.Path(source), text_column)
        prefix = "predicted_" if {"label", "score"} & set(header) else ""
        answers = self([row[place] for row in rows])
        with (
            files.atomic_write(output) as new,
            open(new, "w", encoding="utf-8", newline="") as stream,
        ):
            writer = csv.writer(stream, delimiter=delimiter)
            writer.writerow([*header, f"{prefix}label", f"{prefix}score"])
            for row, answer in zip(rows, answers, strict=True):
                writer.writerow([*row, answer["label"], f"{answer['score']:.6f}"])

    def evaluate(self, task, split: str):
        """Scores a split of a task's dataset, from raw text; an `Evaluation`."""
        examples = getattr(task.dataset, split)
        probabilities = self.probabilities(examples["text"])
        return task.score(examples["label"], probabilities, examples["text"])
