"""What is seen of a model: explanations of an answer, plots, and what TensorBoard shows.

Names are imported when they are first used, so that a fit that draws nothing needs no matplotlib.
"""

import importlib

_HOMES = {
    "explain": "attributions",
    "Attribution": "attributions",
    "integrated_gradients": "attributions",
    "occlusion": "attributions",
    "AttentionMaps": "attention",
    "attention_maps": "attention",
    "GateActivity": "gates",
    "gate_activity": "gates",
    "TokenProbabilities": "surprisal",
    "token_probabilities": "surprisal",
    "nearest_neighbours": "neighbours",
    "accuracy_by_distance": "distance",
    "gradient_norm_by_distance": "distance",
    "TensorBoard": "tensorboard",
    "plots": None,
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo.inspection' has no attribute {name!r}")
    home = _HOMES[name]
    module = importlib.import_module(f"zoo.inspection.{home or name}")
    # A function may have the name of its module, which the import has just put here.
    value = module if home is None else getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(_HOMES)
