"""Writing token by token: one loop for every model, and the ways to choose the next token.

A model is known here by four functions alone: `prefill`, `advance`, `head` and `grow_cache`.
"""

from zoo.generation.beam_search import BeamSearch
from zoo.generation.decoder import MAX_NEW_TOKENS, Decoder, DecodingState
from zoo.generation.sampling import Sampler, Sampling
from zoo.generation.scoring import text_scorer

__all__ = [
    "MAX_NEW_TOKENS",
    "BeamSearch",
    "Decoder",
    "DecodingState",
    "Sampler",
    "Sampling",
    "text_scorer",
]
