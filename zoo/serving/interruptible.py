"""Calls of graphs that Ctrl-C, or the stop button of a notebook, ends at once."""

import threading
from collections.abc import Callable
from typing import Any

# Only here: TensorFlow has no public name for the cancellation of a graph.
from tensorflow.python.eager.cancellation import CancellationManager, CancellationManagerContext

THREAD_NAME = "interruptible call"

# Seconds in which a cancelled graph usually ends; while it is traced or compiled it takes longer.
_PATIENCE = 1.0


def call_interruptibly(function: Callable, *arguments, **named) -> Any:
    """Calls a graph in a second thread, and cancels it on a KeyboardInterrupt.

    Python raises a KeyboardInterrupt in the main thread, and only between two instructions: a graph
    that runs there cannot be interrupted. A call from another thread runs where it is.

    Args:
        function: a `tf.function` or a signature of a SavedModel.
        *arguments: its arguments.
        **named: its arguments by name.

    Returns:
        The value of the function.
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*arguments, **named)
    manager, done = CancellationManager(), threading.Event()
    context = CancellationManagerContext(manager)
    value: list[Any] = []
    errors: list[BaseException] = []

    def run():
        try:
            # TensorFlow has one cancellation for all threads, so nothing else may run within it.
            if hasattr(function, "get_concrete_function"):
                function.get_concrete_function(*arguments, **named)
            if not manager.is_cancelled:
                with context:
                    value.append(function(*arguments, **named))
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name=THREAD_NAME).start()
    try:
        # With a timeout, or Windows does not see the signal.
        while not done.wait(0.2):
            pass
    except BaseException:
        manager.start_cancel()
        if not done.wait(_PATIENCE):
            # Or later calls would be cancelled too.
            context.__exit__(None, None, None)
        raise
    if errors:
        raise errors[0]
    return value[0]
