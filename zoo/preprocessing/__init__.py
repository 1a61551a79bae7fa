"""Raw text to token ids and back: tokenizers, and the layers shared by all models."""

from zoo.utils.lazy import lazy_attributes
from zoo.utils.special_tokens import END_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID

_HOMES = {
    "TextToIds": "text_to_ids",
    "IdsToText": "ids_to_text",
    "TokenSequences": "token_sequences",
    "Tokenizer": "tokenizer",
    "Words": "words",
    "Characters": "characters",
    "make_tokenizer": "tokenizer",
    "register_tokenizer": "tokenizer",
    "tokenizer_class": "tokenizer",
    "tokenizer_options": "tokenizer",
    "list_tokenizers": "tokenizer",
    "TAG": "markup",
}

__all__ = ["END_ID", "SPECIAL_TOKENS", "START_ID", "UNKNOWN_ID", *_HOMES]

# Lazily: token sequences are used where TensorFlow is not installed.
__getattr__, __dir__ = lazy_attributes(__name__, _HOMES)
