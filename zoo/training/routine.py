"""The one routine that fits any model to any task: prepare, fit, calibrate, test, report."""

import dataclasses
import importlib.metadata
import pathlib
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence

import keras

from zoo.models import is_baseline
from zoo.models.suited_model import depends_on_padding
from zoo.registry import check_arguments
from zoo.tasks.data import SPLITS
from zoo.tasks.task import Evaluation, Task
from zoo.training.checkpoint import stopping_on_signals
from zoo.training.earlier import check_earlier
from zoo.training.given_model import check_model_and_task, new_each_time
from zoo.training.loop import EVALUATION_BATCH_SIZE, Loop
from zoo.training.model_file import check_saveable
from zoo.training.prepare import check_data, complete, prepare
from zoo.training.progress import ProgressBar
from zoo.training.report import Report
from zoo.training.report_view import TRAINED
from zoo.training.resume import arguments_of, checksum_of, ended_report
from zoo.training.run import Run
from zoo.training.settings import Settings, takes_settings
from zoo.utils import files, resources
from zoo.utils.terminal import printable

_PADDING = (
    "The model's outputs change with the padding of a text, so that scores and answers differ from "
    "batch to batch: use Embedding(..., mask_zero=True) and layers that read its mask."
)


@takes_settings
def fit_and_evaluate(
    model: keras.Model | Callable[[], keras.Model],
    task: Task,
    *,
    log_dir: files.StrPath | None = None,
    resume: bool = False,
    overwrite: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
    command: str | None = None,
    **settings,
) -> Report:
    """Fits a model to the training split of a task and scores it on the other splits.

    The model is scored on the validation split after each epoch, and the weights of the best epoch
    are kept, by the metric that `task.monitor` names. The test split is scored once, at the end,
    with these weights.

    Args:
        model: A Keras model for the task, or a function that makes one. The function is called once
            `seed` is set, so that the seed covers the initial weights.
        task: The task, with its dataset.
        log_dir: Folder of the run: `model.keras`, `task.json`, `report.json`, and `logs` for
            TensorBoard. With several seeds it has a folder `seed_N` for each of them. The files of
            a finished run there are replaced, and its SavedModel is removed; an interrupted fit is
            refused without `resume` or `overwrite`.
        resume: Whether to resume the fit in `log_dir` if it was interrupted. On one machine the
            result is equal to the bit to that of an uninterrupted fit, except for measured seconds
            and memory. A fit that has ended is not repeated. Your own callbacks start again.
        overwrite: Whether to remove what an earlier fit has left in `log_dir`, its checkpoint too.
        callbacks: Keras callbacks, called for each batch and epoch as in `keras.Model.fit`.
        verbose: Whether progress is shown on standard error.
        command: The command line for the report; None takes that of this process.
        **settings: See `Settings`.

    Returns:
        A `Report`. A model that was passed as such holds the best weights.

    Raises:
        ValueError: If an argument is out of range, the model does not suit the task, `log_dir`
            holds an interrupted fit, or the run to resume had different arguments.
        TrainingError: If the loss is NaN or infinite.
        Interrupted: A KeyboardInterrupt, after Ctrl-C or SIGTERM has stopped a fit with a `log_dir`
            between two steps; `resume` continues it.
        FileError: If `log_dir` cannot be written to, or a checkpoint in it is damaged.

    >>> model = zoo.BagOfWords(**task.model_arguments())
    >>> report = zoo.fit_and_evaluate(model, task, epochs=1, verbose=False)
    >>> sorted(report.test)[0]
    'accuracy'
    """
    check_arguments("fit_and_evaluate", fit_and_evaluate, settings)
    check_model_and_task(model, task)
    asked = Settings(**settings)
    if resume and log_dir is None:
        raise ValueError("resume requires log_dir, the folder of the run to resume.")
    run = None if log_dir is None else Run(log_dir)
    notes = []
    if run is not None:
        notes = check_earlier(run, asked.seeds, resume=resume, overwrite=overwrite)
    if asked.seeds is not None and isinstance(model, keras.Model):
        raise ValueError("With several seeds, model must be a function that returns a new model.")
    warnings = check_data(task, asked)
    if verbose:
        _print_notes([*notes, *warnings])
    fit = _Fit(
        model=model,
        task=task,
        settings=complete(asked, task),
        resume=resume,
        callbacks=callbacks,
        verbose=verbose,
        command=_command() if command is None else command,
        warnings=warnings,
    )
    return fit.with_seed(asked.seed, run, run) if asked.seeds is None else fit.with_seeds(run)


@dataclasses.dataclass(frozen=True)
class _Fit:
    """The arguments of `fit_and_evaluate`, checked and completed."""

    model: keras.Model | Callable[[], keras.Model]
    task: Task
    settings: Settings
    resume: bool
    callbacks: Sequence[keras.callbacks.Callback]
    verbose: bool
    command: str
    warnings: Sequence[str]

    def with_seeds(self, run: Run | None) -> Report:
        """Fits once for each seed; keeps the weights of the one that is best on validation."""
        assert self.settings.seeds is not None
        each_new = dataclasses.replace(self, model=new_each_time(self.model))
        reports: list[Report] = []
        for seed in self.settings.seeds:
            own = None if run is None else run.of_seed(seed)
            # The first seed of a new fit replaces all that an earlier fit has left.
            replaced = own if self.resume or reports else run
            reports.append(each_new.with_seed(seed, own, replaced))
        report = Report.over_seeds(reports, self.command)
        if run is not None:
            best = Report.best_on_validation(reports, self.task.monitor)
            assert best.seed is not None
            run.adopt(run.of_seed(best.seed))
            run.end(report)
        return report

    def with_seed(self, seed: int, run: Run | None, replaced: Run | None) -> Report:
        """Fits once, in the order in which it happens.

        Args:
            seed: The seed.
            run: The folder to write to, or None.
            replaced: The folder in which nothing of an earlier fit stays.
        """
        # Prepare
        prepared = prepare(self.model, self.task, self.settings, seed)
        arguments = arguments_of(prepared, seed)
        if self.resume and run is not None:
            ended = ended_report(run, prepared, arguments)
            if ended is not None:
                return ended
        notes = [] if run is None else check_saveable(prepared.model)
        if depends_on_padding(prepared.model):
            notes.append(_PADDING)
        loop = Loop(prepared, seed, run, arguments)
        loop.start(self.resume)
        if run is not None and replaced is not None and prepared.devices.is_writer:
            if loop.progress.is_new:
                replaced.clear(keep_recipe=self.resume)
            run.begin(self.task)
        if loop.progress.was_trained:
            notes.append(TRAINED)
        if self.verbose:
            _print_notes(notes)

        # Fit
        board = self._tensorboard(loop)
        callbacks = [*self.callbacks, *filter(None, [board]), *self._progress_bar(loop)]
        with stopping_on_signals(can_resume=run is not None) as request:
            loop.fit(callbacks, request)
        best = dict(loop.progress.best)

        # Calibrate
        validation = self.task.examples("validation")
        if self.task.calibrate(prepared.model, validation, EVALUATION_BATCH_SIZE):
            scores = loop.evaluate("validation", "validating").scores
            best |= {f"val_{name}": value for name, value in scores.items()}

        # Test
        tested = loop.evaluate("test", "testing") if self.settings.test else Evaluation({})

        # Report
        report = self._report(loop, best, tested)
        if run is not None and prepared.devices.is_writer:
            run.save_model(prepared.model)
            run.end(report)
        loop.end()
        if board is not None:
            board.write_report(report)
        return report

    def _tensorboard(self, loop: Loop):
        """The callback that writes the logs of a run; None if there is no run or backend for it."""
        settings = loop.prepared.settings
        if loop.run is None or not loop.prepared.devices.is_writer:
            return None
        if settings.dashboards == "none":
            return None
        if keras.backend.backend() != "tensorflow":
            if self.verbose:
                sentence = "TensorBoard gets no logs: they require the TensorFlow backend"
                _print_notes([f"{sentence}, and Keras runs on {keras.backend.backend()}."])
            return None
        from zoo.inspection import TensorBoard

        return TensorBoard(
            loop.run.logs,
            task=self.task,
            dashboards=settings.dashboards,
            options={**settings.to_dict(), "seed": loop.seed},
            progress=loop.progress,
        )

    def _progress_bar(self, loop: Loop) -> list[keras.callbacks.Callback]:
        title = f"{self.task.data.dataset.name}, seed {loop.seed}"
        return [ProgressBar(title, self.task.metrics)] if self.verbose else []

    def _report(self, loop: Loop, best: Mapping, tested: Evaluation) -> Report:
        model, progress = loop.prepared.model, loop.progress
        num_examples = len(self.task.data.examples("train")) * len(progress.history)
        seconds = progress.seconds["fitting"]
        return Report(
            task=self.task.name,
            metrics=self.task.metrics,
            model={
                "name": model.name,
                "parameters": model.count_params(),
                "is_baseline": is_baseline(model.name),
                "was_trained": progress.was_trained,
            },
            dataset=self._dataset_facts(),
            seed=loop.seed,
            training={
                **loop.prepared.settings.to_dict(),
                "initial_weights": checksum_of(loop.prepared.settings.initial_weights),
                "best_epoch": best["epoch"],
            },
            history=progress.history,
            validation={
                name.removeprefix("val_"): score
                for name, score in best.items()
                if name.startswith("val_")
            },
            test=tested.scores,
            details=tested.details,
            best_possible=self.task.best_possible(),
            seconds={**self.task.data.seconds, **progress.seconds},
            throughput={
                "examples_per_second": num_examples / seconds,
                "tokens_per_second": progress.tokens / seconds,
            },
            padding_share=1 - progress.tokens / progress.positions,
            peak_memory_mb=resources.peak_memory() / 1e6,
            versions=_versions(),
            cores=resources.num_cores(),
            command=self.command,
        )

    def _dataset_facts(self) -> dict:
        dataset = self.task.data.dataset
        assert dataset is not None
        return {
            "name": dataset.name,
            "arguments": dataset.arguments,
            "sizes": {name: len(getattr(dataset, name)) for name in SPLITS},
            "fingerprint": dataset.fingerprint,
            "warnings": [*self.warnings, *self.task.data.notes()],
        }


def _print_notes(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        print(f"Note: {printable(sentence)}", file=sys.stderr)


def _versions() -> dict[str, str]:
    backend = keras.backend.backend()
    packages = dict.fromkeys(("language-model-zoo", "keras", "tensorflow", backend, "numpy"))
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "backend": backend}


def _command() -> str:
    return shlex.join([pathlib.Path(sys.argv[0]).name or "python", *sys.argv[1:]])
