"""Trained models in use: strings in, answers out."""

from zoo.serving.classify import TextClassifier
from zoo.serving.generate import TextGenerator
from zoo.serving.loading import load
from zoo.serving.pipeline import evaluate, pipeline
from zoo.training.run import ModelNotFoundError

__all__ = [
    "ModelNotFoundError",
    "TextClassifier",
    "TextGenerator",
    "evaluate",
    "load",
    "pipeline",
]
