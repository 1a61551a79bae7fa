"""Layers, written with `keras` and `keras.ops` only, so that they run on every backend."""

from zoo.layers.attention import MultiHeadAttention, masked_softmax
from zoo.layers.embedding import LearnedPositions, SinePositions
from zoo.layers.logits import Logits
from zoo.layers.ngrams import DistinctBigrams, WeightedLogCountRatios
from zoo.layers.pooling import POOLINGS, PaddingMask, Pooling, last_real
from zoo.layers.recurrent import RecurrentBlock
from zoo.layers.transformer import TransformerBlock

__all__ = [
    "POOLINGS",
    "DistinctBigrams",
    "LearnedPositions",
    "Logits",
    "MultiHeadAttention",
    "PaddingMask",
    "Pooling",
    "RecurrentBlock",
    "SinePositions",
    "TransformerBlock",
    "WeightedLogCountRatios",
    "last_real",
    "masked_softmax",
]
