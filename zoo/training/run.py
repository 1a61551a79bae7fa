"""The folder of a run: the names of its files, how they are written, and how they are read."""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import zoo
from zoo.datasets import DatasetError
from zoo.registry import did_you_mean
from zoo.tasks import task_from_config
from zoo.utils import checksums, files, pretrained

# The number of the form in which runs and SavedModels are written; others are refused.
FORMAT = 2

# The folder of a SavedModel for files that TensorFlow does not read.
EXTRA_ASSETS = "assets.extra"

# A run or a SavedModel without a number was written by this version.
_FIRST = {"format": 1, "zoo": "0.1.0"}


class ModelNotFoundError(files.FileError):
    """There is no model at a path; the message says what was expected there."""


class Run:
    """The folder of a run.

    Args:
        path: The folder, which may not exist yet.

    Attributes:
        path: The folder.
        model: File with the Keras model, `model.keras`.
        task: File with the task's configuration, `task.json`.
        report: File with the report, `report.json`; a run has ended if it is there.
        recipe: File with the recipe, `recipe.toml`, if the run was made from one.
        checkpoint: File with the state of a fit that has not ended.
        logs: Folder with what TensorBoard shows.
        saved_model: Folder of the exported SavedModel.

    >>> from zoo.training.run import Run
    >>> Run("runs/lstm").model.as_posix()
    'runs/lstm/model.keras'
    """

    def __init__(self, path: files.StrPath):
        self.path = files.user_path(path)
        self.model = self.path / "model.keras"
        self.task = self.path / "task.json"
        self.report = self.path / pretrained.REPORT
        self.recipe = self.path / pretrained.RECIPE
        self.checkpoint = self.path / "checkpoint.npz"
        self.logs = self.path / "logs"
        self.saved_model = self.path / "saved_model" / "1"

    @classmethod
    def find(cls, place: files.StrPath) -> "Run":
        """The run at a path, or with the name of a pretrained model, with its checksums verified.

        Args:
            place: Folder of a run or of a SavedModel, or the name of a pretrained model.

        Raises:
            ModelNotFoundError: If there is no such folder.
            FileError: If a file is damaged.
        """
        place = files.user_path(place)
        for folder in (place, pretrained.folder() / place):
            if folder.is_dir():
                checksums.check_manifest(folder)
                return cls(folder)
        names = pretrained.names()
        raise ModelNotFoundError(
            f"There is no model at {place}: expected the folder of a run or of a SavedModel, or a "
            f"pretrained model: {', '.join(names) or 'there are none'}."
            + did_you_mean(str(place), names)
        )

    @property
    def has_ended(self) -> bool:
        """Whether the fit has ended and its report is written."""
        return self.report.is_file()

    def of_seed(self, seed: int) -> "Run":
        """The run of one seed of several."""
        return Run(self.path / f"seed_{seed}")

    # Writing

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Reserves the folder for this process, and removes what a killed one left half-written.

        Raises:
            FileError: If another process has reserved it, or it cannot be written to.
        """
        with files.lock_folder(self.path):
            files.clear_leftovers(self.path)
            yield

    def clear(self, *, keep_recipe: bool = False) -> None:
        """Removes everything that a fit has written; other files in the folder stay.

        Args:
            keep_recipe: Whether the recipe stays: it is that of the fit which follows.
        """
        written = [self.model, self.task, self.report, self.checkpoint, self.logs]
        written += [self.path / checksums.MANIFEST, *seed_folders(self), *saved_models(self.path)]
        for path in (*written, *([] if keep_recipe else [self.recipe])):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # There is none, or it holds files of others.
            self.saved_model.parent.rmdir()

    def begin(self, task) -> None:
        """Writes the task of a new fit; the report of an earlier one is removed."""
        for path in (self.path / checksums.MANIFEST, self.report):
            path.unlink(missing_ok=True)
        files.write_json(self.task, task_entries(task))

    def save_model(self, model) -> None:
        """Writes the Keras model, completely or not at all; a SavedModel of another is removed."""
        for folder in saved_models(self.path):
            shutil.rmtree(folder)
        with files.atomic_write(self.model) as new:
            model.save(new)

    def end(self, report) -> None:
        """Writes the report of a fit, and checksums of all files that belong to the run."""
        report.save(self.report)
        self.write_checksums()

    def write_checksums(self) -> None:
        """Writes the checksums of model, task and report."""
        names = [path.name for path in (self.model, self.task, self.report)]
        checksums.write_manifest(self.path, names)

    def adopt(self, other: "Run") -> None:
        """Copies model and task of another run, which is the best of several seeds.

        A SavedModel of other weights is removed.
        """
        kept = self.model.read_bytes() if self.model.is_file() else None
        if kept != other.model.read_bytes():
            for folder in saved_models(self.path):
                shutil.rmtree(folder)
        (self.path / checksums.MANIFEST).unlink(missing_ok=True)
        for source, target in ((other.model, self.model), (other.task, self.task)):
            with files.atomic_write(target) as new:
                new.write_bytes(source.read_bytes())

    # Reading

    def load(self, dataset=None):
        """The Keras model, with its trained weights and not compiled, and its task.

        Args:
            dataset: Dataset of the task; None for use without one.

        Raises:
            ModelNotFoundError: If there is no model.
            FileError: If a file is damaged, or was written by another version of the zoo.
        """
        from zoo.training.model_file import load_model

        task = read_task(self.task, dataset)
        if not self.model.is_file():
            raise ModelNotFoundError(
                f"{self.path} holds no model.keras: expected the folder of a finished run."
            )
        return load_model(self.model), task


def saved_models(folder: pathlib.Path) -> list[pathlib.Path]:
    """The versions of a SavedModel in the folder of a run or of a pretrained model."""
    return [
        version
        for parent in (folder / "saved_model", folder)
        for version in parent.glob("*/")
        if version.name.isdecimal() and (version / "saved_model.pb").is_file()
    ]


def seed_folders(run: Run) -> list[pathlib.Path]:
    """The folders of a run's seeds."""
    folders = run.path.glob("seed_*/")
    return [folder for folder in folders if folder.name.removeprefix("seed_").isdecimal()]


def task_entries(task) -> dict[str, Any]:
    """The content of a `task.json`: the version that writes it, and the task's configuration."""
    return {"format": FORMAT, "zoo": zoo.__version__, **task.get_config()}


def read_task_config(file: pathlib.Path) -> dict[str, Any]:
    """The configuration of a task, from the `task.json` of a run or of a SavedModel.

    Raises:
        FileError: If the file is missing, damaged, or written by another version of the zoo.
    """
    entries = files.read_json(file, "the task of a run")
    if not isinstance(entries, dict):
        raise files.FileError(f"{file} is damaged: it does not describe a task.")
    folder = file.parent
    check_format(entries, folder.parent if folder.name == EXTRA_ASSETS else folder)
    return {name: value for name, value in entries.items() if name not in _FIRST}


def read_task(file: pathlib.Path, dataset=None):
    """The task that a `task.json` describes, on a dataset if one is given.

    Raises:
        FileError: If the file is missing, damaged, or written by another version of the zoo.
        DatasetError: If the dataset does not suit the task.
    """
    config = read_task_config(file)
    try:
        return task_from_config(config, dataset)
    except DatasetError:
        raise
    except Exception as error:
        # Any entry may have any type, and the kind of error depends on who meets it first.
        raise files.FileError(
            f"{file} is damaged: it does not describe a task ({first_line(error)})."
        ) from error


def check_format(entries: Mapping[str, Any], place: files.StrPath) -> None:
    """Refuses what another version of the zoo has written.

    Args:
        entries: A dict with the entries `format` and `zoo`.
        place: The folder that is refused.

    Raises:
        FileError: If the format is another one.
    """
    found = {**_FIRST, **{name: entries[name] for name in _FIRST if name in entries}}
    if found["format"] != FORMAT:
        raise files.FileError(
            f"{place} was written by zoo {ascii(found['zoo']).strip(chr(39))[:20]} (format "
            f"{ascii(found['format'])[:20]}); this is format {FORMAT}: train it again."
        )


def first_line(error: Exception) -> str:
    """The first line of an error's message, cut to 200 characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
