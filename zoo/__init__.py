"""A zoo of language models in Keras: from raw text to a SavedModel that reads text.

Names are imported when they are first used, so that `import zoo` costs nothing.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "create_model": "zoo.models",
    "list_models": "zoo.models",
    "SequenceModel": "zoo.models",
    "explain": "zoo.inspection",
    "datasets": None,
    "inspection": None,
    "layers": None,
    "models": None,
    "preprocessing": None,
    "tasks": None,
    "fit_and_evaluate": "zoo.training.routine",
    "evaluate_model": "zoo.training.routine",
    "dry_run": "zoo.training.dry_run",
    "transfer_weights": "zoo.models.weights",
    "Report": "zoo.training.report",
    "leaderboard": "zoo.catalog.leaderboard",
    "export_saved_model": "zoo.serving.saved_model",
    "load": "zoo.serving",
    "pipeline": "zoo.serving",
    "TextClassifier": "zoo.serving",
    "TextGenerator": "zoo.serving",
    "evaluate": "zoo.serving",
}
# The factories, which their own modules register: an architecture is one file.
_FACTORIES = "zoo.models"
# What does without TensorFlow and Keras, and must not wait for them.
_LIGHT = {"zoo.training.report", "zoo.datasets", "zoo.catalog.leaderboard"}


def __getattr__(name: str):
    if name not in _HOMES and not name[0].isupper():
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    home = _HOMES.get(name, _FACTORIES) or f"zoo.{name}"
    if home not in _LIGHT:
        from zoo.utils.tensorflow import import_tensorflow

        import_tensorflow()
    module = importlib.import_module(home)
    if home == f"zoo.{name}":
        return module
    if name in _HOMES:
        return getattr(module, name)
    for factory in map(module.model_factory, module.list_models()):
        if factory.__name__ == name:
            return factory
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__():
    models = __getattr__("models")
    factories = [models.model_factory(name).__name__ for name in models.list_models()]
    return sorted([*_HOMES, *factories, "__version__"])
