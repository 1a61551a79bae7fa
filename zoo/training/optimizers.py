"""The optimizers that a fit can use by name, and the schedule of the learning rate."""

import math
from typing import Any

import keras
from keras import ops


class _GradientNorm:
    """Holds a variable that Keras does not track, and so does not save with the optimizer."""

    def __init__(self):
        self.variable = keras.Variable(0.0, name="gradient_norm")


class _FiniteGradients:
    """Mixin for an optimizer that takes no step along gradients that overflow.

    Through a hundred steps of a recurrence with large weights a gradient can overflow. Clipped by
    an infinite norm it would be NaN, and so would all weights from then on.
    """

    _distribution_strategy: Any

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._gradient_norm = _GradientNorm()

    @property
    def gradient_norm(self) -> keras.Variable:
        """The global norm of the gradients of the last step, before clipping; on TensorFlow."""
        return self._gradient_norm.variable

    def apply(self, grads, trainable_variables=None):
        grads = [ops.convert_to_tensor(gradient) for gradient in grads]
        squares = sum(ops.sum(ops.square(gradient)) for gradient in grads)
        self.gradient_norm.assign(ops.sqrt(squares))
        is_finite = ops.isfinite(squares)
        grads = [ops.where(is_finite, gradient, 0.0) for gradient in grads]
        return super().apply(grads, trainable_variables)  # type: ignore[misc]

    def _all_reduce_sum_gradients(self, grads_and_vars):
        # Keras on TensorFlow sums gradients over replicas, even over a single one. TensorFlow keeps
        # the gradient function of that sum until the process ends, and with it the graph of the
        # training step. Keras has no public method for this; tests/training/test_memory.py fails
        # without it.
        if self._distribution_strategy.num_replicas_in_sync == 1:
            return grads_and_vars
        return super()._all_reduce_sum_gradients(grads_and_vars)  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="zoo")
class FiniteAdam(_FiniteGradients, keras.optimizers.Adam):
    """Adam that takes no step along gradients that overflow."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteAdamW(_FiniteGradients, keras.optimizers.AdamW):
    """AdamW that takes no step along gradients that overflow."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteMuon(_FiniteGradients, keras.optimizers.Muon):
    """Muon that takes no step along gradients that overflow."""


@keras.saving.register_keras_serializable(package="zoo")
class FiniteSGD(_FiniteGradients, keras.optimizers.SGD):
    """Stochastic gradient descent that takes no step along gradients that overflow."""


# A fit takes some hundreds of steps. A beta_2 of 0.99 averages squared gradients over the last
# hundred; Keras's default of 0.999 would average over a thousand, dominated by the first steps.
_ADAM = {"beta_2": 0.99}
OPTIMIZERS = {
    "adam": lambda rate, **options: FiniteAdam(rate, **_ADAM, **options),
    "adamw": lambda rate, **options: FiniteAdamW(rate, **_ADAM, **options),
    # Biases, embeddings and logits are not matrices between features: Adam updates them, at half
    # the rate.
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
# Peak learning rates of the optimizers that do not take the model's suggestion.
RATES = {"sgd": 0.3, "muon": 1e-2}
WEIGHT_DECAYS = {"adamw": 0.01}
SCHEDULES = ("linear", "cosine", "constant")


@keras.saving.register_keras_serializable(package="zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up followed by a linear, cosine or no decay.

    Keras's `CosineDecay` has a warm-up, its linear and constant schedules have none.

    Args:
        peak: Peak learning rate.
        steps: Total number of steps; the learning rate is 0 at the step after the last.
        warmup: Share of the steps in which the learning rate rises.
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
