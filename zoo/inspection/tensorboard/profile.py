"""TensorFlow's profiler on a few steps."""

import importlib.util
import sys

import tensorflow as tf

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard

# The profiled steps, after those in which graphs are traced.
_FIRST, _LAST = 6, 10


@register_dashboard("profile")
class Profile(Dashboard):
    """A profile of five steps of the first epoch, or as many as there are."""

    level = "all"

    def on_fit_begin(self):
        self._step = 0
        self._is_running = False

    def on_step_begin(self):
        self._step += 1
        if self._step == _FIRST:
            tf.profiler.experimental.start(str(self.fit.train.folder))
            self._is_running = True

    def on_step_end(self, logs):
        if self._step == _LAST:
            self._stop()

    def on_fit_end(self):
        self._stop()

    def _stop(self) -> None:
        """Writes the profile, and says what it takes to look at it."""
        if not self._is_running:
            return
        self._is_running = False
        tf.profiler.experimental.stop()
        if not any(map(importlib.util.find_spec, ("xprof", "tensorboard_plugin_profile"))):
            print(
                "Note: the profile is written; to look at it, TensorBoard needs `pip install "
                "xprof`.",
                file=sys.stderr,
            )
