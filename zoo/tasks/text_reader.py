"""What every task has of data: texts read as token ids, a vocabulary, and a configuration."""

import abc
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from zoo.datasets import TextDataset
from zoo.tasks.data import TaskData

# What of a `TextToIds` belongs to its vocabulary.
_READING = (
    "tokenizer",
    "vocabulary",
    "vocabulary_size",
    "min_frequency",
)


class TextReader(abc.ABC):
    """Columns of a dataset, with texts as token ids.

    Args:
        text_to_ids: a `TextToIds`; one without a vocabulary is adapted to the training split.
        dataset: a dataset with the columns; None for use alone.

    The other arguments of a subclass are attributes of it, with values of JSON.

    Attributes:
        name: the name in a configuration.
        columns: the kind of each column by its name, see `zoo.datasets.Split`.
        has_data: whether there is a dataset.
    """

    name: str
    columns: ClassVar[Mapping[str, str]]

    def __init__(self, text_to_ids, dataset: TextDataset | None = None):
        if dataset is not None:
            dataset.check_columns(self.columns)
        self.text_to_ids = text_to_ids
        self.has_data = dataset is not None
        self._data = None if dataset is None else self.make_data(dataset)

    @abc.abstractmethod
    def make_data(self, dataset: TextDataset) -> TaskData:
        """The examples of a dataset as this task reads them."""

    @property
    def data(self) -> TaskData:
        """The examples of the task's dataset.

        Raises:
            ValueError: if the task has no dataset.
        """
        if self._data is None:
            raise ValueError(
                f"This {self.name} task was loaded without a dataset: create it with a dataset to "
                "fit or evaluate."
            )
        return self._data

    def examples(self, split: str) -> Any:
        """The examples of `"train"`, `"validation"` or `"test"`, see `TaskData.examples`."""
        return self.data.examples(split)

    def adapt(self) -> None:
        """Learns the vocabulary from the training split, if there is one and this was not done."""
        if self.has_data:
            self.examples("train")

    def tokenizer_settings(self) -> dict[str, Any]:
        """Tokenizer settings and vocabulary, for reuse by another task.

        Arguments of `TextToIds`, without those of truncation.
        """
        self.adapt()
        config = self.text_to_ids.get_config()
        return {name: config[name] for name in _READING}

    def prompt_to_ids(self):
        """The `TextToIds` of a text that a model continues or explains; by default as all texts."""
        return self.text_to_ids

    # Config

    def get_config(self) -> dict[str, Any]:
        """The arguments of `from_config` as JSON, without the dataset."""
        arguments = {name: getattr(self, name) for name in _arguments_of(type(self))}
        return {
            "name": self.name,
            "text_to_ids": self.text_to_ids.get_config(),
            **{k: list(v) if isinstance(v, tuple) else v for k, v in arguments.items()},
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], dataset: TextDataset | None = None) -> Self:
        """The one whose `get_config` returned `config`."""
        from zoo.preprocessing import TextToIds

        arguments = {name: config[name] for name in _arguments_of(cls)}
        return cls(TextToIds(**config["text_to_ids"]), **arguments, dataset=dataset)


def _arguments_of(cls: type) -> list[str]:
    return [
        name for name in inspect.signature(cls).parameters if name not in ("text_to_ids", "dataset")
    ]
