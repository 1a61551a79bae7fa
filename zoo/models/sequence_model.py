"""The model class of all sequence architectures, which reads whole texts or token by token."""

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import keras

from zoo.layers import PaddingMask, Pooling
from zoo.models.heads import HEADS, TEXT_HEADS
from zoo.models.stepwise import StepwiseModel


class LayerCall(NamedTuple):
    """A layer of a model and its inputs in a pass.

    Attributes:
        layer: a block, or the pooling layer.
        x: its first input, (B, T, D).
        arguments: its other inputs: `padding_mask` (B, T), and for a decoder `source` (B, S, D)
            and `source_mask` (B, S).
    """

    layer: keras.Layer
    x: Any
    arguments: dict[str, Any]


@keras.saving.register_keras_serializable(package="zoo")
class SequenceModel(StepwiseModel):
    """Token embeddings, a stack of blocks, and a head with logits per text or per token.

    The model is functional, so `summary`, `compile`, `fit` and `save` are Keras's. Next to `call`
    it supports stepwise reading: `advance` takes some tokens and a state, and returns the features
    that a pass over the whole sequence computes at these positions. Generation uses `prefill` for
    the prompt, then `advance` and `head`.

    Shape letters: B batch, T tokens, D width of the features, V vocabulary, C classes.

    Token ids are `int32` (B, T), padded right with 0; every row has at least one real token. The
    state is a nest of tensors whose first axis is the batch. Only `grow_cache` changes its shapes.
    Its entry `"position"` `int32` (B,) is the number of tokens that each row has read.

    Args:
        token_embedding: (B, T) -> (B, T, E).
        blocks: layers with `call(x, padding_mask)`, `initial_state(batch_size, length)`,
            `grow_cache(state, length)`, `advance(x, padding_mask, state, positions)` and a
            `causal` property.
        logits: the last layer, (..., D) -> (..., C or V); None to multiply by the token embeddings
            (Press and Wolf 2017), which are then a `keras.layers.ReversibleEmbedding`.
        head: `"classifier"` (logits per text), `"language_model"` (logits per token, causal),
            `"tagger"` or `"masked"` (logits per token, in both directions); one of `HEADS`.
        pooling: reduction of a text's features to one vector, for `head="classifier"`: one of
            `zoo.layers.POOLINGS`, or a layer with `call(features, padding_mask)`; None where the
            model reduces them itself.
        positions: layer that adds positions to embeddings, or None.
        context_length: maximum number of tokens that the model reads from its initial state; None
            for any number.
        embedding_dropout: layer on the embeddings, or None.
        final_norm: layer on the features, or None.
        projection: layer from the features to the width of tied embeddings, or None.
        feature_dropout: fraction of the features to drop before the head.
    """

    # The highest learning rate of Adam, with warm-up and a beta_2 of 0.99, that trains stably.
    suggested_learning_rate = 1e-2

    # Whether inputs are `{"token_ids": (B, T), "source_ids": (B, S)}`, not token ids alone.
    is_encoder_decoder = False

    def __init__(
        self,
        *,
        token_embedding,
        blocks,
        logits,
        head: str = "classifier",
        pooling: str | keras.Layer | None = "average+max",
        positions=None,
        context_length: int | None = None,
        embedding_dropout=None,
        final_norm=None,
        projection=None,
        feature_dropout: float = 0.0,
        name: str | None = None,
        **kwargs,
    ):
        if head not in HEADS:
            raise ValueError(f"head must be one of {', '.join(HEADS)}; it is {head!r}.")

        # Layers
        self.padding_mask = PaddingMask(name="padding_mask")
        self.token_embedding = token_embedding
        self.positions = positions
        self.embedding_dropout = embedding_dropout
        self.blocks = list(blocks)
        self.final_norm = final_norm
        self.pooling = _pooling_layer(pooling) if head in TEXT_HEADS else None
        self.feature_dropout = keras.layers.Dropout(feature_dropout, name="feature_dropout")
        self.projection = projection
        self.logits = logits
        self.head_name = head

        # Functional model
        inputs = self._symbolic_inputs()
        super().__init__(inputs=inputs, outputs=self.perturbed(inputs), name=name, **kwargs)

        # Config
        self._pooling_argument = pooling
        self.context_length = context_length

    # The whole pass

    @property
    def causal(self) -> bool:
        """Whether a position's features depend on itself and earlier positions only."""
        return all(block.causal for block in self.blocks)

    def features(self, token_ids, source_ids=None):
        """Features of every position: ids (B, T) -> (B, T, D).

        `source_ids` (B, S) is the input of an encoder; other models have none.
        """
        del source_ids
        return self._decode(token_ids)

    def _symbolic_inputs(self):
        return keras.Input((None,), dtype="int32", name="token_ids")

    def perturbed(self, inputs, perturbation=None):
        """Logits, optionally with perturbed embeddings.

        Args:
            inputs: as `call` takes them.
            perturbation: added to the embeddings of the tokens, or of an encoder-decoder's source,
                (B, T, E); None for none.

        Returns:
            The value of `call` for perturbed embeddings.
        """
        features = self._decode(inputs, perturbation)
        if self.pooling is not None:
            features = self.pooling(features, self.padding_mask(inputs))
        return self.head(features)

    def _embed(self, token_ids, places=None, perturbation=None):
        x = self.token_embedding(token_ids)
        if self.positions is not None:
            x = self.positions(x) if places is None else self.positions(x, places)
        if self.embedding_dropout is not None:
            x = self.embedding_dropout(x)
        return x if perturbation is None else x + perturbation

    def _decode(self, token_ids, perturbation=None, **source):
        x = self._embed(token_ids, perturbation=perturbation)
        mask = self.padding_mask(token_ids)
        for block in self.blocks:
            x = block(x, mask, **source)
        return x if self.final_norm is None else self.final_norm(x)

    def trace(self, inputs) -> Iterator[LayerCall]:
        """The calls of all blocks in a pass, an encoder's first, and of the pooling layer if any.

        Args:
            inputs: as `call` takes them.
        """
        features = yield from self._trace(self.blocks, inputs)
        if self.pooling is not None:
            if self.final_norm is not None:
                features = self.final_norm(features)
            yield LayerCall(self.pooling, features, {"padding_mask": self.padding_mask(inputs)})

    def _trace(self, blocks, token_ids, **source) -> Generator[LayerCall, None, Any]:
        x = self._embed(token_ids)
        arguments = {"padding_mask": self.padding_mask(token_ids), **source}
        for block in blocks:
            yield LayerCall(block, x, arguments)
            x = block(x, **arguments)
        return x

    # Config

    def get_config(self):
        serialize, pooling = keras.saving.serialize_keras_object, self._pooling_argument
        return {
            "name": self.name,
            "token_embedding": serialize(self.token_embedding),
            "blocks": [serialize(block) for block in self.blocks],
            "logits": serialize(self.logits),
            "head": self.head_name,
            "pooling": serialize(pooling) if isinstance(pooling, keras.Layer) else pooling,
            "positions": serialize(self.positions),
            "context_length": self.context_length,
            "embedding_dropout": serialize(self.embedding_dropout),
            "final_norm": serialize(self.final_norm),
            "projection": serialize(self.projection),
            "feature_dropout": self.feature_dropout.rate,
        }


def _pooling_layer(pooling: str | keras.Layer | None) -> keras.Layer | None:
    return Pooling(pooling) if isinstance(pooling, str) else pooling
