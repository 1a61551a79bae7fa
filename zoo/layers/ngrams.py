"""Texts as sets of n-grams, and naive Bayes logits of such a set."""

import keras
import numpy as np
from keras import ops

# The hash of a pair is a weighted sum of its ids, which overflows int32 on every backend alike. The
# factor is 2**32 / golden ratio (Knuth 1998, section 6.4), which spreads neighbouring ids.
_FACTOR_OF_LEFT = 0x9E3779B9 - 2**32


@keras.saving.register_keras_serializable(package="zoo")
class DistinctBigrams(keras.layers.Layer):
    """The set of unigrams and bigrams of each text.

    Shape letters: B batch, T tokens, V vocabulary.

    The index of a unigram is its token id. Bigrams are hashed to `num_buckets` indices from V on.
    Pads are part of no n-gram.

    Args:
        vocabulary_size: V.
        num_buckets: number of hash buckets of bigrams.

    Raises:
        ValueError: if `num_buckets` is below 1.

    Example:
    >>> zoo.layers.DistinctBigrams(100, 16)(np.array([[7, 5, 0]])).shape
    TensorShape([1, 5])
    """

    def __init__(self, vocabulary_size: int, num_buckets: int, *, name: str = "bigrams", **kwargs):
        super().__init__(name=name, **kwargs)
        if num_buckets < 1:
            raise ValueError(f"num_buckets must be at least 1; it is {num_buckets}.")
        self.vocabulary_size = vocabulary_size
        self.num_buckets = num_buckets

    @property
    def num_grams(self) -> int:
        """Number of indices: V + `num_buckets`, including 0 for no n-gram."""
        return self.vocabulary_size + self.num_buckets

    def call(self, token_ids):
        """Ids (B, T) -> indices `int32` (B, 2 T - 1), sorted, with 0 for none."""
        left, right = token_ids[:, :-1], token_ids[:, 1:]
        bucket = ops.mod(left * _FACTOR_OF_LEFT + right, self.num_buckets)
        # Padding is on the right: if the right token is real, so is the left one.
        bigrams = ops.where(ops.equal(right, 0), 0, self.vocabulary_size + bucket)
        # Sorting makes duplicates adjacent.
        grams = ops.sort(ops.concatenate([token_ids, bigrams], axis=1), axis=1)
        is_repeated = ops.equal(grams[:, 1:], grams[:, :-1])
        return ops.concatenate([grams[:, :1], ops.where(is_repeated, 0, grams[:, 1:])], axis=1)

    def compute_output_spec(self, token_ids):
        batch_size, length = token_ids.shape
        return keras.KerasTensor((batch_size, length and 2 * length - 1), "int32")

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_buckets": self.num_buckets,
        }


@keras.saving.register_keras_serializable(package="zoo")
class WeightedLogCountRatios(keras.layers.Layer):
    """Logits of a set of n-grams: the sum of learned weights times log-count ratios.

    Shape letters: B batch, N n-grams of a text, M indices of n-grams, C classes.

    z_c = b_c + s sum_i w_ic r_ic, over the n-grams i of a text: the model of Wang and Manning 2012,
    "Baselines and Bigrams", section 2.3, with features r * f. The ratios r are counted by
    `set_counts`, not learned, and are 1 before. Weights w are initialized to 1, which is naive
    Bayes (section 2.1) with its log-odds multiplied by s, or 2 s for two classes.

    Args:
        num_grams: M.
        num_classes: C.
        scale: s, the initial confidence of naive Bayes. Its factors are far from independent, so at
            1 nearly all probabilities are 0 or 1 and gradients vanish.
        smoothing: alpha, added to each count.

    Raises:
        ValueError: if `scale` or `smoothing` is not above 0.

    Example:
    >>> logits = zoo.layers.WeightedLogCountRatios(116, 2, scale=0.01)
    >>> logits(np.array([[5, 7, 0]])).shape
    TensorShape([1, 2])
    """

    def __init__(
        self,
        num_grams: int,
        num_classes: int,
        *,
        scale: float,
        smoothing: float = 1.0,
        name: str = "logits",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        for argument, value in (("scale", scale), ("smoothing", smoothing)):
            if not value > 0:
                raise ValueError(f"{argument} must be above 0; it is {value}.")
        self.num_grams = num_grams
        self.num_classes = num_classes
        self.scale = scale
        self.smoothing = smoothing

    def build(self, grams_shape):
        del grams_shape
        shape = (self.num_grams, self.num_classes)
        self.ratio = self.add_weight(shape, "ones", trainable=False, name="ratio")
        self.kernel = self.add_weight(shape, "ones", name="kernel")
        self.bias = self.add_weight((self.num_classes,), "zeros", name="bias")

    def call(self, grams):
        """Indices of n-grams (B, N), 0 for none -> logits (B, C)."""
        terms = ops.take(self.kernel, grams, axis=0) * ops.take(self.ratio, grams, axis=0)
        present = ops.cast(ops.not_equal(grams, 0), terms.dtype)
        return self.bias + self.scale * ops.einsum("bn,bnc->bc", present, terms)

    def compute_output_spec(self, grams):
        return keras.KerasTensor((grams.shape[0], self.num_classes), self.compute_dtype)

    def set_counts(self, counts: np.ndarray) -> None:
        """Computes the ratios from the number of texts of each class that contain each n-gram.

        Wang and Manning 2012, section 2: r = log((p / |p|) / (q / |q|)), where p is alpha + the
        counts in one class, q alpha + those in all others, and |.| the sum over all n-grams. Of two
        classes the second has the paper's r, the first -r. An n-gram of no text has ratio 0.

        Args:
            counts: (M, C).
        """
        is_known = counts.sum(axis=1) > 0
        is_known[0] = False
        inside = counts[is_known] + self.smoothing
        outside = counts[is_known].sum(axis=1, keepdims=True) - counts[is_known] + self.smoothing
        ratio = np.zeros(counts.shape, "float32")
        ratio[is_known] = np.log(inside / inside.sum(axis=0)) - np.log(
            outside / outside.sum(axis=0)
        )
        self.ratio.assign(ratio)

    def get_config(self):
        return {
            **super().get_config(),
            "num_grams": self.num_grams,
            "num_classes": self.num_classes,
            "scale": self.scale,
            "smoothing": self.smoothing,
        }
