"""The layer that writes: token ids back to text."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo.preprocessing.text_to_ids import TextToIds
from zoo.preprocessing.tokenizer import Tokenizer, make_tokenizer
from zoo.utils.special_tokens import END_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID


@keras.saving.register_keras_serializable(package="zoo")
class IdsToText(keras.layers.Layer):
    """Turns token ids into text: the inverse of `TextToIds`.

    Pads and start tokens are omitted, and so is everything from the first end token on. An unknown
    token reads as the tokenizer's `unknown_text`.

    Args:
        tokenizer: a `Tokenizer`, or the name of one.
        vocabulary: the tokens after the special ones, by id.

    Call arguments:
        token_ids: integer ids (B, T).

    Returns:
        String tensor (B,).

    Example:
        >>> import numpy as np
        >>> from zoo.preprocessing import IdsToText
        >>> ids_to_text = IdsToText(tokenizer="word", vocabulary=["fine", "!"])
        >>> ids_to_text(np.array([[2, 4, 5, 3, 0]])).numpy().tolist()
        [b'fine!']
    """

    def __init__(
        self,
        *,
        tokenizer: Tokenizer | str | Mapping[str, Any],
        vocabulary: Sequence[str],
        name: str = "ids_to_text",
        **kwargs,
    ):
        super().__init__(name=name, **{**kwargs, "dtype": "string", "trainable": False})
        self.tokenizer = make_tokenizer(tokenizer)
        self._vocabulary = list(vocabulary)

    @classmethod
    def from_text_to_ids(cls, text_to_ids: TextToIds) -> "IdsToText":
        """The inverse of a `TextToIds`."""
        return cls(
            tokenizer=text_to_ids.tokenizer,
            vocabulary=text_to_ids.vocabulary[len(SPECIAL_TOKENS) :],
        )

    def call(self, token_ids):
        return self.tokenizer.join(self.tokens(token_ids))

    def append(self, texts: tf.Tensor, token_ids) -> tf.Tensor:
        """Texts (B,), each continued by its token ids (B, T)."""
        return self.tokenizer.append(texts, self.tokens(token_ids))

    def tokens(self, token_ids) -> tf.RaggedTensor:
        """The tokens (B, None) that are written for token ids (B, T)."""
        token_ids = tf.convert_to_tensor(token_ids)
        tokens = ["", self.tokenizer.unknown_text, "", "", *self._vocabulary]
        tokens = tf.gather(tf.constant(tokens), token_ids)
        is_end = tf.cast(token_ids == END_ID, tf.int32)
        is_written = (tf.cumsum(is_end, axis=1) == 0) & (
            (token_ids > START_ID) | (token_ids == UNKNOWN_ID)
        )
        return tf.ragged.boolean_mask(tokens, is_written)

    def compute_output_spec(self, token_ids):
        return keras.KerasTensor((token_ids.shape[0],), "string")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tokenizer": self.tokenizer.get_config(),
            "vocabulary": self._vocabulary,
        }
