"""What the kinds of SavedModel share that predict one thing per text, such as a label."""

import abc
import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, ClassVar

import numpy as np
import tensorflow as tf

from zoo.datasets import Record
from zoo.serving.kind import ServedModel, trace
from zoo.serving.scored_file import (
    STANDARD_OUTPUT,
    Writer,
    for_each_batch,
    open_texts,
    suffix_of_output,
    text_of,
)
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
        self,
        source: files.StrPath,
        output: files.StrPath,
        *,
        text_column: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        header: str | None = None,
    ) -> list[str]:
        """Copies a file and adds `columns` to each record.

        The file may have any format that `zoo.datasets.open_records` reads. A table and JSON lines
        keep their bytes; see `zoo.serving.scored_file.Writer`. Of a pipe each record is answered
        as it comes.

        Args:
            source: the file, or "-" for standard input. If it has one of the new names already, all
                new names get the prefix `predicted_`.
            output: the file to write, in the format of its name: .csv, .tsv, .jsonl or .json; "-"
                for standard output.
            text_column, encoding, delimiter, header: see `open_texts`.

        Returns:
            Sentences on what was left out or joined.

        Raises:
            DatasetError: for a file that cannot be read.
            FileError: if `output` cannot be written.
        """
        suffix = suffix_of_output(output)
        options = {"encoding": encoding, "delimiter": delimiter, "header": header}
        opened = open_texts(source, self._path, text_column=text_column, **options)
        with opened as (records, place):
            with _opened(output) as stream:
                writer = Writer(records, self.columns, stream, suffix)

                def predict(batch: list[Record]) -> None:
                    texts = [text_of(record, place, records.source) for record in batch]
                    for record, answer in zip(batch, self(texts), strict=True):
                        entries = {name: answer[name] for name in self.columns}
                        writer.add(record, entries, self.cells(answer))
                    writer.flush()

                for_each_batch(records, predict)
                writer.end()
            return records.notes()

    def evaluate(self, task, split: str):
        """Scores a split of a task's dataset, from raw text; an `Evaluation`."""
        texts = task.data.texts(split)
        return task.score(task.data.targets(split), self.predict(texts), texts)


@contextlib.contextmanager
def _opened(output: files.StrPath) -> Iterator[BinaryIO]:
    """Opens a file that appears when it is complete, or standard output."""
    if str(output) == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        return
    with files.atomic_write(files.user_path(output)) as new, open(new, "wb") as stream:
        yield stream
