"""Shared text layers: raw text to ids and back."""

import importlib

_HOMES = {
    "TextToIds": "text_to_ids",
    "IdsToText": "ids_to_text",
    "TokenSequences": "token_sequences",
    "join_texts": "ids_to_text",
    "SPECIAL_TOKENS": "special_tokens",
    "UNKNOWN_ID": "special_tokens",
    "START_ID": "special_tokens",
    "END_ID": "special_tokens",
    "TAG": "splitting",
}

__all__ = [*_HOMES]


def __getattr__(name: str):
    # Lazily: token sequences are wanted where TensorFlow is not installed.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
