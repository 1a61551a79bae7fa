"""Whether a Keras model suits a task, found out before its first step."""

from typing import Any

import keras
import numpy as np

from zoo.layers.logits import Logits
from zoo.models.heads import TEXT_HEADS, LayeredModel

# Ids that no vocabulary lacks: the first after padding.
_ANY_ID = 1

# How far from 1 the sum of probabilities may be.
_TOLERANCE = 1e-4


def suited_model(
    model: keras.Model,
    *,
    vocabulary_size: int,
    head: str,
    num_classes: int | None = None,
    **others: Any,
) -> keras.Model:
    """A model that suits a task: the given one, or one around it that ends in logits.

    A classifier of one's own may end in probabilities (`softmax`), or for two classes in one
    number: the logit or the probability (`sigmoid`) of the second. The model around it shares its
    weights.

    Shape letters: B batch, T tokens, V vocabulary, C classes.

    Args:
        model: any Keras model, ids (B, T) -> (B, C), or (B, T, V) for a head per token.
        vocabulary_size: V.
        head: one of `zoo.models.heads.HEADS`.
        num_classes: C, the number of outputs per text, or per token of a tagger.
        **others: further arguments that a task has for its models, which are ignored.

    Raises:
        ValueError: if the model cannot read the ids or has other outputs.

    Example:
    >>> import keras
    >>> from zoo.models.suited_model import suited_model
    >>> layers = [keras.layers.Embedding(1000, 8), keras.layers.GlobalAveragePooling1D()]
    >>> mine = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    >>> suited_model(mine, vocabulary_size=1000, head="classifier", num_classes=2).output_shape
    (None, 2)
    """
    del others
    _check_inputs(model)
    outputs = None
    if not _is_functional(model):
        outputs = _outputs_of(model, vocabulary_size)
    _check_vocabulary(model, vocabulary_size)
    shape = _output_shape(model, outputs)
    if head not in TEXT_HEADS:
        if head == "language_model" and not hasattr(model, "advance"):
            raise ValueError(
                f"{model.name} must be a zoo.SequenceModel to predict tokens: only those read a "
                "text token by token."
            )
        outputs_per_token = num_classes if head == "tagger" else vocabulary_size
        _check_shape(model, shape, (None, None, outputs_per_token))
        return model
    is_own = not isinstance(model, LayeredModel)
    if is_own and head == "classifier":
        end = _end_of(model, shape, outputs, num_classes)
        if end is not None:
            return _with_logits(model, end)
    _check_shape(model, shape, (None, num_classes))
    return model


def depends_on_padding(model: keras.Model) -> bool:
    """Whether a text's outputs change with the padding after it, in a model of one's own."""
    if isinstance(model, LayeredModel):
        return False
    ids = np.array([[_ANY_ID, _ANY_ID]], "int32")
    padded = np.pad(ids, ((0, 0), (0, 6)))
    short, long = (keras.ops.convert_to_numpy(model(x, training=False)) for x in (ids, padded))
    return not np.allclose(short, long, atol=_TOLERANCE)


def _is_functional(model: keras.Model) -> bool:
    """Whether its outputs are known without a call."""
    return getattr(model, "outputs", None) is not None


def _check_inputs(model: keras.Model) -> None:
    if isinstance(model, keras.Sequential) and not model.built:
        # By itself it would take the width of its first batch for that of all.
        try:
            model.build((None, None))
        except Exception as error:
            raise _unreadable(model, error) from error
    if not _is_functional(model):
        return
    for tensor in model.inputs:
        if len(tensor.shape) != 2 or tensor.dtype == "string" or tensor.shape[1] is not None:
            raise ValueError(
                f"{model.name} must read token ids of any length, keras.Input((None,), "
                f"dtype='int32'); its input is {tensor.dtype} of shape {tuple(tensor.shape)}."
            )


def _outputs_of(model: keras.Model, vocabulary_size: int) -> np.ndarray:
    """The outputs for two texts of two tokens, of which one is the last of the vocabulary."""
    ids = np.array([[_ANY_ID, vocabulary_size - 1], [_ANY_ID, _ANY_ID]], "int32")
    try:
        outputs = model(ids, training=False)
    except Exception as error:
        # The call is code of the user, which may raise anything.
        raise _unreadable(model, error) from error
    if not keras.ops.is_tensor(outputs):
        raise ValueError(
            f"{model.name} must return one tensor; it returns {type(outputs).__name__}."
        )
    return keras.ops.convert_to_numpy(outputs)


def _unreadable(model: keras.Model, error: Exception) -> ValueError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return ValueError(
        f"{model.name} must read token ids, int32 (batch, tokens), up to the size of the "
        f"vocabulary; it fails: {reason}"
    )


def _check_vocabulary(model: keras.Model, vocabulary_size: int) -> None:
    sizes = [
        layer.input_dim
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.Embedding)
    ]
    if sizes and max(sizes) < vocabulary_size:
        raise ValueError(
            f"The embedding of {model.name} must have a row for each of the {vocabulary_size:,} "
            f"token ids of the task; it has {max(sizes):,}. Create the model with "
            "**task.model_arguments()."
        )


def _output_shape(model: keras.Model, outputs: np.ndarray | None) -> tuple:
    if outputs is not None:
        return (None, *((None,) if outputs.ndim == 3 else ()), *outputs.shape[-1:])
    if len(model.outputs) != 1:
        raise ValueError(f"{model.name} must have one output; it has {len(model.outputs)}.")
    return tuple(model.outputs[0].shape)


def _check_shape(model: keras.Model, shape: tuple, expected: tuple) -> None:
    if len(shape) == len(expected) and shape[-1] == expected[-1]:
        return
    raise ValueError(
        f"The outputs of {model.name} must have the shape {_shown(expected)} for this task; it is "
        f"{_shown(shape)}. Create the model with **task.model_arguments()."
    )


def _shown(shape: tuple) -> str:
    names = {2: ("batch",), 3: ("batch", "tokens")}.get(len(shape), ("batch",))
    return f"({', '.join([*names, *map(str, shape[len(names) :])])})"


def _end_of(
    model: keras.Model, shape: tuple, outputs: np.ndarray | None, num_classes: int | None
) -> str | None:
    """What a classifier ends in, see `Logits`; None for logits of all classes.

    Raises:
        ValueError: if its outputs are neither.
    """
    activation = _last_activation(model)
    is_one_number = shape[1:] == (1,) and num_classes == 2
    if not is_one_number and shape[1:] != (num_classes,):
        return None
    if is_one_number:
        is_share = outputs is None or bool(((outputs >= 0) & (outputs <= 1)).all())
        if activation == "sigmoid":
            return "probability"
        if activation == "softmax" or (outputs is not None and is_share):
            raise ValueError(
                f"{model.name} must end in {num_classes} logits, or in one number with "
                "Dense(1, activation='sigmoid') as its last layer; it ends in one number, and "
                "whether that is a probability is not known."
            )
        return "logit"
    if activation == "sigmoid":
        raise ValueError(
            f"{model.name} must end in logits, or in probabilities that sum to 1; its last layer "
            "has the activation sigmoid. Remove it, or use softmax."
        )
    sums_to_1 = outputs is not None and bool(
        (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1, atol=_TOLERANCE)
    )
    return "probabilities" if activation == "softmax" or sums_to_1 else None


def _last_activation(model: keras.Model) -> str | None:
    """The name of the activation that a model ends with; None if it is not known."""
    if _is_functional(model) and not isinstance(model, keras.Sequential):
        layer: Any = model.outputs[0]._keras_history.operation
    else:
        layer = model.layers[-1] if model.layers else None
    if isinstance(layer, keras.Model):
        return _last_activation(layer)
    activation = getattr(layer, "activation", type(layer))
    return getattr(activation, "__name__", type(activation).__name__).lower()


def _with_logits(model: keras.Model, end: str) -> keras.Model:
    if _is_functional(model):
        inputs, outputs = model.inputs[0], model.outputs[0]
    else:
        inputs = keras.Input((None,), dtype="int32", name="token_ids")
        outputs = model(inputs)
    return keras.Model(inputs, Logits(end)(outputs), name=model.name)
