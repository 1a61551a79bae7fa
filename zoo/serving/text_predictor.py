"""What the kinds of SavedModel share that predict one thing per text, such as a label."""

import abc
import csv
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from zoo.datasets.file_formats import delimiter_of, read_table
from zoo.serving.kind import ServedModel, trace
from zoo.serving.texts import AnyTexts
from zoo.serving.token_ids import check_token_ids
from zoo.tasks.batches import sorted_batches
from zoo.utils import files

_BATCH_SIZE = 256


class TextPredictor(ServedModel):
    """A `ServedModel` that predicts one thing per text with its endpoint `serve`.

    The endpoint `serve_ids` takes `token_ids`, `int32` (B, T), padded right with 0, in place of the
    texts: those that the task's `text_to_ids` returns. Its outputs are those of `serve`.

    Shape letters: B and N texts, T tokens.

    Attributes:
        output: the output of the endpoint that an answer is made of, (B, ...).
        columns: the names of `cells`.
    """

    output: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def __init__(self, path: files.StrPath):
        super().__init__(path)
        self._saved_model  # noqa: B018  A damaged file is reported now, not by the first call.

    @classmethod
    def endpoints(cls, model, task, weights, **options):
        del options

        def predict(token_ids):
            with weights():
                outputs = tf.cast(model(token_ids, training=False), tf.float32)
            return cls.results(outputs, task)

        # The model is traced once for both endpoints.
        predict = trace(predict, token_ids=([None, None], tf.int32))
        size, most = len(task.text_to_ids.vocabulary), task.text_to_ids.sequence_length

        def serve(text):
            return predict(task.text_to_ids(text))

        def serve_ids(token_ids):
            return predict(check_token_ids(token_ids, size, most))

        yield "serve", trace(serve, text=([None], tf.string))
        yield "serve_ids", trace(serve_ids, token_ids=([None, None], tf.int32))

    @staticmethod
    @abc.abstractmethod
    def results(outputs, task) -> dict[str, Any]:
        """What `serve` returns of the model's outputs `float32` (B, C): tensors, batch first."""

    @abc.abstractmethod
    def answer(self, prediction: np.ndarray) -> dict[str, Any]:
        """The answer for one text, made of its row of `output`."""

    @abc.abstractmethod
    def cells(self, answer: Mapping[str, Any], digits: int = 6) -> list[str]:
        """What a table shows of an answer, a cell for each of `columns`."""

    def __call__(self, texts: AnyTexts):
        """Predicts for one text or many.

        Args:
            texts: a string, or any iterable of strings. Bytes that are not UTF-8 are read as
                U+FFFD.

        Returns:
            A dict for one text, see `answer`; a list of dicts for an iterable.

        Raises:
            TypeError: for anything else.
        """
        given = self._read(texts)
        answers = [self.answer(prediction) for prediction in self.predict(given.texts)]
        return answers[0] if given.is_single else answers

    def predict(self, texts: AnyTexts) -> np.ndarray:
        """The `output` of N texts, (N, ...); one string is one text."""
        given = self._read(texts).encode()
        lengths = np.array([len(text) for text in given], "int64")
        # Without texts a batch of none, whose answer has the right shape.
        batches = sorted_batches(lengths, _BATCH_SIZE) or [np.zeros(0, "int64")]
        parts = [
            self._call("serve", text=tf.constant([given[i] for i in indices], tf.string))
            for indices in batches
        ]
        predictions = np.concatenate([part[self.output].numpy() for part in parts])
        return predictions[np.argsort(np.concatenate(batches))]

    def predict_file(
        self, source: files.StrPath, output: files.StrPath, text_column: str = "text"
    ) -> None:
        """Copies a CSV or TSV file and adds `columns`.

        Args:
            source: a table whose first line names its columns. If one of the new names is among
                them, all new names get the prefix `predicted_`.
            output: the file to write, CSV or TSV by its name.
            text_column: the column of the texts.

        Raises:
            DatasetError: for a table that cannot be read.
            FileError: if `output` cannot be written.
        """
        output = files.user_path(output)
        delimiter = delimiter_of(output)
        header, rows, place = read_table(files.user_path(source), text_column)
        cells = [self.cells(answer) for answer in self([row[place] for row in rows])]
        prefix = "predicted_" if set(self.columns) & set(header) else ""
        with (
            files.atomic_write(output) as new,
            open(new, "w", encoding="utf-8", newline="") as stream,
        ):
            writer = csv.writer(stream, delimiter=delimiter)
            writer.writerow([*header, *(prefix + name for name in self.columns)])
            for row, added in zip(rows, cells, strict=True):
                writer.writerow([*row, *added])

    def evaluate(self, task, split: str):
        """Scores a split of a task's dataset, from raw text; an `Evaluation`."""
        texts = task.data.texts(split)
        return task.score(task.data.targets(split), self.predict(texts), texts)
