"""Encoder-decoder models, independent of the type of their blocks."""

import keras
from keras import ops

from zoo.models.heads import TEXT_HEADS
from zoo.models.sequence_model import SequenceModel
from zoo.models.stepwise import Packed
from zoo.utils.sequences import drop_last, namespace, pad_width
from zoo.utils.special_tokens import START_ID


@keras.saving.register_keras_serializable(package="zoo")
class EncoderDecoderModel(SequenceModel):
    """A `SequenceModel` whose blocks attend to the output of an encoder.

    With `head="classifier"` the text is the source, and the decoder reads a start token, whose
    features are those of the text. With `head="language_model"` the inputs are `{"token_ids": (B,
    T), "source_ids": (B, S)}`: the source is the prefix, and the decoder reads a start token and
    the continuation.

    Args:
        encoder_blocks: layers with `call(x, padding_mask)`, over the embedded source. No norm
            follows them, since it would give uninformative tokens the same length as others.
        **arguments: those of `SequenceModel`; its blocks also take `source` and `source_mask`.
    """

    suggested_learning_rate = 4e-3

    def __init__(self, *, encoder_blocks, **arguments):
        self.encoder_blocks = list(encoder_blocks)
        super().__init__(**arguments)

    @property
    def is_encoder_decoder(self) -> bool:  # type: ignore[override]
        """Whether the source is an input; a text's class needs no other input than the text."""
        return self.head_name not in TEXT_HEADS

    def inputs_of(self, prefix, continuation):
        """The inputs that read `continuation` with `prefix` as the source.

        A classifier's source is both, and its decoder reads the start token only.
        """
        if not self.is_encoder_decoder:
            return super().inputs_of(prefix, continuation)
        xp = namespace(continuation)
        start = xp.full_like(prefix[:, :1], START_ID)
        return {
            "token_ids": xp.concatenate([start, continuation], axis=1),
            "source_ids": prefix,
        }

    def pack(self, prefix, continuation, *, multiple_of=1):
        targets = pad_width(continuation, multiple_of)
        read = self.inputs_of(pad_width(prefix, multiple_of), drop_last(targets))
        return Packed(read, targets, targets > 0)

    def features(self, token_ids, source_ids=None):
        return self._decode(token_ids, **self._encode(source_ids))

    def _symbolic_inputs(self):
        token_ids = super()._symbolic_inputs()
        if not self.is_encoder_decoder:
            return token_ids
        source_ids = keras.Input((None,), dtype="int32", name="source_ids")
        return {"token_ids": token_ids, "source_ids": source_ids}

    def perturbed(self, inputs, perturbation=None):
        token_ids, source_ids = _decoder_and_source_ids(inputs)
        features = self._decode(token_ids, **self._encode(source_ids, perturbation))
        return self.head(features if self.is_encoder_decoder else features[:, 0])

    def trace(self, inputs):
        token_ids, source_ids = _decoder_and_source_ids(inputs)
        source = yield from self._trace(self.encoder_blocks, source_ids)
        source_mask = self.padding_mask(source_ids)
        yield from self._trace(self.blocks, token_ids, source=source, source_mask=source_mask)

    def _encode(self, source_ids, perturbation=None):
        mask = self.padding_mask(source_ids)
        x = self._embed(source_ids, perturbation=perturbation)
        for block in self.encoder_blocks:
            x = block(x, mask)
        return {"source": x, "source_mask": mask}

    def initial_state(self, batch_size, length, source_ids=None):
        if source_ids is None:
            raise ValueError(
                f"{self.name} is an encoder-decoder: its state needs source_ids (B, S)."
            )
        self._check_causal()
        return self._initial_state(batch_size, length, **self._encode(source_ids))

    def prefill(self, prompt_ids, length):
        """Encodes prompts, then reads the start token with the decoder."""
        state = self.initial_state(ops.shape(prompt_ids)[0], length, source_ids=prompt_ids)
        features, state = self.advance(ops.full_like(prompt_ids[:, :1], START_ID), state)
        return features[:, 0], state

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "encoder_blocks": [serialize(block) for block in self.encoder_blocks],
        }


def _decoder_and_source_ids(inputs):
    """Inputs of decoder and encoder; those of a classifier are a start token and the text."""
    if isinstance(inputs, dict):
        return inputs["token_ids"], inputs["source_ids"]
    return ops.full_like(inputs[:, :1], START_ID), inputs
