"""The simple recurrent network."""

from zoo.models.recurrent import recurrent_model
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel


@register_model
def SimpleRNN(
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
    recurrent_gain: float = 0.5,
    tie_embeddings: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "simple_rnn",
) -> SequenceModel:
    """Simple recurrent network (Elman 1990).

    h_t = tanh(W x_t + U h_(t-1) + b). The gradient shrinks or grows with every step (Bengio et
    al. 1994), so with `pooling="last"` it forgets what came more than some tens of tokens ago.

    Arguments and what is returned are those of `zoo.LSTM`, and one more:

    Args:
        recurrent_gain: length of the orthogonal matrix U at the start (Saxe et al. 2014). Below 1
            what was read fades from the first step on, and a few hundred steps train without
            trouble; 1 keeps more and trains with more.
    """
    del sequence_length  # A recurrence reads any length.
    return recurrent_model(
        "simple_rnn",
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
        recurrent_gain=recurrent_gain,
        tie_embeddings=tie_embeddings,
        l1=l1,
        l2=l2,
        name=name,
    )
