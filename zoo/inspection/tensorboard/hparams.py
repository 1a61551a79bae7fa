"""Hyperparameters and final scores of a run, for TensorBoard's comparison of runs (HParams)."""

import hashlib
import inspect
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.hparams.summary_v2 import hparams_pb

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import of_events, scalars

# Entries of a config that are no options: every layer has them, or task and architecture fix them.
_NO_OPTIONS = {"name", "dtype", "trainable", "causal", "cross_attention", "cell"}
# Options of a factory that Keras's own layers keep under another name, by the model's attribute.
_KERAS_NAMES = {
    "token_embedding": {"output_dim": "embedding_dim"},
    "embedding_dropout": {"rate": "embedding_dropout"},
}


@register_dashboard("hparams")
class Hyperparameters(Dashboard):
    """A session for each run: its options at the beginning, its scores at the end."""

    def on_fit_begin(self):
        of_task = {} if self.fit.task is None else task_options(self.fit.task)
        options = {**of_task, **model_options(self.fit.model), **self.fit.options}
        run = run_name(self.fit.scores.folder.parent, self.fit.run)
        self.fit.scores.write(session_start(options, run), 0)

    def on_fit_end(self):
        if self.fit.progress is None:
            _, validation = self.fit.epoch_scores()
            self._end({"validation": validation})

    def on_report(self, report):
        self._end({"validation": report.validation, "test": report.test})

    def _end(self, scores: Mapping[str, Mapping[str, Any]]) -> None:
        tagged = {f"{split}/{k}": v for split, of in scores.items() for k, v in of.items()}
        self.fit.scores.write(scalars(tagged), self.fit.epoch)
        self.fit.scores.write(session_end(), self.fit.epoch)


def run_name(logs: pathlib.Path, run: str) -> str:
    """The name of a run by which it is known among others.

    Args:
        logs: the folder of its logs.
        run: the name of its folder. That of one seed of several gets the name of the whole run.

    >>> import pathlib
    >>> from zoo.inspection.tensorboard.hparams import run_name
    >>> run_name(pathlib.Path("runs/lstm/seed_1/logs"), "seed_1")
    'lstm/seed_1'
    """
    is_of_seed = run.startswith("seed_") and run.removeprefix("seed_").isdecimal()
    return f"{logs.resolve().parent.parent.name}/{run}" if is_of_seed else run


def session_start(options: Mapping[str, Any], run: str) -> Summary:
    """The beginning of a session: the options of one run.

    Args:
        options: by name; None is left out, and other values than numbers, booleans and strings
            are written as JSON.
        run: the name of the run. It is an option too: the table of runs has no other name of them.
    """
    options = {"run": run, **options}
    values = {name: _as_value(value) for name, value in options.items() if value is not None}
    # Sessions of one name are averaged, so equal names mean equal options.
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:6]
    return hparams_pb(values, trial_id=f"{run} {digest}")


def session_end() -> Summary:
    """The end of a session that has succeeded."""
    return of_events(session_end_pb(api_pb2.STATUS_SUCCESS))


def model_options(model: keras.Model) -> dict[str, Any]:
    """The options of a model by the names of the factories' arguments, read from its config.

    A layer of an architecture that is not known here contributes all that it was made with. Where
    several layers have an option of one name, the value is that of the first.
    """
    config = model.get_config()
    options: dict[str, Any] = {"model": model.name, "parameters": model.count_params()}
    if blocks := config.get("blocks"):
        options["num_layers"] = len(blocks)
    # Blocks first: "dropout" and "activation" are theirs before anything else's.
    for part in sorted(config, key=lambda name: "blocks" not in name):
        for name, value in _options_in(part, config[part]):
            options.setdefault(name, value)
    return options


def _options_in(part: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The options in one entry of a model's config."""
    if isinstance(value, list) and value:
        value = value[0]  # Blocks are alike.
    if _is_plain(value) and part not in _NO_OPTIONS:
        yield part, value
    if not isinstance(value, Mapping) or "config" not in value:
        return
    is_ours = str(value.get("registered_name", "")).startswith("zoo>")
    for name, of_layer in value["config"].items():
        if name in _KERAS_NAMES.get(part, ()):
            yield _KERAS_NAMES[part][name], of_layer
        elif is_ours and name not in _NO_OPTIONS and _is_plain(of_layer):
            yield name, of_layer


def task_options(task) -> dict[str, Any]:
    """The options of a task by the names of its arguments, read from its signature."""
    text_to_ids = task.text_to_ids.get_config()
    tokenizer = dict(text_to_ids["tokenizer"])
    text_to_ids |= {"level": tokenizer.pop("name"), **tokenizer}
    options = {
        **tokenizer,
        **{
            name: getattr(task, name, text_to_ids.get(name))
            for name in _keywords(task.from_dataset)
        },
    }
    plain = {name: value for name, value in options.items() if _is_plain(value)}
    return {**plain, "task": task.name, "vocabulary_size": len(task.text_to_ids.vocabulary)}


def _keywords(function) -> Iterable[str]:
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str))


def _as_value(value: Any) -> bool | float | str:
    return value if _is_plain(value) else json.dumps(value, default=str)
