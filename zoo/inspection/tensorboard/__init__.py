"""TensorBoard: a callback, and one file for each dashboard."""

from zoo.inspection.tensorboard.callback import TensorBoard

__all__ = ["TensorBoard"]
