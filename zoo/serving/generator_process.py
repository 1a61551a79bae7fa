"""Generation with a Keras model by a process whose Keras runs on TensorFlow."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.generation import Sampling
from zoo.utils import files
from zoo.utils.tensorflow_process import TensorFlowProcess


class KerasGeneratorProcess:
    """The methods of a generator with a Keras model, called in another process.

    Args:
        path: a SavedModel, the folder of a run, or the name of a pretrained model.
    """

    def __init__(self, path: files.StrPath):
        self._path = str(path)
        self._process = TensorFlowProcess()

    def generate(self, prompts: Sequence[bytes], *args, **kwargs) -> dict[str, tf.Tensor]:
        """The outputs of the endpoint `generate`."""
        call = (f"{__name__}:generate", self._path, list(prompts), packed(args), packed(kwargs))
        return unpacked(self._process.call(*call))

    def stream(self, prompt: bytes, *args, **kwargs) -> Iterator[str]:
        """Yields pieces of text."""
        call = (f"{__name__}:stream", self._path, prompt, packed(args), packed(kwargs))
        return self._process.iterate(*call)


# What the process calls


@functools.cache
def _generator(path: str):
    from zoo.serving.keras_generator import keras_generator

    return keras_generator(path)


def generate(path: str, prompts: Sequence[bytes], args, kwargs) -> Any:
    """Calls the `generate` of the generator with a Keras model."""
    return packed(_generator(path).generate(prompts, *unpacked(args), **unpacked(kwargs)))


def stream(path: str, prompt: bytes, args, kwargs) -> Iterator[str]:
    """Calls the `stream` of the generator with a Keras model."""
    return _generator(path).stream(prompt, *unpacked(args), **unpacked(kwargs))


# Tensors on the way


def packed(value: Any) -> Any:
    """A nest of tensors, numbers and strings as lists and dicts, which a process can be sent."""
    if isinstance(value, Sampling):
        return {"sampling": packed(value._asdict())}
    if isinstance(value, (tf.Tensor, np.ndarray)):
        array = np.asarray(value)
        name = tf.as_dtype(array.dtype).name
        return {"tensor": array.ravel().tolist(), "shape": array.shape, "dtype": name}
    if isinstance(value, dict):
        return {name: packed(each) for name, each in value.items()}
    return [packed(each) for each in value] if isinstance(value, (list, tuple)) else value


def unpacked(value: Any) -> Any:
    """The nest that `packed` was called with; NumPy arrays become tensors.

    >>> import tensorflow as tf
    >>> from zoo.serving.generator_process import packed, unpacked
    >>> unpacked(packed([tf.zeros([0, 2], tf.int32)]))[0].shape
    TensorShape([0, 2])
    """
    if isinstance(value, dict) and "sampling" in value:
        return Sampling(**unpacked(value["sampling"]))
    if isinstance(value, dict) and "tensor" in value:
        return tf.reshape(tf.constant(value["tensor"], value["dtype"]), value["shape"])
    if isinstance(value, dict):
        return {name: unpacked(each) for name, each in value.items()}
    return [unpacked(each) for each in value] if isinstance(value, list) else value
