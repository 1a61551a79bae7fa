"""Texts as sets of n-grams, and what naive Bayes makes of such a set."""

import keras
import numpy as np
from keras import ops

# The hash of a pair is a sum of ids times factors; it wraps around in int32 on every backend. This
# factor is 2**32 / golden ratio (Knuth 1998, section 6.4): neighbouring ids land far apart.
_FACTOR_OF_LEFT = 0x9E3779B9 - 2**32


@keras.saving.register_keras_serializable(package="zoo")
class DistinctBigrams(keras.layers.Layer):
    """The unigrams and bigrams that each text holds, each once, however often it comes.

    Shape letters: B batch, T tokens, V vocabulary.

    The number of a unigram is its token id. Bigrams share `num_buckets` numbers from V on, by a
    hash of their two ids. Pads are part of no n-gram.

    Args:
        vocabulary_size: V.
        num_buckets: how many numbers there are for bigrams.
    """

    def __init__(self, vocabulary_size: int, num_buckets: int, *, name: str = "bigrams", **kwargs):
        super().__init__(name=name, **kwargs)
        if num_buckets < 1:
            raise ValueError(f"num_buckets must be at least 1; it is {num_buckets}.")
        self.vocabulary_size = vocabulary_size
        self.num_buckets = num_buckets

    @property
    def num_grams(self) -> int:
        """How many numbers there are: V + `num_buckets`, the 0 of the pad included."""
        return self.vocabulary_size + self.num_buckets

    def call(self, token_ids):
        """Ids (B, T) -> numbers `int32` (B, 2 T - 1) in no order of the text; 0 stands for none."""
        left, right = token_ids[:, :-1], token_ids[:, 1:]
        bucket = ops.mod(left * _FACTOR_OF_LEFT + right, self.num_buckets)
        # Pads stand on the right: where the right token is real, so is the left one.
        bigrams = ops.where(ops.equal(right, 0), 0, self.vocabulary_size + bucket)
        # Sorted, what is there twice stands side by side.
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
    """Logits of a set of n-grams: a learned weight times a log-count ratio, summed.

    Shape letters: B batch, N places for the n-grams of a text, M numbers of n-grams, C classes.

    z_c = b_c + s sum_i w_ic r_ic, over the n-grams i of a text: the model of Wang and Manning 2012,
    "Baselines and Bigrams", section 2.3, with features r * f. The ratios r are not learned but
    counted, by `set_counts`. Weights w are 1 at first, which is naive Bayes (section 2.1) with its
    log-odds multiplied by s, or 2 s for two classes. Before anything was counted all ratios are 1.

    Args:
        num_grams: M.
        num_classes: C.
        scale: s, how sure naive Bayes is at first. Its factors are far from independent, so that
            at 1 it is all but certain of every text, right or wrong, and there is nothing to learn
            from.
        smoothing: alpha, what is added to each count.
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
        """Numbers of n-grams (B, N), 0 for none -> logits (B, C)."""
        terms = ops.take(self.kernel, grams, axis=0) * ops.take(self.ratio, grams, axis=0)
        present = ops.cast(ops.not_equal(grams, 0), terms.dtype)
        return self.bias + self.scale * ops.einsum("bn,bnc->bc", present, terms)

    def compute_output_spec(self, grams):
        return keras.KerasTensor((grams.shape[0], self.num_classes), self.compute_dtype)

    def set_counts(self, counts: np.ndarray) -> None:
        """Computes the ratios from the number of texts of each class that hold each n-gram.

        Wang and Manning 2012, section 2: r = log((p / |p|) / (q / |q|)), where p is alpha + the
        counts in one class, q alpha + those in the other, and |.| the sum over all n-grams. A class
        here is set against all others together; of two classes the second has their r, the first
        has -r. Their n-grams are those of the training texts: one that no text holds has ratio 0.

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
