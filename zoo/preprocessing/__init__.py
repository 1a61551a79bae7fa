"""Raw text to token ids and back: tokenizers, and the layers shared by all models."""

import importlib

_HOMES = {
    "TextToIds": "text_to_ids",
    "IdsToText": "ids_to_text",
    "TokenSequences": "token_sequences",
    "Tokenizer": "tokenizer",
    "Words": "words",
    "Characters": "characters",
    "make_tokenizer": "tokenizer",
    "register_tokenizer": "tokenizer",
    "tokenizer_options": "tokenizer",
    "list_tokenizers": "tokenizer",
    "SPECIAL_TOKENS": "special_tokens",
    "UNKNOWN_ID": "special_tokens",
    "START_ID": "special_tokens",
    "END_ID": "special_tokens",
    "TAG": "markup",
}

__all__ = [*_HOMES]


def __getattr__(name: str):
    # Lazily: token sequences are used where TensorFlow is not installed.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
