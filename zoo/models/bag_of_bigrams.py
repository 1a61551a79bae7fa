"""Naive Bayes and logistic regression on unigrams and bigrams, the linear baseline."""

import keras
import numpy as np
from keras import ops

from zoo.layers import DistinctBigrams, WeightedLogCountRatios
from zoo.models.heads import LayeredModel
from zoo.models.registry import register_model

# Texts that are counted in one batch.
_CHUNK_SIZE = 256


@keras.saving.register_keras_serializable(package="zoo")
class NaiveBayesModel(LayeredModel):
    """A linear classifier on the distinct n-grams of a text, with ratios counted before training.

    Not a `SequenceModel`: it has features of texts but none of tokens. See `BagOfBigrams`.

    Shape letters: B batch, T tokens, C classes.

    Args:
        bigrams: layer, token ids (B, T) -> indices of distinct n-grams (B, N), padded with 0.
        logits: layer, indices of n-grams (B, N) -> (B, C), with `set_counts`.
    """

    # For weights that are initialized to 1: about the size of Adam's steps.
    suggested_learning_rate = 0.3

    causal = False
    is_encoder_decoder = False

    def __init__(self, *, bigrams, logits, name: str | None = None, **kwargs):
        # Layers
        self.bigrams = bigrams
        self.logits = logits

        # Functional model
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        super().__init__(
            inputs=token_ids, outputs=self.logits(self.bigrams(token_ids)), name=name, **kwargs
        )

    def adapt(self, sequences, targets: np.ndarray) -> None:
        """Counts n-grams of the training texts; to be called before `fit`.

        Args:
            sequences: `TokenSequences` of N texts.
            targets: their classes, (N,).
        """
        num_grams, num_classes = self.logits.ratio.shape
        counts = np.zeros((num_grams, num_classes), "int64")
        by_length = np.argsort(sequences.lengths, kind="stable")
        for start in range(0, len(by_length), _CHUNK_SIZE):
            chunk = by_length[start : start + _CHUNK_SIZE]
            grams = ops.convert_to_numpy(self.bigrams(sequences.padded(chunk)))
            for label in range(num_classes):
                of_label = grams[targets[chunk] == label].ravel()
                counts[:, label] += np.bincount(of_label, minlength=num_grams)
        self.logits.set_counts(counts)

    # Config

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "bigrams": serialize(self.bigrams),
            "logits": serialize(self.logits),
        }


@register_model(heads=("classifier",), is_baseline=True)
def BagOfBigrams(
    *,
    vocabulary_size: int,
    head: str = "classifier",
    num_classes: int = 2,
    sequence_length: int | None = None,
    num_buckets: int = 2**20,
    scale: float = 0.01,
    smoothing: float = 1.0,
    name: str = "bag_of_bigrams",
) -> NaiveBayesModel:
    """Naive Bayes and logistic regression on unigrams and bigrams (Wang and Manning 2012).

    "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", their NBSVM with the
    logistic loss, a strong baseline on long texts. Instead of a penalty, weights are initialized to
    naive Bayes, multiplied by `scale`, and trained for an epoch or two. Give the task a large
    `sequence_length` and `vocabulary_size`, and `punctuation="keep"`.

    `zoo.fit_and_evaluate` counts the ratios first; otherwise call `model.adapt` before `model.fit`.

    Args:
        vocabulary_size: V, the number of token ids, including the pad 0.
        head: `"classifier"`, the only one.
        num_classes: C, the number of logits per text.
        sequence_length: ignored.
        num_buckets: number of hash buckets of the bigrams.
        scale: initial scale of the naive Bayes log-odds.
        smoothing: additive smoothing of the n-gram counts.
        name: the model's name.

    Returns:
        A `NaiveBayesModel`: token ids `int32` (B, T) -> logits (B, C).

    Raises:
        ValueError: for another head than `"classifier"`.

    Example:
    >>> model = zoo.BagOfBigrams(vocabulary_size=1000, num_buckets=512)
    >>> model(np.array([[2, 7, 5], [2, 9, 0]])).shape
    TensorShape([2, 2])
    """
    del sequence_length
    if head != "classifier":
        raise ValueError(f"head of {name} must be 'classifier'; it is {head!r}.")
    bigrams = DistinctBigrams(vocabulary_size, num_buckets)
    logits = WeightedLogCountRatios(
        bigrams.num_grams, num_classes, scale=scale, smoothing=smoothing
    )
    return NaiveBayesModel(bigrams=bigrams, logits=logits, name=name)
