"""Text classification: sentiment, or any other set of labels."""

import functools
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from zoo.datasets import DatasetError, TextDataset
from zoo.tasks import error_analysis, scores
from zoo.tasks.batches import Batch
from zoo.tasks.checks import check_labels
from zoo.tasks.data import SPLITS, Examples, TaskData
from zoo.tasks.description import Description
from zoo.tasks.metric import Metric
from zoo.tasks.registry import register_task
from zoo.tasks.task import Evaluation
from zoo.tasks.text_options import make_text_to_ids, takes_text_options
from zoo.tasks.text_task import TextTask
from zoo.utils.text import list_names


class _LabelledTexts(TaskData):
    """Texts with a label each."""

    def check(self, splits: Sequence[str] = SPLITS) -> list[str]:
        labels = {name: self.targets(name) for name in splits}
        return super().check(splits) + check_labels(labels, self.dataset.label_names or ())


@register_task
class Sentiment(TextTask):
    """Text classification into C classes. Created by `sentiment`.

    Args:
        text_to_ids: a `TextToIds`.
        label_names: names of the C classes.
        dataset: labelled texts with these classes, or None.
        class_weights: see `sentiment`.
        adversarial: see `sentiment`.
        temperature_scaling: see `sentiment`.
    """

    name = "sentiment"
    serving = "classify"
    pipeline = "sentiment-analysis"
    columns: ClassVar[Mapping[str, str]] = {"text": "text", "label": "category"}
    metrics = (
        Metric("accuracy", "%", higher_is_better=True, main=True),
        Metric("f1", "%", higher_is_better=True, listed=False),
        Metric("auc", "%", higher_is_better=True),
        Metric("loss", "nats", listed=False),
        Metric("calibration_error", "%"),
    )
    description = Description(
        purpose="It predicts the class of a text: {labels}.",
        use=(
            ("sh", 'zoo predict --model {name} "A fine film."'),
            (
                "python",
                "import zoo\n\n"
                'classify = zoo.pipeline("{name}")\n'
                'classify("A fine film.")  # label, score, probabilities',
            ),
            (
                "python",
                "import tensorflow as tf\n\n"
                'model = tf.saved_model.load("saved_models/{name}/1")\n'
                'model.signatures["serve"](text=tf.constant(["A fine film."]))',
            ),
        ),
        misuse=(
            "Decisions about people, such as hiring, lending, medical treatment or moderation. A "
            "label is an estimate about a text, not about its author.",
            "Texts of another kind than {data}, or in another language: the confidence is as "
            "high and the accuracy is lower than the tables report. Evaluate it on your own "
            "labelled texts first (`zoo evaluate --model {name} --data FILE`).",
            "Texts with no opinion or a mixed one: the only classes are {labels}, and every text "
            "is assigned to one of them.",
            "Uses that require fairness: the effect of names, or of words for groups of people, on "
            "the predictions has not been measured.",
        ),
    )
    monitor = ("val_loss", "min")
    default_dataset = "imdb_reviews"
    suggested_optimizer = "adam"
    suggested_steps = 300

    def __init__(
        self,
        text_to_ids,
        label_names: Sequence[str],
        dataset: TextDataset | None = None,
        *,
        class_weights: str | Mapping[str, float] | None = None,
        adversarial: float = 0.0,
        temperature_scaling: bool = False,
    ):
        super().__init__(text_to_ids, dataset)
        if adversarial < 0:
            raise ValueError(f"adversarial must be 0 or more; it is {adversarial}.")
        self.adversarial = adversarial
        self.temperature_scaling = temperature_scaling
        self.label_names = tuple(label_names)
        self.num_outputs = len(self.label_names)
        self.class_weights = class_weights
        if class_weights not in (None, "balanced") and (
            not isinstance(class_weights, Mapping) or {*class_weights} != {*self.label_names}
        ):
            raise ValueError(
                f"class_weights must be 'balanced' or a mapping with a weight for each of "
                f"{list_names(self.label_names)}; it is {class_weights!r}."
            )
        if dataset is not None and dataset.label_names != self.label_names:
            raise DatasetError(
                f"The labels of {dataset.name} are {list_names(dataset.label_names or ())}, "
                f"the task's are {list_names(self.label_names)}."
            )

    @classmethod
    @takes_text_options()
    def from_dataset(
        cls,
        dataset: TextDataset,
        *,
        class_weights: str | Mapping[str, float] | None = None,
        adversarial: float = 0.0,
        temperature_scaling: bool = False,
        **text_options,
    ) -> "Sentiment":
        """The task on a dataset, with a vocabulary of its training texts.

        Options that are not listed here are those of `make_text_to_ids`.

        Args:
            dataset: labelled texts.
            class_weights: weight of each class in the loss: `"balanced"`, inversely proportional to
                the class frequencies in training, or a mapping from class names to numbers; None
                for equal weights.
            adversarial: epsilon of adversarial training on the embeddings (Miyato et al. 2017); 0
                turns it off.
            temperature_scaling: calibrate the classifier on validation by temperature scaling (Guo
                et al. 2017).
            **text_options: how texts become ids.
        """
        text_to_ids = make_text_to_ids(cls.from_dataset, **text_options)
        return cls(
            text_to_ids,
            dataset.label_names or (),
            dataset,
            class_weights=class_weights,
            adversarial=adversarial,
            temperature_scaling=temperature_scaling,
        )

    def make_data(self, dataset: TextDataset) -> TaskData:
        return _LabelledTexts(dataset, self.text_to_ids, self.target_column())

    # Training

    def loss(self):
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def training_batch(self, examples, indices, random, *, model=None) -> Batch:
        batch = super().training_batch(examples, indices, random, model=model)
        if self.weight_of_class is None:
            return batch
        return batch._replace(weights=self.weight_of_class[batch.targets])

    @functools.cached_property
    def weight_of_class(self) -> np.ndarray | None:
        """The weight of each class in the loss, (C,); None for equal weights.

        Balanced weights have a mean of 1 over the training examples.
        """
        if self.class_weights is None:
            return None
        if isinstance(self.class_weights, Mapping):
            return np.array([float(self.class_weights[label]) for label in self.label_names])
        targets = self.data.targets("train")
        counts = np.bincount(targets, minlength=len(self.label_names))
        return len(targets) / (len(counts) * np.maximum(counts, 1.0))

    def training_model(self, model):
        if not self.adversarial:
            return model
        if not hasattr(model, "perturbed"):
            raise ValueError(
                f"adversarial requires a model with embeddings; {model.name} has none."
            )
        from zoo.tasks.training_models.adversarial import AdversarialTraining

        return AdversarialTraining(model, self.loss(), self.adversarial)

    def training_metrics(self) -> list:
        import keras

        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def best_possible(self) -> dict[str, float] | None:
        known = self.data.dataset.best_possible if self.has_data else None
        return {"accuracy": known.accuracy_on_test, "loss": known.loss} if known else None

    def calibrate(self, model, validation: Examples, batch_size: int) -> bool:
        if not self.temperature_scaling:
            return False
        logits = self.predict(model, validation, batch_size)
        model.scale_logits(1 / scores.best_temperature(validation.targets, logits))
        return True

    # Scores

    def evaluate(self, model, examples: Examples, batch_size: int) -> Evaluation:
        logits = self.predict(model, examples, batch_size)
        return self.score(examples.targets, scores.softmax(logits), examples.texts)

    def score(
        self, labels: np.ndarray, probabilities: np.ndarray, texts: Sequence[str] | None = None
    ) -> Evaluation:
        """Scores of labels (N,) and probabilities (N, C); with N texts also an error analysis."""
        predictions = probabilities.argmax(axis=1)
        details = {
            **error_analysis.confusion_details(labels, predictions, self.label_names),
            "reliability": error_analysis.reliability(labels, probabilities),
        }
        if texts is not None:
            details |= error_analysis.where_it_fails(texts, labels, probabilities, self.label_names)
        return Evaluation(
            {
                "accuracy": float(np.count_nonzero(labels == predictions) / len(labels)),
                "f1": scores.f1(labels, predictions, len(self.label_names)),
                "auc": scores.auc(labels, probabilities),
                "loss": scores.cross_entropy(labels, probabilities),
                "calibration_error": scores.calibration_error(labels, probabilities),
            },
            details,
            probabilities,
        )


def sentiment(dataset: TextDataset, **options) -> Sentiment:
    """Text classification: the class of a text, such as its sentiment.

    Args:
        dataset: texts with a column `label`, of two classes or more.
        **options: how texts become ids, see `zoo.preprocessing.TextToIds`: `level` (`"word"`),
            `vocabulary_size` (20,000), `min_frequency` (2), `sequence_length` (400 tokens),
            `truncation` (`"both"`, since reviews judge in their first and last sentences),
            `lowercase` (True), `markup` (`"remove"`), `punctuation` (`"expressive"`); or
            `vocabulary_of`, a task whose vocabulary and tokenizer settings are reused. How a model
            is trained: `class_weights`, the weight of each class in the loss, `"balanced"` or a
            mapping from class names to numbers (None weighs all classes equally); `adversarial`,
            epsilon of adversarial training on the embeddings (Miyato et al. 2017; 0 turns it off),
            see `AdversarialTraining`; and `temperature_scaling` (False), which calibrates the
            classifier on validation (Guo et al. 2017, section 4.2) without changing labels.

    Raises:
        DatasetError: if the dataset has no labels.

    >>> import zoo
    >>> reviews = zoo.datasets.synthetic_reviews(train_size=80, validation_size=40, test_size=40)
    >>> task = zoo.tasks.sentiment(reviews)
    >>> task.label_names
    ('negative', 'positive')
    """
    return Sentiment.from_dataset(dataset, **options)
