"""Regression: a number for each text, such as a rating or a price."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from zoo.datasets import DatasetError, TextDataset
from zoo.preprocessing import TokenSequences
from zoo.tasks.data import SPLITS, Examples, TaskData
from zoo.tasks.description import Description
from zoo.tasks.metric import Metric
from zoo.tasks.registry import register_task
from zoo.tasks.task import Evaluation
from zoo.tasks.text_options import make_text_to_ids, takes_text_options
from zoo.tasks.text_task import TextTask


class _Ratings(TaskData):
    """Texts with a number each, which examples hold standardized."""

    def __init__(self, dataset: TextDataset, text_to_ids, target: str, mean: float, scale: float):
        super().__init__(dataset, text_to_ids, target)
        self.mean = mean
        self.scale = scale

    def make_examples(self, sequences: TokenSequences, split: str) -> Examples:
        standardized = (self.targets(split).astype("float64") - self.mean) / self.scale
        return Examples(sequences, standardized.astype("float32"), self.texts(split))

    def check(self, splits: Sequence[str] = SPLITS) -> list[str]:
        warnings = super().check(splits)
        targets = self.targets("train")
        if np.ptp(targets) == 0:
            raise DatasetError(
                f"All training texts have the target {targets[0]:g}: expected numbers that differ."
            )
        return warnings


@register_task
class Regression(TextTask):
    """Text regression: a number for each text. Created by `regression`.

    Models predict standardized targets, with mean 0 and variance 1 on the training split; scores
    and predictions have the unit of the dataset.

    Args:
        text_to_ids: the `TextToIds` that turns texts into ids.
        mean: mean of the training targets.
        scale: standard deviation of the training targets.
        dataset: texts with a column `target` of numbers, or None.
    """

    name = "regression"
    head = "regressor"
    serving = "regress"
    pipeline = "text-regression"
    columns: ClassVar[Mapping[str, str]] = {"text": "text", "target": "number"}
    metrics = (
        Metric("mean_absolute_error", main=True),
        Metric("root_mean_squared_error"),
        Metric("r2", higher_is_better=True),
        Metric("loss", listed=False),
    )
    description = Description(
        purpose="It predicts a number for a text.",
        use=(
            ("sh", 'zoo predict --model {name} "A fine film."'),
            (
                "python",
                'import zoo\n\npredict = zoo.pipeline("{name}")\npredict("A fine film.")["value"]',
            ),
            (
                "python",
                "import tensorflow as tf\n\n"
                'model = tf.saved_model.load("saved_models/{name}/1")\n'
                'model.signatures["serve"](text=tf.constant(["A fine film."]))',
            ),
        ),
        misuse=(
            "Decisions about people. A prediction is an estimate about a text, not about its "
            "author.",
            "Texts of another kind than {data}, or in another language: errors are larger than the "
            "tables report.",
        ),
    )
    monitor = ("val_loss", "min")
    default_dataset = None
    suggested_optimizer = "adam"
    suggested_steps = 300

    num_outputs = 1

    def __init__(self, text_to_ids, mean: float, scale: float, dataset: TextDataset | None = None):
        self.mean = mean
        self.scale = scale
        super().__init__(text_to_ids, dataset)

    @classmethod
    @takes_text_options()
    def from_dataset(
        cls,
        dataset: TextDataset,
        **text_options,
    ) -> "Regression":
        """The task on a dataset, with a vocabulary of its training texts.

        Options that are not listed here are those of `make_text_to_ids`.

        Args:
            dataset: texts with a column `target` of numbers.
            **text_options: how texts become ids.
        """
        text_to_ids = make_text_to_ids(cls.from_dataset, **text_options)
        dataset.check_columns(cls.columns)
        targets = dataset.train["target"].astype("float64")
        return cls(text_to_ids, float(targets.mean()), float(targets.std()) or 1.0, dataset)

    def make_data(self, dataset: TextDataset) -> TaskData:
        return _Ratings(dataset, self.text_to_ids, self.target_column(), self.mean, self.scale)

    # Training

    def loss(self):
        import keras

        return keras.losses.MeanSquaredError()

    # Scores

    def evaluate(self, model, examples: Examples, batch_size: int) -> Evaluation:
        outputs = self.predict(model, examples, batch_size)[:, 0].astype("float64")
        targets = self.mean + self.scale * examples.targets.astype("float64")
        return self.score(targets, self.mean + self.scale * outputs)

    def score(
        self, targets: np.ndarray, predictions: np.ndarray, texts: Sequence[str] | None = None
    ) -> Evaluation:
        """Scores predictions.

        Args:
            targets: the true numbers, (N,).
            predictions: the predicted numbers, (N,).
            texts: ignored.

        Returns:
            An `Evaluation`: `mean_absolute_error` and `root_mean_squared_error`, in the unit of the
            targets; `r2`, the coefficient of determination, 1 - residual / total sum of squares,
            None where all targets are equal; and `loss`, the mean squared error of standardized
            numbers.
        """
        del texts
        targets, predictions = (np.asarray(x, "float64") for x in (targets, predictions))
        errors = predictions - targets
        squared = float(np.mean(errors**2))
        variance = float(np.var(targets))
        return Evaluation(
            {
                "mean_absolute_error": float(np.abs(errors).mean()),
                "root_mean_squared_error": squared**0.5,
                "r2": 1 - squared / variance if variance else None,
                "loss": squared / self.scale**2,
            },
            {"target_mean": float(targets.mean()), "target_deviation": variance**0.5},
        )


def regression(dataset: TextDataset, **options) -> Regression:
    """Text regression: a number for each text, such as a rating.

    Args:
        dataset: texts with a column `target` of numbers: `zoo.datasets.load("ratings.csv",
            columns=zoo.tasks.Regression.columns, target_column="stars")`.
        **options: those of `Regression.from_dataset`.

    Returns:
        A `Regression`, for models with one output: `head="regressor"`.

    Raises:
        DatasetError: for a dataset without a column `target` of numbers.

    Example:
    >>> split = zoo.datasets.Split({"text": ["good", "bad film"] * 8, "target": [1.0, -1.0] * 8})
    >>> data = zoo.datasets.TextDataset("ratings", train=split, validation=split, test=split)
    >>> zoo.tasks.regression(data).model_arguments()["num_classes"]
    1
    """
    return Regression.from_dataset(dataset, **options)
