"""Heads, and the layers that all factories make alike."""

import keras
from keras import ops

# What the last layer of a model predicts: per text for these, per token for the others.
TEXT_HEADS = ("classifier", "regressor")
HEADS = (*TEXT_HEADS, "language_model", "tagger", "masked")

# Heads with an output per class, or per number; the others have one per token of the vocabulary.
_CLASS_HEADS = (*TEXT_HEADS, "tagger")


class LayeredModel(keras.Model):
    """A model whose constructor takes its layers, the last of them named `logits`.

    `get_config` of a subclass returns them serialized.
    """

    def scale_logits(self, factor: float) -> None:
        """Multiplies the weights of the logits by a factor; not for tied embeddings."""
        for weight in self.logits.trainable_variables:
            weight.assign(weight * factor)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        def made(value):
            if isinstance(value, list):
                return [made(item) for item in value]
            if isinstance(value, dict):
                return keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
            return value

        return cls(**{key: made(value) for key, value in config.items()})


class ModelWithHead(LayeredModel):
    """A model whose logits are a function of features: dropout, projection and `logits`."""

    def head(self, features):
        """Logits of features: (B, T, D) -> (B, T, V), or one vector a text (B, D) -> (B, C)."""
        features = self.head_features(features)
        if self.logits is None:
            return self.token_embedding(features, reverse=True)
        return self.logits(features)

    def head_features(self, features):
        """The input of the logits: features (..., D) -> (..., W), W = E for tied embeddings."""
        features = self.feature_dropout(features)
        return features if self.projection is None else self.projection(features)

    def output_vectors(self, token_ids):
        """Weights of some tokens' logits: ids (...) -> vectors (..., W) and biases (...).

        A token's logit is the product of `head_features` with its vector, plus its bias.
        """
        if self.logits is None:
            return self.token_embedding(token_ids), 0.0
        kernel, bias = ops.transpose(self.logits.kernel), self.logits.bias
        return ops.take(kernel, token_ids, axis=0), ops.take(bias, token_ids, axis=0)


def penalty(l1: float, l2: float) -> keras.regularizers.Regularizer | None:
    """The penalty on kernels, or None where both weights are 0."""
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def dropout_rate(rate: float | None, head: str) -> float:
    """The given rate; None for 0.5 with a head per text, 0 with other heads.

    Classifiers overfit on few labelled texts; a language model learns from every token.
    """
    if rate is not None:
        return rate
    return 0.5 if head in TEXT_HEADS else 0.0


def embedding_dropout_layer(rate: float | None, head: str) -> keras.layers.Dropout:
    """Dropout on the embeddings; for None see `dropout_rate`."""
    return keras.layers.Dropout(dropout_rate(rate, head), name="embedding_dropout")


def embedding_layer(
    vocabulary_size: int, embedding_dim: int, *, tie_embeddings: bool = False
) -> keras.layers.Embedding:
    """The first layer, which is also the last one if embeddings are tied."""
    make = keras.layers.ReversibleEmbedding if tie_embeddings else keras.layers.Embedding
    return make(vocabulary_size, embedding_dim, name="token_embedding")


def head_layers(
    *,
    vocabulary_size: int,
    embedding_dim: int,
    width: int,
    head: str,
    num_classes: int,
    tie_embeddings: bool = False,
    regularizer=None,
) -> dict[str, keras.layers.Layer | None]:
    """The last layers, as arguments of `SequenceModel`.

    Args:
        vocabulary_size: V.
        embedding_dim: E, width of the token embeddings.
        width: D, width of the features.
        head: one of `HEADS`.
        num_classes: C.
        tie_embeddings: whether the token embeddings are also the weights of the logits (Press and
            Wolf 2017); a projection precedes them if D is not E.
        regularizer: penalty on kernels.

    Raises:
        ValueError: for tied embeddings with logits per class.
    """

    def dense(units, name):
        return keras.layers.Dense(units, kernel_regularizer=regularizer, name=name)

    if not tie_embeddings:
        units = num_classes if head in _CLASS_HEADS else vocabulary_size
        return {"logits": dense(units, "logits")}
    if head in _CLASS_HEADS:
        raise ValueError(
            "tie_embeddings asks for head='language_model' or 'masked': only tokens have "
            "embeddings."
        )
    projection = dense(embedding_dim, "projection") if width != embedding_dim else None
    return {"projection": projection, "logits": None}
