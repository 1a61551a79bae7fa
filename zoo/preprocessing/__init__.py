"""Raw text to token ids and back: tokenizers, and the layers shared by all models."""

from zoo.utils.lazy import lazy_attributes

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

# Lazily: token sequences are used where TensorFlow is not installed.
__getattr__, __dir__ = lazy_attributes(__name__, _HOMES)
