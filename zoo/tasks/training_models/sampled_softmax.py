"""Training over a large vocabulary without all of its logits.

The normalizer of a softmax is a sum over the vocabulary. It is estimated from some tokens, each
weighed by the inverse of the chance that it was taken (importance sampling, Bengio and Senécal
2003; Jean et al. 2015, equation 9). Frequent tokens, which hold most of the sum, are always taken.
The model stays one with a full softmax: only its training is cheaper.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

# Frequent tokens would crowd out rare ones if they were taken as often as they come (Mikolov et al.
# 2013, section 2.2, draw negative samples with this exponent).
_EXPONENT = 0.75


class CandidateSampler:
    """Draws the tokens that stand for the whole vocabulary, the same number each time.

    Args:
        counts: how often each token comes in training, (V,).
        num_sampled: S, tokens to draw; below V.

    Attributes:
        inclusion: the chance of each token to be among those drawn, (V,); they add up to S.
    """

    def __init__(self, counts: np.ndarray, num_sampled: int):
        if not 0 < num_sampled < len(counts):
            raise ValueError(
                f"num_sampled must be above 0 and below the {len(counts)} tokens of the "
                f"vocabulary; it is {num_sampled}."
            )
        self.num_sampled = num_sampled
        self.inclusion = _bounded_shares(
            (np.asarray(counts, "float64") + 1) ** _EXPONENT, num_sampled
        )
        ends = np.cumsum(self.inclusion)
        self._ends = ends * (num_sampled / ends[-1])

    def __call__(self, random: np.random.Generator) -> "Candidates":
        """Systematic sampling: points at equal distances on the running sum of the chances."""
        points = np.arange(self.num_sampled) + random.uniform()
        token_ids = np.searchsorted(self._ends, points, side="right")
        token_ids = np.minimum(token_ids, len(self._ends) - 1)
        return Candidates(
            token_ids.astype("int32"), np.log(self.inclusion[token_ids]).astype("float32")
        )


class Candidates(NamedTuple):
    """Tokens drawn, each once.

    Attributes:
        candidates: `int32` (S,).
        log_inclusion: logarithm of the chance that each was drawn, (S,).
    """

    candidates: np.ndarray
    log_inclusion: np.ndarray


def _bounded_shares(weights: np.ndarray, total: int) -> np.ndarray:
    """Numbers in proportion to weights that add up to `total`, none above 1."""
    shares = np.zeros(len(weights))
    certain = np.zeros(len(weights), bool)
    while True:
        left = total - certain.sum()
        shares = np.where(certain, 1.0, left * weights / weights[~certain].sum())
        beyond = (shares > 1) & ~certain
        if not beyond.any():
            return shares
        certain |= beyond


class SampledSoftmax(keras.Model):
    """A language model in training: returns the loss of each token instead of all logits.

    Shape letters: B batch, T tokens, S candidates, D width of what the logits are made of.

    Args:
        model: a `SequenceModel` with `head="language_model"`; its weights are trained.
        sampler: draws the candidates of each step.

    Call arguments:
        batch: `inputs`, those of the model; `targets`, ids (B, T); `candidates`, ids (S,);
            `log_inclusion` (S,).

    Returns:
        The estimated cross-entropy of each target, (B, T), in nats.
    """

    def __init__(self, model: keras.Model, sampler: CandidateSampler, **kwargs):
        super().__init__(**kwargs)
        self.model = model
        self.sampler = sampler

    def training_inputs(self, inputs, targets, random: np.random.Generator):
        """The call argument `batch` of a step, with new candidates."""
        return {"inputs": inputs, "targets": targets, **self.sampler(random)._asdict()}

    def call(self, batch, training=None):
        inputs = batch["inputs"]
        inputs = inputs if isinstance(inputs, dict) else {"token_ids": inputs}
        features = self.model.head_features(self.model.features(**inputs))
        targets, candidates = batch["targets"], batch["candidates"]

        vectors, bias = self.model.output_vectors(targets)
        true_logits = ops.sum(features * vectors, axis=-1) + bias
        vectors, bias = self.model.output_vectors(candidates)
        logits = ops.matmul(features, ops.transpose(vectors)) + bias - batch["log_inclusion"]
        # The target has its own term in the sum.
        logits = ops.where(targets[..., None] == candidates, -1e9, logits)
        others = ops.logsumexp(logits, axis=-1)
        return ops.logaddexp(true_logits, others) - true_logits

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted mean over targets, and the model's penalties."""
        loss = ops.sum(y_pred * sample_weight) / ops.maximum(ops.sum(sample_weight), 1.0)
        return loss + sum(self.losses) if self.losses else loss
