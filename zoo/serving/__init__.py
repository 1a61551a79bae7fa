"""Serving: SavedModels, and Python clients that call them with strings."""

from zoo.serving.classify import TextClassifier
from zoo.serving.generate import TextGenerator
from zoo.serving.kind import ServedModel, check_exportable, list_kinds, register_kind, serving_kind
from zoo.serving.loading import load
from zoo.serving.pipeline import dataset_to_score, evaluate, pipeline
from zoo.serving.text_predictor import TextPredictor
from zoo.training.run import ModelNotFoundError

__all__ = [
    "ModelNotFoundError",
    "ServedModel",
    "TextClassifier",
    "TextGenerator",
    "TextPredictor",
    "check_exportable",
    "dataset_to_score",
    "evaluate",
    "list_kinds",
    "load",
    "pipeline",
    "register_kind",
    "serving_kind",
]
