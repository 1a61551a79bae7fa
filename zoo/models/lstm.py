"""The long short-term memory."""

from zoo.models.recurrent import recurrent_model
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel


@register_model(like=recurrent_model, name="lstm")
def LSTM(**options) -> SequenceModel:
    """Long short-term memory (Hochreiter and Schmidhuber 1997, forget gate of Gers et al. 2000).

    With gates i, f, o = sigmoid(W x_t + U h_(t-1) + b) and g = tanh(W_g x_t + U_g h_(t-1) + b_g):
    c_t = f c_(t-1) + i g, h_t = o tanh(c_t).

    Example:
    >>> model = zoo.LSTM(vocabulary_size=1000, units=8, num_layers=2)
    >>> model(np.array([[2, 7, 5], [2, 9, 0]])).shape
    TensorShape([2, 2])
    """
    return recurrent_model("lstm", **options)
