"""Writing token by token: one loop for every model, and the ways to choose the next token.

A model is known here by four functions alone: `begin`, `advance`, `head` and `extend_state`.
"""

from zoo.generation.beam_search import BeamSearch
from zoo.generation.decoding import MOST_NEW_TOKENS, Decoder, Writing
from zoo.generation.sampling import Sampler, Sampling
from zoo.generation.scoring import text_scorer

__all__ = [
    "MOST_NEW_TOKENS",
    "BeamSearch",
    "Decoder",
    "Sampler",
    "Sampling",
    "Writing",
    "text_scorer",
]
