"""Architectures: each a factory, a function that returns a Keras model."""

from zoo.models.registry import (
    TASK_ARGUMENTS,
    check_head,
    check_model,
    create_model,
    is_baseline,
    list_models,
    model_factory,
    register_model,
)
from zoo.models.sequence_model import SequenceModel

__all__ = [
    "TASK_ARGUMENTS",
    "SequenceModel",
    "check_head",
    "check_model",
    "create_model",
    "is_baseline",
    "list_models",
    "model_factory",
    "register_model",
]
