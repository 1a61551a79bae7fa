"""The average of token embeddings, a baseline without word order."""

import keras

from zoo.layers.pooling import PoolingName
from zoo.models.heads import embedding_dropout_layer, embedding_layer, head_layers, penalty
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel


@register_model(is_baseline=True)
def BagOfWords(
    *,
    vocabulary_size: int,
    head: str = "classifier",
    num_classes: int = 2,
    sequence_length: int | None = None,
    embedding_dim: int = 64,
    pooling: PoolingName | keras.Layer = "average",
    embedding_dropout: float | None = None,
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "bag_of_words",
) -> SequenceModel:
    """A linear classifier on averaged token embeddings (Joulin et al. 2016, without n-grams).

    The baseline of sequence models, since it ignores the order of words. With
    `head="language_model"` it is a bigram model, which sees the last token only.

    Args:
        vocabulary_size: V, the number of token ids, including the pad 0.
        head: `"classifier"` (logits per text) or `"language_model"` (logits per token).
        num_classes: C, the number of logits per text.
        sequence_length: ignored.
        embedding_dim: width of the token embeddings.
        pooling: reduction of a text's embeddings to one vector: `"last"`, `"average"`, `"max"` or
            `"average+max"`. A layer with `call(features, padding_mask)` is also accepted.
        embedding_dropout: fraction of the embeddings' entries to drop; None for 0.5 with a
            classifier and 0 with other heads.
        dropout: fraction of the features to drop before the head.
        l1: weight of the L1 penalty on kernels.
        l2: weight of the L2 penalty on kernels.
        name: the model's name.

    Returns:
        A `SequenceModel`: token ids `int32` (B, T) -> logits (B, C) or (B, T, V).

    Example:
    >>> model = zoo.BagOfWords(vocabulary_size=1000)
    >>> model(np.array([[2, 7, 5], [2, 9, 0]])).shape
    TensorShape([2, 2])
    """
    del sequence_length
    return SequenceModel(
        token_embedding=embedding_layer(vocabulary_size, embedding_dim),
        embedding_dropout=embedding_dropout_layer(embedding_dropout, head),
        blocks=[],
        pooling=pooling,
        feature_dropout=dropout,
        head=head,
        **head_layers(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            width=embedding_dim,
            head=head,
            num_classes=num_classes,
            regularizer=penalty(l1, l2),
        ),
        name=name,
    )
