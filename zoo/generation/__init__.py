"""Text generation: one decoding loop for every model, and strategies that choose the next token.

Decoding uses four methods of a model, `prefill`, `advance`, `head` and `grow_cache`; it does not
know the architecture, the tokenizer or the task.
"""

from zoo.generation.beam_search import BeamSearch
from zoo.generation.constraints import BannedSequences, NoRepeatedNgrams, pad_left
from zoo.generation.decoder import Decoder, DecodingState
from zoo.generation.options import check_options, sequence_keys
from zoo.generation.sampling import (
    MAX_NEW_TOKENS,
    NEW_TOKENS,
    Sampler,
    Sampling,
    check_sampling,
    sampling_warnings,
    seed_keys,
)
from zoo.generation.scoring import text_scorer

__all__ = [
    "MAX_NEW_TOKENS",
    "NEW_TOKENS",
    "BannedSequences",
    "BeamSearch",
    "Decoder",
    "DecodingState",
    "NoRepeatedNgrams",
    "Sampler",
    "Sampling",
    "check_options",
    "check_sampling",
    "pad_left",
    "sampling_warnings",
    "seed_keys",
    "sequence_keys",
    "text_scorer",
]
