"""The encoder-decoder Transformer."""

import keras
from keras import ops

from zoo.layers import SinePositions, TransformerBlock
from zoo.models.heads import (
    dropout_rate,
    embedding_dropout_layer,
    embedding_layer,
    head_layers,
    penalty,
)
from zoo.models.registry import register_model
from zoo.models.sequence_model import SequenceModel

# The id that `TextToIds` gives to the start of a text, the first token a decoder reads.
_START_ID = 2

POSITIONS = ("distance", "sine")


@keras.saving.register_keras_serializable(package="zoo")
class EncoderDecoderModel(SequenceModel):
    """A `SequenceModel` whose blocks attend to a source that an encoder has read.

    With `head="classifier"` the text is the source, and the decoder reads one start token: its
    features are the text's. With `head="language_model"` the inputs are `{"token_ids": (B, T),
    "source_ids": (B, S)}`: the source is what stands before, the decoder reads a start token and
    what follows.

    Args:
        encoder_blocks: layers with `call(x, padding_mask)`, over the embedded source. No norm
            follows them: the decoder weighs tokens by what they say, and after a norm the
            emptiest word would speak as loud as any.
        **arguments: those of `SequenceModel`; its blocks take `source` and `source_mask` too.
    """

    suggested_learning_rate = 4e-3

    def __init__(self, *, encoder_blocks, **arguments):
        self.encoder_blocks = list(encoder_blocks)
        super().__init__(**arguments)

    @property
    def is_encoder_decoder(self) -> bool:
        """Whether what stands before is an input of its own, `source_ids`."""
        return self.head_name == "language_model"

    def features(self, token_ids, source_ids=None):
        return self._decode(token_ids, **self._encode(source_ids))

    def _symbolic_inputs(self):
        token_ids = super()._symbolic_inputs()
        if self.head_name == "classifier":
            return token_ids
        source_ids = keras.Input((None,), dtype="int32", name="source_ids")
        return {"token_ids": token_ids, "source_ids": source_ids}

    def _answer(self, inputs, perturbation=None):
        if self.head_name == "language_model":
            token_ids, source_ids = inputs["token_ids"], inputs["source_ids"]
            return self.head(self._decode(token_ids, **self._encode(source_ids, perturbation)))
        start = ops.full_like(inputs[:, :1], _START_ID)
        features = self._decode(start, **self._encode(inputs, perturbation))
        return self.head(features[:, 0])

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
        """Encodes prompts, and reads the start token with which the decoder begins."""
        state = self.initial_state(ops.shape(prompt_ids)[0], length, source_ids=prompt_ids)
        features, state = self.advance(ops.full_like(prompt_ids[:, :1], _START_ID), state)
        return features[:, 0], state

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "encoder_blocks": [serialize(block) for block in self.encoder_blocks],
        }


@register_model
def Transformer(
    *,
    vocabulary_size: int,
    head: str = "classifier",
    num_classes: int = 2,
    sequence_length: int | None = None,
    embedding_dim: int = 64,
    hidden_units: int = 128,
    num_layers: int = 1,
    num_heads: int = 2,
    positions: str = "distance",
    embedding_dropout: float | None = None,
    dropout: float = 0.1,
    feature_dropout: float | None = None,
    tie_embeddings: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "transformer",
) -> EncoderDecoderModel:
    """Encoder-decoder Transformer (Vaswani et al. 2017), pre-norm.

    For an answer a text, the decoder reads one start token while attending to the encoded text.

    Args:
        vocabulary_size: V, the number of token ids, the pad 0 included.
        head: `"classifier"` (logits per text) or `"language_model"` (logits per token).
        num_classes: C, the logits a text; two classes are two logits.
        sequence_length: the most tokens that a decoder is to write before it begins anew behind
            what it has written; the encoder reads any number. None for any number.
        embedding_dim: D, the width throughout.
        hidden_units: width inside the feed-forward networks.
        num_layers: blocks of the encoder, and as many of the decoder.
        num_heads: attention heads; must divide `embedding_dim`.
        positions: how the order of tokens is known: `"distance"`, attention that fades with
            distance (Press et al. 2022), or `"sine"`, waves added to the embeddings.
        embedding_dropout: share of the embeddings' entries set to zero in training; None for half
            of them where a text has one answer, and for none where each token has.
        dropout: share dropped in training, of attention weights and of each sublayer's output.
        feature_dropout: share of what the head reads set to zero in training; None likewise.
        tie_embeddings: whether the token embeddings are the weights of the logits as well, for
            `head="language_model"`.
        l1: weight of the sum of absolute kernel weights in the training loss.
        l2: weight of the sum of squared kernel weights in the training loss.
        name: the model's name.

    Returns:
        An `EncoderDecoderModel`: token ids `int32` (B, T) -> logits (B, C); or with
        `head="language_model"` `{"token_ids": (B, T), "source_ids": (B, S)}` -> logits (B, T, V).
    """
    if embedding_dim % num_heads:
        raise ValueError(
            f"embedding_dim must be a multiple of num_heads; {embedding_dim} is not one of "
            f"{num_heads}."
        )
    if positions not in POSITIONS:
        raise ValueError(f"positions must be one of {', '.join(POSITIONS)}; it is {positions!r}.")
    regularizer = penalty(l1, l2)

    def blocks(side, **options):
        return [
            TransformerBlock(
                num_heads,
                hidden_units,
                penalize_distance=positions == "distance",
                dropout=dropout,
                kernel_regularizer=regularizer,
                name=f"{side}_{index}",
                **options,
            )
            for index in range(num_layers)
        ]

    return EncoderDecoderModel(
        positions=SinePositions(name="positions") if positions == "sine" else None,
        context_length=sequence_length,
        embedding_dropout=embedding_dropout_layer(embedding_dropout, head),
        encoder_blocks=blocks("encoder"),
        blocks=blocks("decoder", causal=True, cross_attention=True),
        pooling=None,
        final_norm=keras.layers.LayerNormalization(name="final_norm"),
        feature_dropout=dropout_rate(feature_dropout, head),
        head=head,
        token_embedding=embedding_layer(
            vocabulary_size, embedding_dim, tie_embeddings=tie_embeddings
        ),
        **head_layers(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            width=embedding_dim,
            head=head,
            num_classes=num_classes,
            tie_embeddings=tie_embeddings,
            regularizer=regularizer,
        ),
        name=name,
    )
