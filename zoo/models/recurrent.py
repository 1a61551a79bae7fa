"""Recurrent architectures: everything but the cell."""

import keras

from zoo.layers import RecurrentBlock
from zoo.layers.pooling import PoolingName
from zoo.models.heads import embedding_dropout_layer, embedding_layer, head_layers, penalty
from zoo.models.sequence_model import SequenceModel


def recurrent_model(
    cell,
    *,
    vocabulary_size: int,
    head: str = "classifier",
    num_classes: int = 2,
    sequence_length: int | None = None,
    embedding_dim: int = 64,
    units: int = 64,
    num_layers: int = 1,
    bidirectional: bool = False,
    pooling: PoolingName | keras.layers.Layer = "average+max",
    embedding_dropout: float | None = None,
    dropout: float = 0.0,
    recurrent_gain: float = 1.0,
    tie_embeddings: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str,
) -> SequenceModel:
    """Token embeddings, `num_layers` recurrent layers of one cell, and a head.

    Args:
        cell: name or class of the cell, see `zoo.layers.RecurrentBlock`.
        vocabulary_size: V, the number of token ids, including the pad 0.
        head: `"classifier"` (logits per text) or `"language_model"` (logits per token).
        num_classes: C, the number of logits per text.
        sequence_length: ignored, since a recurrent network reads texts of any length.
        embedding_dim: width of the token embeddings.
        units: dimension of the hidden state.
        num_layers: number of stacked recurrent layers.
        bidirectional: whether each layer also processes the text in reverse. Such a
            model is not causal and cannot generate text.
        pooling: reduction of a text's states to one vector: `"last"`, `"average"`, `"max"` or
            `"average+max"`. A layer with `call(features, padding_mask)` is also accepted.
        embedding_dropout: fraction of the embeddings' entries to drop; None for 0.5 with a
            classifier and 0 with other heads.
        dropout: fraction of the features to drop between layers and before the head.
        recurrent_gain: gain of the orthogonal matrix U at initialization (Saxe et al. 2014).
        tie_embeddings: whether the output layer shares the weights of the token embeddings, for
            `head="language_model"`.
        l1: weight of the L1 penalty on kernels.
        l2: weight of the L2 penalty on kernels.
        name: the model's name.

    Returns:
        A `SequenceModel`: token ids `int32` (B, T) -> logits (B, C) or (B, T, V).
    """
    del sequence_length
    regularizer = penalty(l1, l2)
    return SequenceModel(
        token_embedding=embedding_layer(
            vocabulary_size, embedding_dim, tie_embeddings=tie_embeddings
        ),
        embedding_dropout=embedding_dropout_layer(embedding_dropout, head),
        blocks=[
            RecurrentBlock(
                cell,
                units,
                bidirectional=bidirectional,
                # Between layers; the features that the head reads have a dropout layer of the head.
                dropout=dropout if index < num_layers - 1 else 0.0,
                recurrent_gain=recurrent_gain,
                kernel_regularizer=regularizer,
                name=f"block_{index}",
            )
            for index in range(num_layers)
        ],
        pooling=pooling,
        feature_dropout=dropout,
        head=head,
        **head_layers(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            width=units * (2 if bidirectional else 1),
            head=head,
            num_classes=num_classes,
            tie_embeddings=tie_embeddings,
            regularizer=regularizer,
        ),
        name=name,
    )
