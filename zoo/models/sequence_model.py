"""What every architecture of the zoo is: a Keras model that can be read whole or step by step."""

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import keras

from zoo.layers import PaddingMask, Pooling
from zoo.models.heads import HEADS
from zoo.models.stepwise import StepwiseModel


class LayerCall(NamedTuple):
    """A layer of a model and what it is called with in a pass.

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
    """Token embeddings, a stack of blocks, and a head: one answer a text or one a token.

    It is a functional model inside, so `summary`, `compile`, `fit` and `save` are Keras's own.
    Beside `call` it can be advanced: from `initial_state`, block after block of tokens, each block
    giving the very features that the pass over the whole sequence gives at these positions.
    Generation needs no more than that: `prefill` reads a prompt, `advance` and `head` go on.

    Shape letters: B batch, T tokens, D width of the features, V vocabulary, C classes.

    Token ids are `int32` (B, T), padded right with 0; every row has at least one real token. The
    state is a nest of tensors whose first axis is the batch. Its shapes never change, but by
    `grow_cache`. Its entry `"position"` `int32` (B,) says how many tokens each row has read.

    Args:
        token_embedding: (B, T) -> (B, T, E).
        blocks: layers with `call(x, padding_mask)`, `initial_state(batch_size, length)`,
            `grow_cache(state, length)`, `advance(x, padding_mask, state, positions)` and a
            `causal` property.
        logits: the last layer, (..., D) -> (..., C or V); None to multiply by the token embeddings
            (Press and Wolf 2017), a `keras.layers.ReversibleEmbedding` then.
        head: `"classifier"` (logits per text), `"language_model"` (logits per token, causal),
            `"tagger"` or `"masked"` (logits per token, in both directions); one of `HEADS`.
        pooling: reduction of a text's features to one vector, for `head="classifier"`: one of
            `zoo.layers.POOLINGS`, or a layer with `call(features, padding_mask)`; None where the
            model reduces them itself.
        positions: layer that adds the order of tokens to embeddings, or None.
        context_length: the most tokens that the model can read from its initial state; None where
            any number will do.
        embedding_dropout: layer on the embeddings, or None.
        final_norm: layer on the features, or None.
        projection: layer from the features to the width of tied embeddings, or None.
        feature_dropout: share of what the head reads set to zero in training.
    """

    # The highest rate of Adam, with a warm-up and a beta_2 of 0.99, that trains this kind well.
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
        self.pooling = _pooling_layer(pooling) if head == "classifier" else None
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

        `source_ids` (B, S) is what an encoder-decoder's decoder attends to; other models have none.
        """
        del source_ids
        return self._decode(token_ids)

    def _symbolic_inputs(self):
        return keras.Input((None,), dtype="int32", name="token_ids")

    def perturbed(self, inputs, perturbation=None):
        """The answer where the embeddings of what is read are moved a little.

        Args:
            inputs: as `call` takes them; an encoder-decoder's source is what is moved.
            perturbation: what is added to the embeddings, (B, T, E).

        Returns:
            Logits, as `call` gives them.
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
        """Every block in the order of a pass, an encoder's first, and the pooling layer if any.

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
