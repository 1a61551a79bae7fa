"""The curves by step: loss, learning rate, gradient norm, speed and padding."""

import time
from collections.abc import Mapping
from typing import Protocol

import keras
from tensorboard.compat.proto.summary_pb2 import Summary

from zoo.inspection.tensorboard_summaries import scalars

# Points of a curve. Each costs about a millisecond, most of it for the learning rate.
MOST_POINTS = 200
# Steps from one point to the next where nobody knows how many there will be.
_USUAL_STRIDE = 10


class Counts(Protocol):
    """What a fit has trained on so far: tokens, and positions, which are tokens and pads."""

    tokens: int
    positions: int


class StepCurves:
    """Points on the curves by step, as many as one can tell apart.

    Args:
        total_steps: of the whole fit; None where it is not known.
        counts: kept up to date by whoever trains; None for curves without speed and padding.
        all_steps: whether each step gets a point.
    """

    def __init__(self, total_steps: int | None, counts: Counts | None, all_steps: bool):
        stride = -(-total_steps // MOST_POINTS) if total_steps else _USUAL_STRIDE
        self._stride = 1 if all_steps else stride
        self._counts = counts
        self.step = 0
        self.begin()

    def begin(self) -> None:
        """Begins to measure: what was between epochs is no training."""
        self._since = time.perf_counter()
        if self._counts is not None:
            self._tokens, self._positions = self._counts.tokens, self._counts.positions

    def after_step(self, model: keras.Model, logs: Mapping[str, float]) -> Summary | None:
        """The points after a step; None where it gets none.

        Args:
            model: as compiled.
            logs: Keras's, with the loss.
        """
        self.step += 1
        if self.step % self._stride:
            return None
        optimizer = model.optimizer
        norm = getattr(optimizer, "gradient_norm", None)
        points = {
            "step/loss": logs.get("loss"),
            "step/learning_rate": float(optimizer.learning_rate),
            "step/gradient_norm": None if norm is None else float(norm),
            **self._speed(),
        }
        self.begin()
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
