"""Building blocks, in `keras` and `keras.ops` alone, so that they run on every backend."""

from zoo.layers.attention import MultiHeadAttention, TransformerBlock
from zoo.layers.embedding import LearnedPositions, SinePositions
from zoo.layers.pooling import POOLINGS, PaddingMask, Pooling, last_real
from zoo.layers.recurrent import RecurrentBlock

__all__ = [
    "POOLINGS",
    "LearnedPositions",
    "MultiHeadAttention",
    "PaddingMask",
    "Pooling",
    "RecurrentBlock",
    "SinePositions",
    "TransformerBlock",
    "last_real",
]
