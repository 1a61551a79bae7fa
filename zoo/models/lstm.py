"""The long short-term memory."""

from zoo.models.recurrent import recurrent_model
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel


@register_model
def LSTM(
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
    name: str = "lstm",
) -> SequenceModel:
    """Long short-term memory (Hochreiter and Schmidhuber 1997, forget gate of Gers et al. 2000).

    With gates i, f, o = sigmoid(W x_t + U h_(t-1) + b) and g = tanh(W_g x_t + U_g h_(t-1) + b_g):
    c_t = f c_(t-1) + i g, h_t = o tanh(c_t).

    Args:
        vocabulary_size: V, the number of token ids, the pad 0 included.
        head: `"classifier"` (logits per text) or `"language_model"` (logits per token).
        num_classes: C, the logits a text; two classes are two logits.
        sequence_length: taken so that all architectures share their arguments; a recurrence
            reads any length.
        embedding_dim: width of the token embeddings.
        units: width of the state.
        num_layers: recurrent layers, one upon the other.
        bidirectional: whether each layer also reads from the last token to the first; such a
            model is not `causal` and cannot generate.
        pooling: how a text's states become one vector: `"last"`, `"average"`, `"max"`,
            `"average+max"`.
        embedding_dropout: share of the embeddings' entries set to zero in training; None for half
            of them where a text has one answer, and for none where each token has.
        dropout: share dropped in training between layers and before the head.
        tie_embeddings: whether the token embeddings are the weights of the logits as well, for
            `head="language_model"`.
        l1: weight of the sum of absolute kernel weights in the training loss.
        l2: weight of the sum of squared kernel weights in the training loss.
        name: the model's name.

    Returns:
        A `SequenceModel`: token ids `int32` (B, T) -> logits (B, C) or (B, T, V).
    """
    del sequence_length  # A recurrence reads any length.
    return recurrent_model(
        "lstm",
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
