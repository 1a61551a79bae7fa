"""The layer that writes: token ids back to text."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from zoo.preprocessing import splitting
from zoo.preprocessing.special_tokens import END_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID
from zoo.preprocessing.text_to_ids import TextToIds


@keras.saving.register_keras_serializable(package="zoo")
class IdsToText(keras.layers.Layer):
    """Turns token ids into text: the way back from `TextToIds`.

    What stands at and after the first end token is left out, and so are pads and starts. An
    unknown token reads `[UNK]` among words and U+FFFD among characters.

    Args:
        level: `"word"` or `"character"`.
        vocabulary: the tokens after the special ones, by id.

    Call arguments:
        token_ids: integer ids (B, T).

    Returns:
        String tensor (B,).
    """

    def __init__(self, *, level: str, vocabulary: Sequence[str], name="ids_to_text", **kwargs):
        super().__init__(name=name, dtype="string", trainable=False)
        self.level = level
        self._vocabulary = list(vocabulary)

    @classmethod
    def from_text_to_ids(cls, text_to_ids: TextToIds) -> "IdsToText":
        """The layer that undoes another one."""
        return cls(
            level=text_to_ids.level, vocabulary=text_to_ids.vocabulary[len(SPECIAL_TOKENS) :]
        )

    def call(self, token_ids):
        token_ids = tf.convert_to_tensor(token_ids)
        words = ["", "[UNK]" if self.level == "word" else "\N{REPLACEMENT CHARACTER}", "", ""]
        tokens = tf.gather(tf.constant([*words, *self._vocabulary]), token_ids)
        is_end = tf.cast(token_ids == END_ID, tf.int32)
        is_written = (tf.cumsum(is_end, axis=1) == 0) & (
            (token_ids > START_ID) | (token_ids == UNKNOWN_ID)
        )
        tokens = tf.ragged.boolean_mask(tokens, is_written)
        if self.level == "character":
            return splitting.join_characters(tokens)
        return splitting.join_words(tokens)

    def compute_output_spec(self, token_ids):
        return keras.KerasTensor((token_ids.shape[0],), "string")

    def get_config(self) -> dict:
        return {**super().get_config(), "level": self.level, "vocabulary": self._vocabulary}


def join_texts(prompts: tf.Tensor, continuations: tf.Tensor, level: str) -> tf.Tensor:
    """Prompts (B,) with what goes on behind them (B,), as one text each.

    Words are set apart by a space, but where English has none: before a closing mark, or behind an
    opening one.
    """
    prompts = splitting.valid_utf8(prompts)
    if level == "character":
        return prompts + continuations
    touching = (
        (tf.strings.length(continuations) == 0)
        | tf.strings.regex_full_match(prompts, r"(?s)|.*[\s(\[{$]")
        | tf.strings.regex_full_match(continuations, r"(?s)[.,!?;:)\]}%…].*")
    )
    return tf.strings.join([prompts, tf.where(touching, "", " "), continuations])
