"""The kinds of SavedModel, by name.

Each is one module here, with the endpoints in the graph and the client that calls them. A task
names the kind of its SavedModel in `Task.serving`.
"""

import abc
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import tensorflow as tf

from zoo.registry import Registry
from zoo.serving.loading import SavedModel, check_saved_model
from zoo.serving.quantization import QUANTIZATIONS
from zoo.serving.texts import AnyTexts, Texts, read_texts
from zoo.utils import files
from zoo.utils.notebook import html_block, html_table
from zoo.utils.special_tokens import SPECIAL_TOKENS
from zoo.utils.tensorflow import check_not_forked
from zoo.utils.text import list_names

# A context manager in which a model computes with the weights that are stored.
Weights = Callable[[], contextlib.AbstractContextManager]
Endpoints = Iterator[tuple[str, Callable]]

_KINDS = Registry("kind of SavedModel", "zoo.serving")


class ServedModel(abc.ABC):
    """A SavedModel of one kind: `endpoints` builds its graph, everything else calls it.

    A call with a text returns a dict, a call with several texts a list of dicts.

    It is pickled as its path, and loaded again where it is unpickled. A process that was forked
    after TensorFlow was used cannot use it.

    Args:
        path: a SavedModel, the folder of a run, or the name of a pretrained model.

    Attributes:
        kind: its name, which a task gives as `serving`.
        purpose: what it does, for messages.
        task_attributes: what it reads of a task.
        task_config: the `get_config` of its task.

    Raises:
        ModelNotFoundError: if there is no model at `path`.
        FileError: if it is damaged or of another kind.
    """

    kind: ClassVar[str]
    purpose: ClassVar[str]
    task_attributes: ClassVar[tuple[str, ...]]

    __call__: Callable[..., Any]

    def __init__(self, path: files.StrPath):
        self._folder, self.task_config = check_saved_model(path, self.kind, self.purpose)
        # The same model from another working directory.
        place = files.user_path(path)
        self._path = str(place.absolute()) if place.is_dir() else str(path)

    def __reduce__(self):
        return type(self), (self._path,)

    @functools.cached_property
    def _saved_model(self) -> SavedModel:
        return SavedModel(self._folder)

    def _read(self, texts: AnyTexts, name: str = "texts") -> Texts:
        """Reads the texts of a call; every call does so first.

        Raises:
            TypeError: for what is neither a text nor an iterable of texts.
            RuntimeError: in a process that was forked after TensorFlow was used.
        """
        check_not_forked()
        return read_texts(texts, name)

    def _call(self, endpoint: str, **tensors) -> dict[str, Any]:
        return self._saved_model.endpoints[endpoint](**tensors)

    def facts(self) -> list[tuple[str, str]]:
        """Names and facts of the model, for people."""
        reading = self.task_config["text_to_ids"]
        labels = self.task_config.get("label_names")
        return [
            ("purpose", self.purpose),
            ("model", str(self._path)),
            ("task", self.task_config["name"]),
            *([("labels", list_names(labels, limit=50))] if labels else []),
            ("tokens", reading["tokenizer"]["name"]),
            ("vocabulary", f"{len(reading['vocabulary']) + len(SPECIAL_TOKENS):,} ids"),
        ]

    def __repr__(self) -> str:
        labels = self.task_config.get("label_names")
        shown = f", labels {list_names(labels, limit=5)}" if labels else ""
        return f"{type(self).__name__}({str(self._path)!r}{shown})"

    def _repr_html_(self) -> str:
        return html_block(type(self).__name__, html_table(self.facts()))

    @classmethod
    @abc.abstractmethod
    def endpoints(cls, model, task, weights: Weights, **options) -> Endpoints:
        """Builds the graph of a SavedModel.

        Args:
            model: a Keras model for the task.
            task: a task with `task_attributes`.
            weights: a context manager in which the model is to be called.
            **options: those of `export_saved_model` that concern the graph.

        Yields:
            (name, function) of each endpoint, see `trace`; the first is the default.
        """

    @abc.abstractmethod
    def evaluate(self, task, split: str):
        """Scores a split of a task's dataset, from raw text; an `Evaluation`."""


def register_kind(cls: type[ServedModel]) -> type[ServedModel]:
    """Registers a subclass of `ServedModel` under its `kind`."""
    _KINDS.register(cls.kind, cls)
    return cls


def list_kinds() -> list[str]:
    """The names that `serving_kind` takes, in alphabetical order."""
    return _KINDS.names()


def serving_kind(name: str) -> Any:
    """The class of a kind.

    Raises:
        UnknownNameError: for an unknown kind.
    """
    return _KINDS[name]


def check_exportable(task, quantization: str = "float32") -> None:
    """Checks, before a fit, that the model of a task can be exported after it.

    Args:
        task: the task.
        quantization: of the weights, see `export_saved_model`.

    Raises:
        UnknownNameError: for an unknown `task.serving`.
        ValueError: for an unknown quantization, or an attribute that the kind needs and the task
            lacks.
    """
    if quantization not in QUANTIZATIONS:
        raise ValueError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}; it is {quantization!r}."
        )
    kind = serving_kind(task.serving)
    missing = [name for name in kind.task_attributes if not hasattr(task, name)]
    if missing:
        raise ValueError(
            f"A task with serving={task.serving!r} must have {', '.join(kind.task_attributes)}; "
            f"{task.name} lacks {', '.join(missing)}."
        )


def trace(function: Callable, **signature: tuple[list | None, Any]) -> Callable:
    """A function of tensors of these shapes (None: of any) and types, as a graph."""
    specs = [tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in signature.items()]
    options = {"input_signature": specs, "autograph": False}
    graph = tf.function(function, **options).get_concrete_function()

    # Saving traces a function with default values a second time: this one is a single call.
    @functools.wraps(function)
    def call(*arguments):
        return graph(*arguments)

    endpoint = tf.function(call, **options)
    endpoint.get_concrete_function()
    return endpoint
