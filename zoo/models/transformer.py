"""The encoder-decoder Transformer."""

import keras

from zoo.layers import SinePositions, TransformerBlock
from zoo.models.encoder_decoder import EncoderDecoderModel
from zoo.models.heads import (
    dropout_rate,
    embedding_dropout_layer,
    embedding_layer,
    head_layers,
    penalty,
)
from zoo.models.registry import register_model

POSITIONS = ("distance", "sine")


@register_model
def Transformer(
    *,
    vocabulary_size: int,
    head: str = "classifier",
    num_classes: int = 2,
    sequence_length: int | None = None,
    embedding_dim: int = 64,
    hidden_units: int = 128,
    num_layers: int = 1,
    num_heads: int = 2,
    positions: str = "distance",
    embedding_dropout: float | None = None,
    dropout: float = 0.1,
    feature_dropout: float | None = None,
    tie_embeddings: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "transformer",
) -> EncoderDecoderModel:
    """Encoder-decoder Transformer (Vaswani et al. 2017), with pre-norm blocks.

    With `head="classifier"` the decoder reads a start token and attends to the encoded text.

    Args:
        vocabulary_size: V, the number of token ids, including the pad 0.
        head: `"classifier"` (logits per text) or `"language_model"` (logits per token).
        num_classes: C, the number of logits per text.
        sequence_length: maximum number of tokens that the decoder reads from its initial state;
            the encoder reads any number. None for no maximum.
        embedding_dim: D, the width of embeddings and features.
        hidden_units: width of the hidden layer of the feed-forward networks.
        num_layers: number of blocks of the encoder, and of the decoder.
        num_heads: number of attention heads; must divide `embedding_dim`.
        positions: position encoding: `"distance"`, attention scores that decrease with distance
            (Press et al. 2022), or `"sine"`, sines and cosines added to the embeddings.
        embedding_dropout: fraction of the embeddings' entries to drop; None for 0.5 with a
            classifier and 0 with other heads.
        dropout: dropout rate of attention weights and of each sublayer's output.
        feature_dropout: fraction of the features to drop before the head; None for 0.5 with a
            classifier and 0 with other heads.
        tie_embeddings: whether the output layer shares the weights of the token embeddings, for
            `head="language_model"`.
        l1: weight of the L1 penalty on kernels.
        l2: weight of the L2 penalty on kernels.
        name: the model's name.

    Returns:
        An `EncoderDecoderModel`: token ids `int32` (B, T) -> logits (B, C); or with
        `head="language_model"` `{"token_ids": (B, T), "source_ids": (B, S)}` -> logits (B, T, V).

    Raises:
        ValueError: if `positions` is unknown, or `num_heads` does not divide `embedding_dim`.

    Example:
    >>> model = zoo.Transformer(vocabulary_size=1000, num_classes=3)
    >>> model(np.array([[2, 7, 5], [2, 9, 0]])).shape
    TensorShape([2, 3])
    """
    if embedding_dim % num_heads:
        raise ValueError(
            f"embedding_dim must be a multiple of num_heads; {embedding_dim} is not one of "
            f"{num_heads}."
        )
    if positions not in POSITIONS:
        raise ValueError(f"positions must be one of {', '.join(POSITIONS)}; it is {positions!r}.")
    regularizer = penalty(l1, l2)

    def blocks(side, **options):
        return [
            TransformerBlock(
                num_heads,
                hidden_units,
                penalize_distance=positions == "distance",
                dropout=dropout,
                kernel_regularizer=regularizer,
                name=f"{side}_{index}",
                **options,
            )
            for index in range(num_layers)
        ]

    return EncoderDecoderModel(
        positions=SinePositions(name="positions") if positions == "sine" else None,
        context_length=sequence_length,
        embedding_dropout=embedding_dropout_layer(embedding_dropout, head),
        encoder_blocks=blocks("encoder"),
        blocks=blocks("decoder", causal=True, cross_attention=True),
        pooling=None,
        final_norm=keras.layers.LayerNormalization(name="final_norm"),
        feature_dropout=dropout_rate(feature_dropout, head),
        head=head,
        token_embedding=embedding_layer(
            vocabulary_size, embedding_dim, tie_embeddings=tie_embeddings
        ),
        **head_layers(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            width=embedding_dim,
            head=head,
            num_classes=num_classes,
            tie_embeddings=tie_embeddings,
            regularizer=regularizer,
        ),
        name=name,
    )
