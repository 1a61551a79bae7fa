"""Transfer of weights between models."""

from collections.abc import Sequence

import keras


def transfer_weights(source: keras.Model, target: keras.Model) -> Sequence[str]:
    """Copies the weights of all layers that two models share.

    Layers correspond if their names and the shapes of their weights are equal: embeddings and
    blocks of a language model and a classifier (Dai and Le 2015), and the head if both have the
    same one. The two models must use the same vocabulary.

    Args:
        source: the model whose weights are copied.
        target: the model that takes them over.

    Returns:
        The names of the layers whose weights were copied.

    Raises:
        ValueError: if no layer corresponds.

    Example:
    >>> source = zoo.GRU(vocabulary_size=1000, units=8, head="language_model")
    >>> zoo.transfer_weights(source, zoo.GRU(vocabulary_size=1000, units=8))
    ['token_embedding', 'block_0']
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
