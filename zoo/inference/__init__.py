"""Trained models in use: strings in, answers out."""

from zoo.inference.loading import ModelNotFoundError, load
from zoo.inference.pipelines import evaluate, pipeline
from zoo.inference.text_classifier import TextClassifier
from zoo.inference.text_generator import TextGenerator

__all__ = [
    "ModelNotFoundError",
    "TextClassifier",
    "TextGenerator",
    "evaluate",
    "load",
    "pipeline",
]
