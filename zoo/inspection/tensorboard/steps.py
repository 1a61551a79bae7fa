"""The curves by step: loss, learning rate, gradient norm, speed and padding."""

import time

import tensorflow as tf

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import scalars

# Points of a curve, enough for its shape.
MAX_POINTS = 100
# Steps from one point to the next where the number of steps is unknown.
_USUAL_STRIDE = 10


@register_dashboard("step_curves")
class StepCurves(Dashboard):
    """At most 100 points on each curve; a point for each step with `dashboards="all"`."""

    def on_fit_begin(self):
        self._optimizer = self.fit.model.optimizer
        # A schedule is a dozen operations, each of which takes a while outside of a graph.
        self._learning_rate = tf.function(lambda: self._optimizer.learning_rate, autograph=False)
        total = self.fit.total_steps
        stride = -(-total // MAX_POINTS) if total else _USUAL_STRIDE
        self._stride = 1 if self.fit.shows_all else stride
        # A resumed fit has taken steps before.
        self._step = int(self._optimizer.iterations)
        self._measure()

    def on_epoch_begin(self):
        # What happened between epochs is no training.
        self._measure()

    def on_step_end(self, logs):
        self._step += 1
        if self._step % self._stride:
            return
        norm = getattr(self._optimizer, "gradient_norm", None)
        points = {
            "step/loss": logs.get("loss"),
            "step/learning_rate": float(self._learning_rate()),
            "step/gradient_norm": None if norm is None else float(norm),
            **self._speed(),
        }
        self._measure()
        self.fit.train.write(scalars(points), self._step)

    def _measure(self) -> None:
        """Begins to measure speed."""
        self._since = time.perf_counter()
        if self.fit.progress is not None:
            self._tokens = self.fit.progress.tokens
            self._positions = self.fit.progress.positions

    def _speed(self) -> dict[str, float]:
        progress = self.fit.progress
        if progress is None:
            return {}
        tokens = progress.tokens - self._tokens
        positions = progress.positions - self._positions
        seconds = max(time.perf_counter() - self._since, 1e-9)
        return {
            "step/tokens_per_second": tokens / seconds,
            "step/padding_share": 1 - tokens / max(positions, 1),
        }
