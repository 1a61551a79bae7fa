"""Whether a fit can fit into memory, found out before it takes any."""

import concurrent.futures
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from zoo.tasks.batches import epoch_batches
from zoo.training.prepare import Prepared
from zoo.utils import resources
from zoo.utils.failures import is_out_of_memory
from zoo.utils.text import megabytes

# A fit holds at least the weights, as many numbers of the optimizer, and the best weights so far.
_COPIES = 3

_BYTES_OF_FEATURE = 4


class ShortageError(RuntimeError):
    """Disk or memory does not suffice for a run; the message says what is needed."""


def num_bytes(variables: Sequence[keras.Variable]) -> int:
    """Bytes of the values of variables, which may not have values yet."""
    return sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in variables)


def check_weights(model: keras.Model | Callable[[], keras.Model]) -> None:
    """Refuses a model whose weights do not fit into memory, before they are made.

    Raises:
        ShortageError: If the model is too large.
    """
    if isinstance(model, keras.Model):
        return  # It is in memory.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        # Keras keeps a list of variables without values, for each thread.
        weights = thread.submit(_weights, model, keras.config.dtype_policy()).result()
    available = resources.available_memory()
    if _COPIES * weights > available:
        raise ShortageError(
            f"The model is too large: its weights take {megabytes(weights)}, a fit at least "
            f"{_COPIES} times as much, and {megabytes(available)} of memory are available."
        )


def _weights(model: Callable[[], keras.Model], policy) -> int:
    """Bytes of the weights of a model, without making them; 0 if that is impossible."""
    keras.config.set_dtype_policy(policy)
    try:
        with keras.StatelessScope(initialize_variables=False):
            return num_bytes(model().variables)
    except Exception:
        # A function of the user's own may need values; the fit itself reports its faults.
        return 0


def check_batch(prepared: Prepared, seed: int) -> None:
    """Refuses a batch size at which the features of one batch do not fit into memory.

    Raises:
        ShortageError: If a batch is too large.
    """
    lengths = prepared.task.data.epoch_examples(seed, 0).lengths
    batches = epoch_batches(lengths, prepared.settings.batch_size, seed, 0)
    size, length = max(
        ((len(indices), int(lengths[indices].max())) for indices in batches), key=math.prod
    )
    needed = _features(prepared, size, length) * _BYTES_OF_FEATURE
    available = resources.available_memory()
    if needed > available:
        raise ShortageError(
            f"A batch is too large: {size:,} texts of up to {length:,} tokens take at least "
            f"{megabytes(needed)} of memory, and {megabytes(available)} are available: use a "
            "smaller batch_size or sequence_length."
        )


def _features(prepared: Prepared, size: int, length: int) -> int:
    """Numbers that the layers of a functional model return for a batch; what is in them is more."""
    operations = getattr(prepared.model, "operations", ())
    # Training with a sample of the vocabulary does not compute all logits.
    is_wrapped = prepared.training_model is not prepared.model
    left_out = prepared.model.outputs if operations and is_wrapped else []
    outputs = keras.tree.flatten([getattr(operation, "output", []) for operation in operations])
    return sum(
        math.prod(
            (length if axis else size) if dimension is None else dimension
            for axis, dimension in enumerate(output.shape)
        )
        for output in outputs
        if not any(output is other for other in left_out)
    )


@contextlib.contextmanager
def as_shortage() -> Iterator[None]:
    """A context in which an exception for exhausted memory becomes a `ShortageError`."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ShortageError(
            f"The fit is too large: {megabytes(resources.available_memory())} of memory are "
            "available, which did not suffice for its first steps; use a smaller model, batch_size "
            "or sequence_length."
        ) from error
