"""The gated recurrent unit."""

from zoo.models.recurrent import recurrent_model
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel


@register_model
def GRU(
    *,
    vocabulary_size: int,
    head: str = "classifier",
    num_classes: int = 2,
    sequence_length: int | None = None,
    embedding_dim: int = 64,
    units: int = 64,
    num_layers: int = 1,
    bidirectional: bool = False,
    pooling: str = "average+max",
    embedding_dropout: float | None = None,
    dropout: float = 0.0,
    tie_embeddings: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "gru",
) -> SequenceModel:
    """Gated recurrent unit (Cho et al. 2014, with the reset gate after the product).

    With gates z, r = sigmoid(W x_t + U h_(t-1) + b): g = tanh(W_g x_t + r (U_g h_(t-1) + b_u) +
    b_g), h_t = z h_(t-1) + (1 - z) g.

    Arguments and what is returned are those of `zoo.LSTM`.

    Example:
    >>> model = zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8)
    >>> model(task.text_to_ids(["A fine film."])).shape
    TensorShape([1, 2])
    """
    del sequence_length  # A recurrence reads any length.
    return recurrent_model(
        "gru",
        vocabulary_size=vocabulary_size,
        head=head,
        num_classes=num_classes,
        embedding_dim=embedding_dim,
        units=units,
        num_layers=num_layers,
        bidirectional=bidirectional,
        pooling=pooling,
        embedding_dropout=embedding_dropout,
        dropout=dropout,
        tie_embeddings=tie_embeddings,
        l1=l1,
        l2=l2,
        name=name,
    )
