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
    """Encoder-decoder Transformer (Vaswani et al. 2017), pre-norm.

    For an answer a text, the decoder reads one start token while attending to the encoded text.

    Args:
        vocabulary_size: V, the number of token ids, the pad 0 included.
        head: `"classifier"` (logits per text) or `"language_model"` (logits per token).
        num_classes: C, the logits a text; two classes are two logits.
        sequence_length: the most tokens that a decoder is to write before it begins anew behind
            what it has written; the encoder reads any number. None for any number.
        embedding_dim: D, the width throughout.
        hidden_units: width inside the feed-forward networks.
        num_layers: blocks of the encoder, and as many of the decoder.
        num_heads: attention heads; must divide `embedding_dim`.
        positions: how the order of tokens is known: `"distance"`, attention that fades with
            distance (Press et al. 2022), or `"sine"`, waves added to the embeddings.
        embedding_dropout: share of the embeddings' entries set to zero in training; None for half
            of them where a text has one answer, and for none where each token has.
        dropout: share dropped in training, of attention weights and of each sublayer's output.
        feature_dropout: share of what the head reads set to zero in training; None likewise.
        tie_embeddings: whether the token embeddings are the weights of the logits as well, for
            `head="language_model"`.
        l1: weight of the sum of absolute kernel weights in the training loss.
        l2: weight of the sum of squared kernel weights in the training loss.
        name: the model's name.

    Returns:
        An `EncoderDecoderModel`: token ids `int32` (B, T) -> logits (B, C); or with
        `head="language_model"` `{"token_ids": (B, T), "source_ids": (B, S)}` -> logits (B, T, V).
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
