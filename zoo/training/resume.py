"""What a fit must have in common with the one that it resumes, and how it goes back to it."""

import collections
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from zoo.tasks.task import Task
from zoo.training.prepare import Prepared
from zoo.training.report import Report
from zoo.training.run import Run
from zoo.utils import checksums

# Characters of a value that are compared and shown as they are; of longer ones the checksum is.
_MAX_SHOWN = 100

# Differences that a message lists.
_MAX_LISTED = 5

# Arguments whose values are checksums, in words.
_IN_WORDS = {
    "data": "the texts or labels of the data",
    "initial_weights": "the initial weights",
    "task.text_to_ids.vocabulary": "the vocabulary",
}


def arguments_of(prepared: Prepared, seed: int) -> dict[str, Any]:
    """All arguments of a fit that decide its result, by name, for JSON."""
    return {
        **_training(prepared.settings.to_dict()),
        "seed": seed,
        "backend": keras.backend.backend(),
        "data": prepared.task.data.dataset.fingerprint,
        "initial_weights": checksum_of(prepared.settings.initial_weights),
        "test": prepared.settings.test,
        **_of_model_and_task(prepared.model, prepared.task),
    }


def ended_report(run: Run, prepared: Prepared, arguments: Mapping[str, Any]) -> Report | None:
    """The report of a run that has ended, whose weights the model then gets; or None.

    Raises:
        ValueError: If the run was started with other arguments.
        FileError: If one of its files is damaged, or was written by another version of the zoo.
    """
    if not run.has_ended:
        return None
    checksums.check_manifest(run.path)
    model, task = run.load()
    report = Report.load(run.report)
    names = prepared.settings.to_dict()
    check_same(
        run,
        {
            **_training({name: report.training.get(name) for name in names}),
            "seed": report.seed,
            # A fit that has ended is kept, whichever backend it ran on.
            "backend": arguments["backend"],
            "data": report.dataset.get("fingerprint"),
            "initial_weights": report.training.get("initial_weights"),
            "test": bool(report.test),
            **_of_model_and_task(model, task),
        },
        arguments,
    )
    prepared.model.set_weights(model.get_weights())
    if not (run.path / checksums.MANIFEST).is_file():
        run.write_checksums()
    return report


def check_same(run: Run, there: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises a `ValueError` with the differences if a run was started with other arguments."""
    names = [name for name in {**there, **now} if there.get(name) != now.get(name)]
    if "model.name" in names:
        # The parts of another model differ as well.
        names = ["model.name", *(name for name in names if not name.startswith("model."))]
    if names:
        shown = [_difference(name, there.get(name), now.get(name)) for name in names[:_MAX_LISTED]]
        more = len(names) - len(shown)
        raise ValueError(
            f"{run.path} was started with different arguments ({'; '.join(shown)}"
            f"{f'; and {more} more' if more else ''}), so it cannot be resumed. Use another "
            "folder, or overwrite=True."
        )


def _difference(name: str, there: Any, now: Any) -> str:
    if there is None and name in _IN_WORDS:
        return f"{_IN_WORDS[name]} are given now, and were not there"
    if now is None and name in _IN_WORDS:
        return f"{_IN_WORDS[name]} were given there, and are not now"
    if name in _IN_WORDS:
        return f"{_IN_WORDS[name]} differ{'s' if name.endswith('vocabulary') else ''}"
    if "CRC " in f"{there} {now}":
        return f"{name} differs"
    return f"{name}: {there!r} there, {now!r} now"


def flat_config(config: Any, name: str) -> dict[str, Any]:
    """A nested configuration as one dict: the path of each value, joined by dots, and the value.

    A long value, such as a vocabulary, is replaced by its checksum.
    """
    if isinstance(config, Mapping) and config:
        parts = (flat_config(value, f"{name}.{key}") for key, value in config.items())
        return {key: value for part in parts for key, value in part.items()}
    if isinstance(config, (list, tuple)) and any(isinstance(v, (Mapping, list)) for v in config):
        return flat_config({str(index): value for index, value in enumerate(config)}, name)
    text = json.dumps(config, sort_keys=True, default=str)
    if len(text) > _MAX_SHOWN:
        return {name: f"{len(text):,} characters, CRC {zlib.crc32(text.encode()):08x}"}
    return {name: json.loads(text)}


def model_config(model: keras.Model) -> dict[str, Any]:
    """Name, size and configuration of a model."""
    try:
        config = model.get_config()
    except NotImplementedError:  # A subclass of keras.Model without a configuration.
        config = {}
    config = {"name": model.name, "parameters": model.count_params(), **config}
    names: dict[str, str] = {}
    counts: collections.Counter[str] = collections.Counter()
    for name in dict.fromkeys(_names_in(config)):
        # Keras numbers the layers and models of a process that are given no name.
        stem = re.sub(r"_\d+$", "", name)
        names[name] = f"{stem}_{counts[stem]}" if counts[stem] else stem
        counts[stem] += 1
    return _renamed(config, names)


def _names_in(config: Any) -> Iterator[str]:
    """The names of a model and its layers, in the order of its configuration."""
    if isinstance(config, Mapping):
        if isinstance(config.get("name"), str):
            yield config["name"]
        for value in config.values():
            yield from _names_in(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _names_in(value)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def checksum_of(model: Any) -> str | None:
    """The checksum of a model's weights; None for no model."""
    if model is None:
        return None
    checksum = 0
    for weight in model.get_weights():
        checksum = zlib.crc32(weight.tobytes(), checksum)
    return f"CRC {checksum:08x}"


def _training(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"training.{name}": value for name, value in settings.items()}


def _of_model_and_task(model: keras.Model, task: Task) -> dict[str, Any]:
    return {
        **flat_config(task.get_config(), "task"),
        **flat_config(model_config(model), "model"),
    }
