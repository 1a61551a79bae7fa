"""Explanations of predictions, plots, and the dashboards of TensorBoard.

Names are imported when they are first used, so that a fit that draws nothing needs no matplotlib.
"""

from zoo.utils.lazy import lazy_attributes

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

__getattr__, __dir__ = lazy_attributes(__name__, _HOMES)
