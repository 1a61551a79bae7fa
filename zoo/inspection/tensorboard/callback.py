"""The callback that fills TensorBoard's dashboards while a model is fitted."""

import pathlib
import time
from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np

from zoo.inspection.tensorboard import hparams as hparams
from zoo.inspection.tensorboard import images as images
from zoo.inspection.tensorboard import summaries as summaries
from zoo.inspection.tensorboard.graph import keras_graph, op_graph
from zoo.inspection.tensorboard.profile import Profiler
from zoo.inspection.tensorboard.projector import write_projector
from zoo.inspection.tensorboard.report import facts_list
from zoo.inspection.tensorboard.samples import Samples, markdown
from zoo.inspection.tensorboard.server import serve
from zoo.inspection.tensorboard.steps import Counts, StepCurves
from zoo.inspection.tensorboard.weights import Gradients, weight_histograms

DASHBOARDS = ("default", "all")

# Seconds of a fit beside which it is little to draw attention and gates at its end.
LONG_FIT = 15.0

# Texts of validation that are read once more where nobody tells what was answered to them.
_MAX_REREAD = 500


class Progress(Counts, Protocol):
    """What the routine tells of a fit beside Keras's logs.

    `validation` is the `Evaluation` of the last epoch, and at the end of the weights that are kept.
    """

    validation: Any


class TensorBoard(keras.callbacks.Callback):
    """Writes what TensorBoard shows, in place of `keras.callbacks.TensorBoard`.

    Runs `train` and `validation` hold curves by epoch, with the same names (`epoch_loss` ...).
    `train` also holds curves by step (`step/loss`, `step/learning_rate`, `step/gradient_norm`
    before it is clipped, `step/tokens_per_second`, `step/padding_share`), graphs, histograms, what
    a language model writes, images and the projector's files; `validation` precision against
    recall; `scores` the report, and options and final scores, by which runs are compared.

    `zoo.fit_and_evaluate` uses it wherever it is given a `log_dir`. By hand:
    `model.fit(..., callbacks=[zoo.inspection.TensorBoard("logs", task=task)])`.

    Args:
        log_dir: the folder that gets the three runs.
        task: what the model is asked, with its dataset; None does without projector, precision
            against recall, samples and images.
        dashboards: `"default"`, with images of attention or gates at the end of a fit of 15
            seconds or more; `"all"` adds what takes longer: these images by epoch, histograms of
            gradients, a point for each step, and the profile of five steps.
        options: how the model is fitted, by name, for the comparison of runs.
        progress: see `Progress`; None by hand.

    Raises:
        ValueError: for dashboards of another name.
    """

    def __init__(
        self,
        log_dir: str | pathlib.Path,
        *,
        task=None,
        dashboards: str = "default",
        options: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ):
        super().__init__()
        if dashboards not in DASHBOARDS:
            raise ValueError(
                f"dashboards must be one of {', '.join(DASHBOARDS)}; it is {dashboards!r}."
            )
        self.log_dir = pathlib.Path(log_dir)
        self.task: Any = task if task is not None and task.dataset is not None else None
        self.options = dict(options or {})
        self.progress = progress
        self._writes_all = dashboards == "all"
        self._draws = images.can_draw()
        self._logs: Mapping[str, Any] = {}

    serve = staticmethod(serve)

    # What Keras calls

    def on_train_begin(self, logs=None):
        """Begins the files, with graphs and options."""
        self._train, self._validation, self._scores = (
            summaries.EventFile(self.log_dir / run) for run in ("train", "validation", "scores")
        )
        self._epoch = 0
        self._start = time.perf_counter()
        self._curves = StepCurves(self.model, self._total_steps(), self.progress, self._writes_all)
        self._profiler = Profiler(self._train.folder) if self._writes_all else None
        self._samples = self._gradients = None
        if self._has_head("language_model") and self.model.causal:
            self._samples = Samples(self.model, self.task)
        if self._writes_all and self.task is not None:
            self._gradients = Gradients(self.model, self.task)
        if not self._draws:
            images.say_what_is_missing()
        self._train.write_graph(op_graph(self.model))
        self._train.write(keras_graph(self.model), 0)
        self._scores.write(hparams.session_start(self._all_options(), self._name()), 0)

    def on_epoch_begin(self, epoch, logs=None):
        """Begins to measure speed."""
        self._curves.start()

    def on_train_batch_begin(self, batch, logs=None):
        """Begins the profile, where it is wanted."""
        if self._profiler is not None:
            self._profiler.before_step()

    def on_train_batch_end(self, batch, logs=None):
        """Adds a point to the curves by step."""
        if self._profiler is not None:
            self._profiler.after_step()
        points = self._curves.after_step(logs or {})
        if points is not None:
            self._train.write(points, self._curves.step)

    def on_epoch_end(self, epoch, logs=None):
        """Writes what there is to see by epoch, which counts from 1."""
        self._epoch = epoch + 1
        self._logs = dict(logs or {})
        self._write_curves()
        self._train.write(weight_histograms(self.model), self._epoch)
        if self._gradients is not None:
            self._train.write(self._gradients(), self._epoch)
        if self._samples is not None:
            written = summaries.text("samples", markdown(self._samples()))
            self._train.write(written, self._epoch)
        if self._has_head("classifier"):
            curves = summaries.pr_curves(*self._answers(), self.task.label_names)
            self._validation.write(curves, self._epoch)
        if self._writes_all:
            self._write_inner_images()
            self._write_confusion("validation", self._validation_details())
        self._flush()

    def on_train_end(self, logs=None):
        """Writes what is looked at once, of the weights that the model ends with."""
        if self._profiler is not None:
            self._profiler.stop()
        if self.task is not None:
            write_projector(self._train.folder, self.model, self.task)
        if not self._writes_all and time.perf_counter() - self._start > LONG_FIT:
            self._write_inner_images()
        if self.progress is None:
            self._write_scores({"validation": self._epoch_scores("val_")})
            self._close()
        else:
            self._flush()

    # What the routine calls

    def write_report(self, report) -> None:
        """Writes a `zoo.Report`, its scores for the comparison of runs, and ends the files."""
        self._scores.write(summaries.table("report/scores", report.score_rows()), 0)
        self._scores.write(summaries.text("report/facts", facts_list(report)), 0)
        if report.details:
            self._write_confusion("test", report.details)
        elif not self._writes_all:
            self._write_confusion("validation", self._validation_details())
        self._write_scores({"validation": report.validation, "test": report.test})
        self._close()

    # Parts

    def _has_head(self, name: str) -> bool:
        return self.task is not None and self.task.head == name

    def _total_steps(self) -> int | None:
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        return steps * epochs if steps and epochs else None

    def _all_options(self) -> dict[str, Any]:
        of_task = {} if self.task is None else hparams.task_options(self.task)
        return {**of_task, **hparams.model_options(self.model), **self.options}

    def _name(self) -> str:
        folder = self.log_dir.resolve()
        return folder.parent.name if folder.name == "logs" else folder.name

    def _epoch_scores(self, prefix: str) -> dict[str, Any]:
        return {k.removeprefix(prefix): v for k, v in self._logs.items() if k.startswith(prefix)}

    def _write_curves(self) -> None:
        validation = self._epoch_scores("val_")
        train = {k: v for k, v in self._logs.items() if not k.startswith("val_")}
        for file, scores in ((self._train, train), (self._validation, validation)):
            tagged = {f"epoch_{name}": value for name, value in scores.items()}
            file.write(summaries.scalars(tagged), self._epoch)

    def _answers(self) -> tuple[np.ndarray, np.ndarray]:
        """Labels (N,) of validation and the probabilities (N, C) that the model gives."""
        examples = self.task.examples("validation")
        told = None if self.progress is None else self.progress.validation
        probabilities = getattr(told, "probabilities", None)
        if probabilities is not None:
            return examples.targets, probabilities
        return read_again(self.model, self.task, examples)

    def _validation_details(self) -> Mapping[str, Any]:
        told = None if self.progress is None else self.progress.validation
        return {} if told is None else told.details

    def _write_inner_images(self) -> None:
        if self._draws and self.task is not None:
            sentences = images.SENTENCES if self._writes_all else images.SENTENCES[:1]
            drawn = images.inner_images(self.model, self.task, sentences)
            self._train.write(drawn, self._epoch)

    def _write_confusion(self, split: str, details: Mapping[str, Any]) -> None:
        if self._draws and "confusion_matrix" in details:
            file = self._scores if split == "test" else self._validation
            drawn = images.confusion_image(f"confusion_matrix/{split}", details)
            file.write(drawn, self._epoch)

    def _write_scores(self, scores: Mapping[str, Mapping[str, Any]]) -> None:
        tagged = {f"{part}/{k}": v for part, entries in scores.items() for k, v in entries.items()}
        self._scores.write(summaries.scalars(tagged), self._epoch)
        self._scores.write(hparams.session_end(), self._epoch)

    def _flush(self) -> None:
        for file in (self._train, self._validation, self._scores):
            file.flush()

    def _close(self) -> None:
        for file in (self._train, self._validation, self._scores):
            file.close()


def read_again(model: keras.Model, task, examples) -> tuple[np.ndarray, np.ndarray]:
    """What a classifier answers to a split: labels (N,) and probabilities (N, C).

    Of a larger split 500 texts at equal distances are read.
    """
    some = np.unique(np.linspace(0, len(examples) - 1, _MAX_REREAD).astype("int64"))
    some = some[np.argsort(examples.lengths[some], kind="stable")]
    logits = []
    for indices in np.array_split(some, -(-len(some) // 64)):
        inputs, *_ = task.batch(examples, indices)
        logits.append(model.predict_on_batch(inputs))
    probabilities = keras.ops.softmax(np.concatenate(logits).astype("float32"))
    return examples.targets[some], keras.ops.convert_to_numpy(probabilities)
