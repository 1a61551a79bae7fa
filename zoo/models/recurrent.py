"""What the recurrent architectures share: all of it but the cell."""

from zoo.layers import RecurrentBlock
from zoo.models.heads import embedding_dropout_layer, embedding_layer, head_layers, penalty
from zoo.models.sequence_model import SequenceModel


def recurrent_model(
    cell: str,
    *,
    vocabulary_size: int,
    head: str,
    num_classes: int,
    embedding_dim: int,
    units: int,
    num_layers: int,
    bidirectional: bool,
    pooling: str,
    embedding_dropout: float | None,
    dropout: float,
    recurrent_gain: float = 1.0,
    tie_embeddings: bool,
    l1: float,
    l2: float,
    name: str,
) -> SequenceModel:
    """Embedding, `num_layers` recurrent blocks of one cell, head; for arguments see `zoo.LSTM`."""
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
                # Between layers; what the head reads has its own.
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
