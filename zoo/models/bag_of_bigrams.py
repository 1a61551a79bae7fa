"""Words and pairs of words, weighed by naive Bayes and then by learning: the linear baseline."""

import keras
import numpy as np
from keras import ops

from zoo.layers import DistinctBigrams, WeightedLogCountRatios
from zoo.models.heads import LayeredModel
from zoo.models.registry import register_model

# Texts that are counted at a time.
_CHUNK_SIZE = 256


@keras.saving.register_keras_serializable(package="zoo")
class NaiveBayesModel(LayeredModel):
    """A linear classifier on the distinct n-grams of a text, with ratios counted beforehand.

    It is no `SequenceModel`: it has features of texts and none of tokens, so that it cannot go on
    with a text. See `BagOfBigrams`, which makes it.

    Shape letters: B batch, T tokens, C classes.

    Args:
        bigrams: token ids (B, T) -> numbers of n-grams (B, N), each once, 0 for none.
        logits: numbers of n-grams (B, N) -> (B, C), with `set_counts`.
    """

    # Of weights that begin at 1; Adam moves each of them by about so much a step.
    suggested_learning_rate = 0.3

    # Neither can it be read token by token, nor does it read a source.
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
        """Counts n-grams, as Keras's preprocessing layers do: before `fit`, and on training texts.

        Args:
            sequences: `TokenSequences` of N texts.
            targets: the class of each, (N,).
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
    logistic loss: the mark that whatever knows the order of words has to beat on long texts. In
    place of a penalty on weights, they begin at naive Bayes, held back to a `scale`, and learn for
    an epoch or two. It reads whole texts: give the task a large `sequence_length` and
    `vocabulary_size`, and `punctuation="keep"`.

    `zoo.fit_and_evaluate` counts the ratios first; by hand, call `model.adapt` before `model.fit`.

    Args:
        vocabulary_size: V, the number of token ids, the pad 0 included.
        head: `"classifier"`, the only one.
        num_classes: C, the logits a text; two classes are two logits.
        sequence_length: is not used, a bag has no length.
        num_buckets: numbers that the bigrams share by a hash.
        scale: the share of naive Bayes's log-odds that are believed at first.
        smoothing: what is added to the counts of each n-gram.
        name: the model's name.

    Returns:
        A `NaiveBayesModel`: token ids `int32` (B, T) -> logits (B, C).

    Raises:
        ValueError: for another head than `"classifier"`.
    """
    del sequence_length
    if head != "classifier":
        raise ValueError(f"head of {name} must be 'classifier'; it is {head!r}.")
    bigrams = DistinctBigrams(vocabulary_size, num_buckets)
    logits = WeightedLogCountRatios(
        bigrams.num_grams, num_classes, scale=scale, smoothing=smoothing
    )
    return NaiveBayesModel(bigrams=bigrams, logits=logits, name=name)
