"""The one routine that fits any model to any task: prepare, fit, calibrate, test, report."""

import dataclasses
import importlib.metadata
import pathlib
import platform
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence

import keras

from zoo.models import is_baseline
from zoo.registry import check_arguments
from zoo.tasks.data import SPLITS
from zoo.tasks.task import Evaluation, Task
from zoo.training.checkpoint import stopping_on_signals
from zoo.training.loop import EVALUATION_BATCH_SIZE, Loop
from zoo.training.prepare import check_data, complete, prepare
from zoo.training.progress import ProgressBar
from zoo.training.report import Report
from zoo.training.resume import arguments_of, ended_report
from zoo.training.run import Run
from zoo.training.settings import Settings, takes_settings
from zoo.utils import files, resources


@takes_settings
def fit_and_evaluate(
    model: keras.Model | Callable[[], keras.Model],
    task: Task,
    *,
    log_dir: files.StrPath | None = None,
    resume: bool = False,
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
            TensorBoard. With several seeds it has a folder `seed_N` for each of them.
        resume: Whether to resume the fit in `log_dir` if it was interrupted. On one machine the
            result is equal to the bit to that of an uninterrupted fit, except for measured seconds
            and memory. A fit that has ended is not repeated. Your own callbacks start again.
        callbacks: Keras callbacks, called for each batch and epoch as in `keras.Model.fit`.
        verbose: Whether progress is shown on standard error.
        command: The command line for the report; None takes that of this process.
        **settings: See `Settings`.

    Returns:
        A `Report`. A model that was passed as such holds the best weights.

    Raises:
        ValueError: If an argument is out of range, or the run to resume had different arguments.
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
    asked = Settings(**settings)
    if resume and log_dir is None:
        raise ValueError("resume requires log_dir, the folder of the run to resume.")
    if asked.seeds is not None and isinstance(model, keras.Model):
        raise ValueError("With several seeds, model must be a function that returns a new model.")
    warnings = check_data(task, asked)
    if verbose:
        for sentence in warnings:
            print(f"Note: {sentence}", file=sys.stderr)
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
    run = None if log_dir is None else Run(log_dir)
    return fit.with_seed(asked.seed, run) if asked.seeds is None else fit.with_seeds(run)


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
        reports = [
            self.with_seed(seed, None if run is None else run.of_seed(seed))
            for seed in self.settings.seeds
        ]
        report = Report.over_seeds(reports, self.command)
        if run is not None:
            best = Report.best_on_validation(reports, self.task.monitor)
            assert best.seed is not None
            run.adopt(run.of_seed(best.seed))
            run.end(report)
        return report

    def with_seed(self, seed: int, run: Run | None) -> Report:
        """Fits once, in the order in which it happens."""
        # Prepare
        prepared = prepare(self.model, self.task, self.settings, seed)
        arguments = arguments_of(prepared, seed)
        if self.resume and run is not None:
            ended = ended_report(run, prepared, arguments)
            if ended is not None:
                return ended
        loop = Loop(prepared, seed, run, arguments)
        loop.start(self.resume)
        if run is not None and prepared.devices.is_writer:
            run.begin(self.task)

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
        if loop.progress.is_new:
            # TensorBoard would draw the curves of an earlier run in the same folder.
            shutil.rmtree(loop.run.logs, ignore_errors=True)
        if settings.dashboards == "none" or keras.backend.backend() != "tensorflow":
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
            },
            dataset=self._dataset_facts(),
            seed=loop.seed,
            training={**loop.prepared.settings.to_dict(), "best_epoch": best["epoch"]},
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


def _versions() -> dict[str, str]:
    packages = ("language-model-zoo", "keras", "tensorflow", "numpy")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "backend": keras.backend.backend()}


def _command() -> str:
    return shlex.join([pathlib.Path(sys.argv[0]).name or "python", *sys.argv[1:]])
