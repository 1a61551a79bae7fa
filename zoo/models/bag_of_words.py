"""The average of word vectors: what can be known without the order of words."""

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
    pooling: PoolingName = "average",
    embedding_dropout: float | None = None,
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "bag_of_words",
) -> SequenceModel:
    """A linear classifier on averaged token embeddings (Joulin et al. 2016, without n-grams).

    It is the mark that a sequence model has to beat: it reads a text as its bag of words. With
    `head="language_model"` it knows the last token only, which makes it a bigram model. Arguments
    and what is returned are those of `zoo.LSTM`.
    """
    del sequence_length  # A bag has no length.
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
