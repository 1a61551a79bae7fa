"""What every architecture of the zoo is: a Keras model that can be read whole or step by step."""

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.layers import PaddingMask, Pooling, last_real
from zoo.models.heads import HEADS, LayeredModel
from zoo.utils.sequences import drop_last, join_padded, namespace, pad_width, row_lengths


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


class Packed(NamedTuple):
    """A prefix and its continuation as a model reads and predicts them.

    Attributes:
        inputs: what the model is called with.
        targets: the token that each position predicts, `int32` (B, T), padded right with 0.
        is_asked: booleans (B, T), True where the target is a token of the continuation.
    """

    inputs: Any
    targets: Any
    is_asked: Any


@keras.saving.register_keras_serializable(package="zoo")
class SequenceModel(LayeredModel):
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
        super().__init__(inputs=inputs, outputs=self._answer(inputs), name=name, **kwargs)

        # Config
        self._pooling_argument = pooling
        self.context_length = context_length

    # The whole pass

    @property
    def is_encoder_decoder(self) -> bool:
        """Whether inputs are `{"token_ids": (B, T), "source_ids": (B, S)}`, not token ids alone.

        The source is what stands before the tokens.
        """
        return False

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

    def head(self, features):
        """Logits of features: (B, T, D) -> (B, T, V), or one vector a text (B, D) -> (B, C)."""
        features = self.head_features(features)
        if self.logits is None:
            return self.token_embedding(features, reverse=True)
        return self.logits(features)

    def head_features(self, features):
        """What the logits are a product with: (..., D) -> (..., W), W = E where they are tied."""
        features = self.feature_dropout(features)
        return features if self.projection is None else self.projection(features)

    def output_vectors(self, token_ids):
        """What makes the logits of some tokens: ids (...) -> vectors (..., W) and biases (...).

        A token's logit is the product of `head_features` with its vector, plus its bias.
        """
        if self.logits is None:
            return self.token_embedding(token_ids), 0.0
        kernel, bias = ops.transpose(self.logits.kernel), self.logits.bias
        return ops.take(kernel, token_ids, axis=0), ops.take(bias, token_ids, axis=0)

    def _symbolic_inputs(self):
        return keras.Input((None,), dtype="int32", name="token_ids")

    def perturbed(self, inputs, perturbation):
        """The answer where the embeddings of what is read are moved a little.

        Args:
            inputs: as `call` takes them; an encoder-decoder's source is what is moved.
            perturbation: what is added to the embeddings, (B, T, E).

        Returns:
            Logits, as `call` gives them.
        """
        return self._answer(inputs, perturbation)

    def _answer(self, token_ids, perturbation=None):
        features = self._decode(token_ids, perturbation)
        if self.pooling is not None:
            features = self.pooling(features, self.padding_mask(token_ids))
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

    # A prefix and its continuation

    def inputs_of(self, prefix, continuation):
        """The inputs that read `prefix` and then `continuation`: ids (B, P), (B, C) -> (B, T)."""
        return join_padded(prefix, continuation)

    def pack(self, prefix, continuation, *, multiple_of: int = 1) -> Packed:
        """Inputs and targets that predict each token of a continuation from all tokens before it.

        Args:
            prefix: ids (B, P), padded right with 0, one token a row at least. NumPy arrays or
                tensors; the result is of the same kind.
            continuation: ids (B, C), padded right with 0.
            multiple_of: widths are padded to a multiple of it.
        """
        xp = namespace(prefix)
        joined = join_padded(prefix, continuation)
        inputs = pad_width(drop_last(joined)[:, :-1], multiple_of)
        targets = pad_width(joined[:, 1:], multiple_of)
        place = xp.arange(1, xp.shape(targets)[1] + 1, dtype="int32")[None]
        is_asked = xp.logical_and(place >= row_lengths(prefix)[:, None], targets > 0)
        return Packed(inputs, targets, is_asked)

    # Step by step

    def initial_state(self, batch_size: int, length: int, source_ids=None):
        """The state before any token.

        Args:
            batch_size: B.
            length: the most tokens that the state will be advanced by, unless it is extended.
            source_ids: (B, S), for an encoder-decoder only.

        Returns:
            A nest of tensors, batch first.
        """
        self._check_causal()
        return self._initial_state(batch_size, length)

    def _initial_state(self, batch_size, length, **source):
        return {
            "position": ops.zeros((batch_size,), "int32"),
            "blocks": [b.initial_state(batch_size, length, **source) for b in self.blocks],
        }

    def grow_cache(self, state, length: int):
        """The state with room for `length` more tokens."""
        blocks = zip(self.blocks, state["blocks"], strict=True)
        return {**state, "blocks": [block.grow_cache(of, length) for block, of in blocks]}

    def advance(self, token_ids, state):
        """Reads a block of tokens: ids (B, T >= 1), state -> features (B, T, D), state.

        Pads change nothing: a row of pads leaves its part of the state as it was.
        """
        self._check_causal()
        mask = self.padding_mask(token_ids)
        read = state["position"][:, None] + ops.cumsum(ops.cast(mask, "int32"), axis=1)
        places = ops.maximum(read - 1, 0)
        x = self._embed(token_ids, places)
        block_states = []
        for block, block_state in zip(self.blocks, state["blocks"], strict=True):
            x, block_state = block.advance(x, mask, block_state, places)
            block_states.append(block_state)
        x = x if self.final_norm is None else self.final_norm(x)
        return x, {"position": read[:, -1], "blocks": block_states}

    def prefill(self, prompt_ids, length: int):
        """Reads prompts in one pass, so that what follows can be written.

        Args:
            prompt_ids: (B, P), padded right.
            length: room of the state, P or more; see `initial_state`.

        Returns:
            (features (B, D), from which `head` tells the token behind each prompt; state).
        """
        features, state = self.advance(
            prompt_ids, self.initial_state(ops.shape(prompt_ids)[0], length)
        )
        return last_real(features, self.padding_mask(prompt_ids)), state

    def _check_causal(self):
        if not self.causal:
            raise ValueError(
                f"{self.name} reads in both directions, so it cannot be advanced token by token; "
                "build it with bidirectional=False."
            )

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
