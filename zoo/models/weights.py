"""Weights that move from one model to another."""

from collections.abc import Sequence

import keras


def transfer_weights(source: keras.Model, target: keras.Model) -> Sequence[str]:
    """Copies the weights of all layers that two models share.

    Layers correspond where name and shapes of weights are the same: the embeddings and blocks of
    a language model and of a classifier (Dai and Le 2015), and the head only where both answer
    alike.

    Returns:
        The names of the layers whose weights were copied.

    Raises:
        ValueError: where no layer corresponds.
    """
    layers = {layer.name: layer for layer in source.layers if layer.weights}
    copied = []
    for layer in target.layers:
        like = layers.get(layer.name)
        if like is not None and layer.weights and _shapes(like) == _shapes(layer):
            layer.set_weights(like.get_weights())
            copied.append(layer.name)
    if not copied:
        raise ValueError(
            f"No weights of {source.name} fit {target.name}: expected a layer with the same name "
            f"and shapes, such as token_embedding {_described(target)}; found {_described(source)}."
        )
    return copied


def _shapes(layer: keras.Layer) -> list[tuple]:
    return [tuple(weight.shape) for weight in layer.weights]


def _described(model: keras.Model) -> str:
    first = next(layer for layer in model.layers if layer.weights)
    return f"{first.name} {', '.join(map(str, _shapes(first)))}"
