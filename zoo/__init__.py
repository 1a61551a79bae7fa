"""A zoo of language models in Keras: from raw text to a SavedModel that reads text.

Names are imported when they are first used, so that `import zoo` costs nothing.
"""

import contextlib
import importlib
import sys

from zoo.utils.lazy import call_after_import, lazy_attributes

__version__ = "0.1.0"

_HOMES = {
    "create_model": "models",
    "list_models": "models",
    "SequenceModel": "models",
    "explain": "inspection",
    "datasets": None,
    "inspection": None,
    "layers": None,
    "models": None,
    "preprocessing": None,
    "tasks": None,
    "fit_and_evaluate": "training.routine",
    "dry_run": "training.dry_run",
    "transfer_weights": "models.weights",
    "Report": "training.report",
    "leaderboard": "catalog.leaderboard",
    "export_saved_model": "serving.saved_model",
    "export_onnx": "serving.onnx_export",
    "load": "serving",
    "pipeline": "serving",
    "TextClassifier": "serving",
    "TextGenerator": "serving",
    "evaluate": "serving",
}
# What does without TensorFlow and Keras, and must not wait for them.
_LIGHT = {"datasets", "Report", "leaderboard"}


def _find_registered(name: str):
    # Factories and kinds of SavedModel are registered by their own modules: each is one file.
    models, kinds = importlib.import_module("zoo.models"), importlib.import_module("zoo.serving")
    registered = [
        *map(models.model_factory, models.list_models()),
        *map(kinds.serving_kind, kinds.list_kinds()),
    ]
    return next((each for each in registered if each.__name__ == name), None)


_get_attribute, _ = lazy_attributes(__name__, _HOMES, _find_registered)


def __getattr__(name: str):
    if name not in _HOMES and not name[0].isupper():
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    if name not in _LIGHT:
        from zoo.utils.backend import check_backend
        from zoo.utils.tensorflow import import_tensorflow

        check_backend()
        import_tensorflow()
        value = _get_attribute(name)
        _register_classes()
        return value
    return _get_attribute(name)


def _register_classes() -> None:
    """Registers with Keras the classes that the file of a model names."""
    importlib.import_module("zoo.models").list_models()
    importlib.import_module("zoo.training.optimizers")


def _register_with_keras() -> None:
    # If a module of the zoo is importing Keras, those that need it cannot be imported yet: the next
    # public name registers them.
    modules = [module for name, module in sys.modules.items() if name.startswith("zoo.")]
    if not any(getattr(module.__spec__, "_initializing", False) for module in modules):
        with contextlib.suppress(ImportError):
            _register_classes()


def __dir__():
    models = __getattr__("models")
    factories = [models.model_factory(name).__name__ for name in models.list_models()]
    return sorted([*_HOMES, *factories, "__version__"])


# `keras.saving.load_model` then knows the classes of the zoo, though no name of it was used.
call_after_import("keras", _register_with_keras)
