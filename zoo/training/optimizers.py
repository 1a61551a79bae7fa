"""The optimizers that a fit may use by name, and how their rate goes."""

import math
from typing import Any

import keras
from keras import ops


class _FiniteGradients:
    """For an optimizer that takes a gradient which is too large for a float as none at all.

    Through a hundred steps of a recurrence with large weights a gradient can overflow; clipped by
    an infinite norm it would be NaN, and so would be all weights from there on.

    Attributes:
        gradient_norm: variable, the norm of all gradients together in the last step, before any
            clipping; on the TensorFlow backend.
    """

    gradient_norm: keras.Variable
    _distribution_strategy: Any

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        # Set in the usual way, it would become part of what is saved of the optimizer.
        object.__setattr__(self, "gradient_norm", keras.Variable(0.0, name="gradient_norm"))

    def apply(self, grads, trainable_variables=None):
        grads = [ops.convert_to_tensor(gradient) for gradient in grads]
        squares = sum(ops.sum(ops.square(gradient)) for gradient in grads)
        self.gradient_norm.assign(ops.sqrt(squares))
        is_finite = ops.isfinite(squares)
        grads = [ops.where(is_finite, gradient, 0.0) for gradient in grads]
        return super().apply(grads, trainable_variables)  # type: ignore[misc]

    def _all_reduce_sum_gradients(self, grads_and_vars):
        # Keras on TensorFlow sums gradients over devices, one of them too. TensorFlow then keeps
        # that sum's gradient until the process ends, and with it the graph of the training step.
        if self._distribution_strategy.num_replicas_in_sync == 1:
            return grads_and_vars
        return super()._all_reduce_sum_gradients(grads_and_vars)  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="zoo")
class FiniteAdam(_FiniteGradients, keras.optimizers.Adam):
    """Adam without steps along gradients that have overflowed."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteAdamW(_FiniteGradients, keras.optimizers.AdamW):
    """AdamW likewise."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteMuon(_FiniteGradients, keras.optimizers.Muon):
    """Muon likewise."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteSGD(_FiniteGradients, keras.optimizers.SGD):
    """Stochastic gradient descent likewise."""


# A fit takes some hundreds of steps: squared gradients are averaged over the last hundred, where
# Adam's own 0.999 would average over a thousand and let the first steps rule the rest.
_ADAM = {"beta_2": 0.99}
OPTIMIZERS = {
    "adam": lambda rate, **options: FiniteAdam(rate, **_ADAM, **options),
    "adamw": lambda rate, **options: FiniteAdamW(rate, **_ADAM, **options),
    # Bias, embeddings and logits are no matrices between features: they get Adam at half the rate.
    "muon": lambda rate, **options: FiniteMuon(
        rate,
        adam_beta_2=_ADAM["beta_2"],
        adam_lr_ratio=0.5,
        adam_weight_decay=None,
        exclude_layers=["logits", "bias"],
        **options,
    ),
    "sgd": lambda rate, **options: FiniteSGD(rate, momentum=0.9, **options),
}
# The highest rates of those that are not Adam's kin.
RATES = {"sgd": 0.3, "muon": 1e-2}
WEIGHT_DECAYS = {"adamw": 0.01}
SCHEDULES = ("linear", "cosine", "constant")


@keras.saving.register_keras_serializable(package="zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises linearly and then falls, linearly, as a cosine, or not at all.

    Args:
        peak: the highest rate.
        steps: steps in all; the rate would be 0 at the step after the last.
        warmup: share of the steps in which it rises.
        decay: `"linear"`, `"cosine"` (Loshchilov and Hutter 2017, equation 5) or `"constant"`.
    """

    def __init__(self, peak: float, steps: int, *, warmup: float = 0.1, decay: str = "linear"):
        self.peak = peak
        self.steps = steps
        self.warmup = warmup
        self.decay = decay

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising_steps = max(round(self.warmup * self.steps), 1)
        rising = (step + 1) / rising_steps
        left = (self.steps - step) / max(self.steps - rising_steps, 1)
        falling = {
            "linear": left,
            "cosine": (1 - ops.cos(math.pi * ops.clip(left, 0, 1))) / 2,
            "constant": ops.ones_like(left),
        }[self.decay]
        return self.peak * ops.clip(ops.minimum(rising, falling), 0, 1)

    def get_config(self):
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "decay": self.decay,
        }
