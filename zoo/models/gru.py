"""The gated recurrent unit."""

from zoo.models.recurrent import recurrent_model
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel


@register_model(like=recurrent_model, name="gru")
def GRU(**options) -> SequenceModel:
    """Gated recurrent unit (Cho et al. 2014, with the reset gate after the product).

    With gates z, r = sigmoid(W x_t + U h_(t-1) + b): g = tanh(W_g x_t + r (U_g h_(t-1) + b_u) +
    b_g), h_t = z h_(t-1) + (1 - z) g.

    Example:
    >>> model = zoo.GRU(**task.model_arguments(), embedding_dim=8, units=8)
    >>> model(task.text_to_ids(["A fine film."])).shape
    TensorShape([1, 2])
    """
    return recurrent_model("gru", **options)
