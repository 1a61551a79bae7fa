"""The logit margin, which explanations are about, and its gradients.

Shape letters: B batch, T tokens, E width of the embeddings, C classes.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

import zoo

# Tokens that go through a model at a time: what a batch holds in memory grows with them.
_MAX_TOKENS = 2**13


def check_classifier(task: "zoo.tasks.Task") -> None:
    """Raises a ValueError for a task without classes."""
    if not task.has_classes:
        raise ValueError(
            f"Only the prediction of a classifier can be explained; this model is for {task.name}: "
            "see token_probabilities."
        )


def label_index(task: "zoo.tasks.Task", label: str | int | None, logits: np.ndarray) -> int:
    """The index of a label, by name or index; of the predicted one for None.

    Raises:
        ValueError: for an unknown label.
    """
    names = task.label_names
    if label is None:
        return int(np.argmax(logits))
    if label in names:
        return names.index(label)
    if isinstance(label, int) and 0 <= label < len(names):
        return label
    raise ValueError(f"label must be one of {', '.join(names)}; it is {label!r}.")


def margin_weights(num_classes: int, label: int) -> np.ndarray:
    """Weights (C,) of the logits in the margin: 1 for the label, -1 / (C - 1) for the others."""
    weights = np.full(num_classes, -1 / (num_classes - 1), "float32")
    weights[label] = 1.0
    return weights


def logit_margin(logits, label: int):
    """The label's logit minus the mean of the others': logits (B, C) -> (B,)."""
    weights = margin_weights(logits.shape[-1], label)
    return (np.asarray(logits, "float64") * weights).sum(-1)


def logits_of(model, ids: np.ndarray) -> np.ndarray:
    """Logits (B, C) of ids (B, T), a few rows at a time."""
    answer = _compiled_logits(model)
    rows = max(1, _MAX_TOKENS // ids.shape[1])
    parts = [np.asarray(answer(ids[i : i + rows])) for i in range(0, len(ids), rows)]
    return np.concatenate(parts).astype("float32")


def embedded(model, ids: np.ndarray) -> np.ndarray:
    """The inputs of the blocks of a model: ids (B, T) -> (B, T, E), with positions and scaling.

    Raises:
        ValueError: for a model without embeddings.
    """
    check_has_embeddings(model)
    x = model.token_embedding(ids)
    return np.asarray(x if model.positions is None else model.positions(x), "float32")


def has_embeddings(model) -> bool:
    """Whether a model has embeddings that can be perturbed."""
    return hasattr(model, "perturbed")


def check_has_embeddings(model) -> None:
    """Raises a ValueError for a model without embeddings."""
    if not has_embeddings(model):
        raise ValueError(
            f"{model.name} has no embeddings, so that it has no gradients: use occlusion."
        )


def gradients(model, ids: np.ndarray, moves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Gradients of a logit margin with respect to the embeddings of one text.

    Args:
        model: a classifier with embeddings.
        ids: one text, (T,).
        moves: perturbations that are added to its embeddings, (N, T, E).
        weights: those of the margin, see `margin_weights`, (C,).

    Returns:
        (N, T, E), `float32`.
    """
    check_has_embeddings(model)
    gradient = _compiled_gradient(model)
    rows = max(1, _MAX_TOKENS // len(ids))
    parts = []
    for start in range(0, len(moves), rows):
        some = moves[start : start + rows]
        same_text = np.broadcast_to(ids, (len(some), len(ids)))
        parts.append(np.asarray(gradient(same_text, some, weights)))
    return np.concatenate(parts).astype("float32")


# Compiled once a model, and cached for the few that were used last: tracing a recurrent network
# takes longer than explaining a text. Weights are read at each call, so a model may be trained on.


@functools.lru_cache(maxsize=8)
def _compiled_logits(model):
    if keras.backend.backend() == "jax":
        return model.predict_on_batch

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def answer(ids):
        return tf.cast(model(ids, training=False), tf.float32)

    return answer


@functools.lru_cache(maxsize=8)
def _compiled_gradient(model):
    if keras.backend.backend() == "jax":
        return _jax_gradient(model)
    width = model.token_embedding.output_dim

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None, width], tf.float32),
            tf.TensorSpec([None], tf.float32),
        ]
    )
    def gradient(ids, moves, weights):
        moves = tf.convert_to_tensor(moves)
        with tf.GradientTape() as tape:
            tape.watch(moves)
            logits = model.perturbed(ids, tf.cast(moves, model.compute_dtype))
            margin = tf.linalg.matvec(tf.cast(logits, tf.float32), weights)
        return tape.gradient(margin, moves)

    return gradient


def _jax_gradient(model):
    import jax

    def margin(moves, values, ids, weights):
        state = zip(model.variables, values, strict=True)
        with keras.StatelessScope(state_mapping=list(state)):
            logits = model.perturbed(ids, moves.astype(model.compute_dtype))
        return (logits.astype("float32") @ weights).sum()

    compiled = jax.jit(jax.grad(margin))

    def gradient(ids, moves, weights):
        return compiled(moves, [variable.value for variable in model.variables], ids, weights)

    return gradient
