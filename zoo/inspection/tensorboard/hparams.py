"""What a run was told and what came of it, for TensorBoard's comparison of runs (HParams)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import keras
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.hparams.summary_v2 import hparams_pb

from zoo.inspection.tensorboard.summaries import of_events

# What every layer has, and what follows from task and architecture.
_SAID_ELSEWHERE = (
    *("name", "dtype", "trainable", "causal", "cross_attention", "cell"),
    *("add_start", "add_end"),
)
# What a layer calls otherwise than the factory that makes it.
_EMBEDDING = {"output_dim": "embedding_dim"}
_DROPOUT = {"rate": "embedding_dropout"}
_OF_MODELS = ("pooling", "feature_dropout")


def session_start(options: Mapping[str, Any], run: str) -> Summary:
    """The beginning of a session: the options of one run.

    Args:
        options: by name; those that are None are left out, and what is no number, truth value or
            string is written as JSON.
        run: what the run is called.
    """
    told = {name: _told(value) for name, value in options.items() if value is not None}
    # Sessions of one name are averaged, as they should be where they are told the same alone.
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:6]
    return hparams_pb(told, trial_id=f"{run} {digest}")


def session_end() -> Summary:
    """The end of a session that has succeeded."""
    return of_events(session_end_pb(api_pb2.STATUS_SUCCESS))


def model_options(model: keras.Model) -> dict[str, Any]:
    """The options of a model, by the names of the factories' arguments, as far as it knows them."""
    config = model.get_config()
    blocks = config.get("blocks", [])
    options = {
        "model": model.name,
        "parameters": model.count_params(),
        "num_layers": len(blocks) or None,
        **_layer_options(blocks[0] if blocks else None),
        **_layer_options(config.get("token_embedding"), _EMBEDDING),
        **_layer_options(config.get("embedding_dropout"), _DROPOUT),
        **_layer_options(config.get("bigrams")),
        **{name: config.get(name) for name in _OF_MODELS},
    }
    return {name: value for name, value in options.items() if value is not None}


def task_options(task) -> dict[str, Any]:
    """The options of a task, by the names of its arguments."""
    config = task.get_config()
    tokenizer = dict(config["text_to_ids"]["tokenizer"])
    reading = {
        "level": tokenizer.pop("name"),
        **tokenizer,
        **{k: v for k, v in config["text_to_ids"].items() if k not in _SAID_ELSEWHERE},
    }
    others = {k: v for k, v in config.items() if k != "name"}
    options = {**_plain(reading), **_plain(others), "task": task.name}
    for name in ("adversarial", "temperature_scaling"):
        if hasattr(task, name):
            options[name] = getattr(task, name)
    return {**options, "vocabulary_size": len(task.text_to_ids.vocabulary)}


def _layer_options(layer: Mapping | None, names: Mapping[str, str] | None = None) -> dict:
    """The plain arguments of a serialized layer: those that have another name, or all."""
    if layer is None:
        return {}
    config = {k: v for k, v in layer["config"].items() if k not in _SAID_ELSEWHERE}
    if names is not None:
        return {names[key]: config[key] for key in names if key in config}
    return _plain(config)


def _plain(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in entries.items() if isinstance(v, (bool, int, float, str))}


def _told(value: Any) -> bool | float | str:
    if isinstance(value, (bool, int, float, str)):
        return value
    return json.dumps(value, default=str)
