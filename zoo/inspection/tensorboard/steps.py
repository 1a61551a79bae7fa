"""The curves by step: loss, learning rate, gradient norm, speed and padding."""

import time
from collections.abc import Mapping
from typing import Protocol

import keras
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary

from zoo.inspection.tensorboard.summaries import scalars

# Points of a curve, enough for its shape.
MAX_POINTS = 100
# Steps from one point to the next where nobody knows how many there will be.
_USUAL_STRIDE = 10


class Counts(Protocol):
    """What a fit has trained on so far: tokens, and positions, which are tokens and pads."""

    tokens: int
    positions: int


class StepCurves:
    """Points on the curves by step, as many as one can tell apart.

    Args:
        model: as compiled.
        total_steps: of the whole fit; None where it is not known.
        counts: kept up to date by whoever trains; None for curves without speed and padding.
        all_steps: whether each step gets a point.
    """

    def __init__(
        self,
        model: keras.Model,
        total_steps: int | None,
        counts: Counts | None,
        all_steps: bool,
    ):
        self._optimizer = model.optimizer
        # A schedule is a dozen operations, each of which takes a while outside of a graph.
        self._learning_rate = tf.function(lambda: self._optimizer.learning_rate, autograph=False)
        stride = -(-total_steps // MAX_POINTS) if total_steps else _USUAL_STRIDE
        self._stride = 1 if all_steps else stride
        self._counts = counts
        # A fit that goes on where it was stopped has steps behind it.
        self.step = int(self._optimizer.iterations)
        self.start()

    def start(self) -> None:
        """Begins to measure: what was between epochs is no training."""
        self._since = time.perf_counter()
        if self._counts is not None:
            self._tokens, self._positions = self._counts.tokens, self._counts.positions

    def after_step(self, logs: Mapping[str, float]) -> Summary | None:
        """The points after a step, of Keras's logs; None where it gets none."""
        self.step += 1
        if self.step % self._stride:
            return None
        norm = getattr(self._optimizer, "gradient_norm", None)
        points = {
            "step/loss": logs.get("loss"),
            "step/learning_rate": float(self._learning_rate()),
            "step/gradient_norm": None if norm is None else float(norm),
            **self._speed(),
        }
        self.start()
        return scalars(points)

    def _speed(self) -> dict[str, float]:
        if self._counts is None:
            return {}
        tokens = self._counts.tokens - self._tokens
        positions = self._counts.positions - self._positions
        seconds = max(time.perf_counter() - self._since, 1e-9)
        return {
            "step/tokens_per_second": tokens / seconds,
            "step/padding_share": 1 - tokens / max(positions, 1),
        }
