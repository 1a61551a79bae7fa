"""The decoder-only Transformer."""

import keras

from zoo.layers import LearnedPositions, TransformerBlock
from zoo.layers.pooling import PoolingName
from zoo.models.heads import embedding_layer, head_layers, penalty
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel

POSITIONS = ("learned", "rotary")


@keras.saving.register_keras_serializable(package="zoo")
class DecoderModel(SequenceModel):
    """A `SequenceModel` of causal attention blocks, see `GPT`."""

    suggested_learning_rate = 4e-3


@register_model
def GPT(
    *,
    vocabulary_size: int,
    head: str = "classifier",
    num_classes: int = 2,
    sequence_length: int | None = None,
    embedding_dim: int = 64,
    hidden_units: int | None = None,
    num_layers: int = 2,
    num_heads: int = 2,
    num_key_heads: int | None = None,
    positions: str = "learned",
    pooling: PoolingName | keras.Layer = "last",
    embedding_dropout: float = 0.1,
    dropout: float = 0.1,
    feature_dropout: float = 0.0,
    tie_embeddings: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "gpt",
) -> SequenceModel:
    """Decoder-only Transformer as in GPT-2 (Radford et al. 2019), with pre-norm blocks.

    Every position attends to itself and to earlier ones, so a text's last token attends to all.

    Args:
        vocabulary_size: V, the number of token ids, including the pad 0.
        head: `"classifier"` (logits per text) or `"language_model"` (logits per token).
        num_classes: C, the number of logits per text.
        sequence_length: maximum number of tokens of a text. Learned positions have a vector for
            each, and rotary ones are trained up to this distance.
        embedding_dim: D, the width of embeddings and features.
        hidden_units: width of the hidden layer of the feed-forward networks; None for 4 D.
        num_layers: number of stacked blocks.
        num_heads: number of attention heads; must divide `embedding_dim`.
        num_key_heads: number of key and value heads; fewer reduce the cache (Ainslie et al. 2023)
            and must divide `num_heads`; None for `num_heads`.
        positions: position encoding: `"learned"`, a vector per position, or `"rotary"`, rotated
            queries and keys (Su et al. 2021).
        pooling: reduction of a text's states to one vector: `"last"`, `"average"`, `"max"` or
            `"average+max"`. A layer with `call(features, padding_mask)` is also accepted.
        embedding_dropout: fraction of the embeddings' entries to drop.
        dropout: dropout rate of attention weights and of each sublayer's output.
        feature_dropout: fraction of the features to drop before the head.
        tie_embeddings: whether the output layer shares the weights of the token embeddings, for
            `head="language_model"`.
        l1: weight of the L1 penalty on kernels.
        l2: weight of the L2 penalty on kernels.
        name: the model's name.

    Returns:
        A `SequenceModel`: token ids `int32` (B, T) -> logits (B, C) or (B, T, V).

    Raises:
        ValueError: if `sequence_length` is None, `positions` is unknown, or a number of heads does
            not divide what it must.

    Example:
    >>> model = zoo.GPT(vocabulary_size=1000, sequence_length=64, head="language_model")
    >>> model(np.array([[2, 7, 5], [2, 9, 0]])).shape
    TensorShape([2, 3, 1000])
    """
    if sequence_length is None:
        raise ValueError("gpt needs sequence_length, the length of the longest text; it is None.")
    if embedding_dim % num_heads:
        raise ValueError(
            f"embedding_dim must be a multiple of num_heads; {embedding_dim} is not one of "
            f"{num_heads}."
        )
    if positions not in POSITIONS:
        raise ValueError(f"positions must be one of {', '.join(POSITIONS)}; it is {positions!r}.")
    regularizer = penalty(l1, l2)
    return DecoderModel(
        positions=LearnedPositions(sequence_length) if positions == "learned" else None,
        context_length=sequence_length,
        embedding_dropout=keras.layers.Dropout(embedding_dropout, name="embedding_dropout"),
        blocks=[
            TransformerBlock(
                num_heads,
                hidden_units or 4 * embedding_dim,
                causal=True,
                num_key_heads=num_key_heads,
                rotary=positions == "rotary",
                dropout=dropout,
                kernel_regularizer=regularizer,
                name=f"block_{index}",
            )
            for index in range(num_layers)
        ],
        pooling=pooling,
        final_norm=keras.layers.LayerNormalization(name="final_norm"),
        feature_dropout=feature_dropout,
        head=head,
        name=name,
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
    )
