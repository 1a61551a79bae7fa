"""The simple recurrent network."""

from zoo.models.recurrent import recurrent_model
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel


@register_model(like=recurrent_model, name="simple_rnn", recurrent_gain=0.5)
def SimpleRNN(**options) -> SequenceModel:
    """Simple recurrent network (Elman 1990).

    h_t = tanh(W x_t + U h_(t-1) + b). The gradient vanishes or explodes with the number of steps
    (Bengio et al. 1994), so with `pooling="last"` the network forgets tokens after some tens of
    steps. With `recurrent_gain` below 1 the state decays from the first training step on, and a few
    hundred steps train stably; 1 keeps more and needs more steps.

    Example:
    >>> model = zoo.SimpleRNN(vocabulary_size=1000, units=8, head="language_model")
    >>> model(np.array([[2, 7, 5], [2, 9, 0]])).shape
    TensorShape([2, 3, 1000])
    """
    return recurrent_model("simple_rnn", **options)
