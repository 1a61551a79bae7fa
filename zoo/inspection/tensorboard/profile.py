"""Where the time of a step goes: TensorFlow's profiler on a few steps."""

import importlib.util
import pathlib
import sys

import tensorflow as tf

# The steps that are watched: behind those in which graphs are traced.
_FIRST, _LAST = 6, 10


class Profiler:
    """Watches five steps of the first epoch, or those that there are of them.

    Args:
        folder: that of a run; the profile goes into `plugins/profile` in it.
    """

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._step = 0
        self._is_running = False

    def before_step(self) -> None:
        """Begins with the first of the steps."""
        self._step += 1
        if self._step == _FIRST:
            tf.profiler.experimental.start(str(self._folder))
            self._is_running = True

    def after_step(self) -> None:
        """Ends with the last of them."""
        if self._step == _LAST:
            self.stop()

    def stop(self) -> None:
        """Writes what was seen, and says what it takes to look at it."""
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
