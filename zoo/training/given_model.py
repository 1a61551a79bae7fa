"""The model that a fit is given: what it must be, and whether it was trained before."""

import weakref
from collections.abc import Callable
from typing import Any

import keras

from zoo.tasks.task import Task

# The attribute of a model whose weights come from a fit that Keras does not know of.
_MARK = "_zoo_was_trained"


def check_model_and_task(model: Any, task: Any) -> None:
    """Raises a `TypeError` unless they are a model, or a function that makes one, and a task."""
    if not isinstance(model, keras.Model) and not callable(model):
        raise TypeError(
            "model must be a Keras model or a function that makes one; it is "
            f"{_described(model)}. zoo.create_model makes one by name."
        )
    if not isinstance(task, Task):
        raise TypeError(
            f"task must be a task, such as zoo.tasks.sentiment(dataset); it is {_described(task)}."
        )


def make_model(model: keras.Model | Callable[[], keras.Model]) -> keras.Model:
    """The model, made by the function if it is one.

    Raises:
        TypeError: If the function makes anything else.
    """
    if isinstance(model, keras.Model):
        return model
    made = model()
    if not isinstance(made, keras.Model):
        raise TypeError(
            f"model must be a function that makes a Keras model; its result is {_described(made)}."
        )
    return made


def new_each_time(model: keras.Model | Callable[[], keras.Model]) -> Callable[[], keras.Model]:
    """The function that makes a model, which raises a `ValueError` for one that it made before."""
    made: list[weakref.ref] = []

    def make() -> keras.Model:
        new = make_model(model)
        if any(earlier() is new for earlier in made):
            raise ValueError(
                "With several seeds, model must be a function that returns a new model; it returns "
                "the same one each time."
            )
        made.append(weakref.ref(new))
        return new

    return make


def was_trained(model: keras.Model) -> bool:
    """Whether a model has taken a training step, or was loaded with weights that have."""
    optimizer = getattr(model, "optimizer", None)
    steps = 0 if optimizer is None else int(keras.ops.convert_to_numpy(optimizer.iterations))
    return bool(getattr(model, _MARK, False) or steps)


def mark_trained(model: keras.Model) -> None:
    """Notes that a model has trained weights, which its file or its optimizer may not say."""
    setattr(model, _MARK, True)


def _described(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"of type {type(value).__name__}"
