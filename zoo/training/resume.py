"""What a fit must have in common with the one that it resumes, and how it goes back to it."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import keras

from zoo.tasks.task import Task
from zoo.training.prepare import Prepared
from zoo.training.report import Report
from zoo.training.run import Run
from zoo.utils import checksums

# Characters of a value that are compared and shown as they are; of longer ones the checksum is.
_MAX_SHOWN = 100


def arguments_of(prepared: Prepared, seed: int) -> dict[str, Any]:
    """All arguments of a fit that decide its result, by name, for JSON."""
    return {
        **_training(prepared.settings.to_dict()),
        "seed": seed,
        "data": prepared.task.data.dataset.fingerprint,
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
            "data": report.dataset.get("fingerprint"),
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
    differences = [
        f"{name}: {there.get(name)!r} there, {now.get(name)!r} now"
        for name in {**there, **now}
        if there.get(name) != now.get(name)
    ]
    if differences:
        raise ValueError(
            f"{run.path} was started with different arguments ({'; '.join(differences)}), so it "
            "cannot be resumed. Use another folder, or --overwrite."
        )


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
    return {"name": model.name, "parameters": model.count_params(), **config}


def _training(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"training.{name}": value for name, value in settings.items()}


def _of_model_and_task(model: keras.Model, task: Task) -> dict[str, Any]:
    return {
        **flat_config(task.get_config(), "task"),
        **flat_config(model_config(model), "model"),
    }
