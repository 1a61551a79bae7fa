"""The loop that writes: read a prompt in one pass, then token by token from the state.

Shape letters: B prompts, R rows that are written at once (B, rounded up, times the beams), P width
of the prompts, N new tokens, V vocabulary.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from zoo.generation.sampling import Sampler, Sampling

# New tokens that may be asked for: room for the text of all of them is made at the start.
MAX_NEW_TOKENS = 1_000_000
# Steps that are compiled as one loop, and random numbers that are drawn at a time.
_STEPS = 64
# The smallest room of a state, doubled whenever it is full: a step costs what its room costs, and
# each room is compiled once.
_ROOM = 256
# Tokens that are read of a prompt by a model that could read any number.
_MAX_PROMPT = 4096
# Rows are filled up to one of these numbers, so that not every size of a batch is compiled anew.
_ROWS = [2**i for i in range(17)]


class DecodingState(NamedTuple):
    """Texts that are being written.

    Attributes:
        text: prompts and what was written behind them, padded right, (R, P + N).
        length: tokens of each row so far, (R,).
        logits: of the next token, (R, V).
        state: the model's.
        room: how many tokens the state has room for, in all.
        finished: which rows have met the end token, (R,).
        step: how many tokens were written so far.
        memory: the strategy's.
    """

    text: Any
    length: Any
    logits: Any
    state: Any
    room: Any
    finished: Any
    step: Any
    memory: Any


class Decoder(tf.Module):
    """Writes continuations with any model that has `prefill`, `advance`, `head`, `grow_cache`.

    When a text has grown to the model's `context_length`, it is read anew from the last half of
    that, and goes on; those beside it do not notice.

    Args:
        model: the model; its `head` gives logits (..., V).
        strategy: a `Sampler` or a `BeamSearch`; None for a `Sampler`.
        end_id: the token that ends a text.
        never: ids that are never written.
        jit_compile: whether the steps are compiled by XLA, for each number of rows and each room
            once. About three times faster, after some seconds for the first text.
        state_dtype: of the floating-point tensors of the state; None for the model's own.
    """

    def __init__(
        self,
        model,
        strategy=None,
        *,
        end_id: int,
        never=(),
        jit_compile: bool = True,
        state_dtype: str | None = None,
    ):
        super().__init__(name="decoder")
        self.model = model
        self.strategy = strategy or Sampler()
        self._end_id = end_id
        self._never = tuple(never)
        self._jit_compile = jit_compile
        self._state_dtype = state_dtype
        self._advance_by = tf.function(self._steps, jit_compile=jit_compile, autograph=False)
        self._begin_at = tf.function(
            self._begin,
            autograph=False,
            input_signature=[
                tf.TensorSpec([None, None], tf.int32),
                tf.TensorSpec([], tf.int32),
            ],
        )

    def __call__(self, prompt_ids, max_new_tokens, sampling: Sampling) -> dict:
        """Continues prompts.

        Args:
            prompt_ids: `int32` (B, P), padded right, one token a row at least; B may be 0.
            max_new_tokens: N.
            sampling: see `Sampling`.

        Returns:
            A dict with `token_ids`, what was written, `int32` (B, N), the end token included where
            it was met, padded right; and `log_probability` (B,), the logarithm of its probability
            under the model itself, at temperature 1 and with all tokens.
        """
        sampling = sampling.tensors()
        max_new_tokens = tf.convert_to_tensor(max_new_tokens, tf.int32)
        # A width that is known would be the state's too, which has to grow in the loop.
        prompt_ids = tf.compat.v1.placeholder_with_default(prompt_ids, [None, None])
        writing = self.start(prompt_ids, max_new_tokens)
        prompt_length = writing.length
        writing = tf.while_loop(
            lambda *now: self.goes_on(DecodingState(*now), max_new_tokens),
            lambda *now: self.extend(DecodingState(*now), sampling, max_new_tokens),
            writing,
            shape_invariants=tf.nest.map_structure(lambda x: x.shape, writing),
        )
        return self.written(
            DecodingState(*writing), prompt_length, tf.shape(prompt_ids)[0], max_new_tokens
        )

    # What it is made of, for those who want to see the text grow

    def start(self, prompt_ids, max_new_tokens) -> DecodingState:
        """Reads prompts (B, P): nothing written yet."""
        text, length = self._rows(prompt_ids)
        prompts = tf.shape(prompt_ids)[0]
        limit = self._context
        keep = tf.clip_by_value(limit - max_new_tokens, limit // 2, limit - 1)
        text = _last(text, length, keep)
        length = tf.minimum(length, keep)
        room = self._first_room(tf.shape(text)[1])
        logits, state = self._begin_at(text, room)
        is_prompt = tf.range(tf.shape(length)[0]) < prompts * self.strategy.rows_per_prompt
        return DecodingState(
            text=tf.pad(text, [[0, 0], [0, max_new_tokens]]),
            length=length,
            logits=logits,
            state=state,
            room=room,
            finished=~is_prompt,
            step=tf.constant(0),
            memory=self.strategy.start(text, length, logits.shape[-1], max_new_tokens),
        )

    def goes_on(self, writing: DecodingState, max_new_tokens):
        """Whether there is anything left to write."""
        return (writing.step < max_new_tokens) & ~tf.reduce_all(writing.finished)

    def extend(self, writing: DecodingState, sampling: Sampling, most) -> DecodingState:
        """Writes some tokens more, as many as `most` in all."""
        is_full = _most_read(writing) >= writing.room
        writing = tf.cond(is_full, lambda: self._with_room(writing), lambda: writing)
        left = writing.room - _most_read(writing)
        # Numbers are drawn outside of what XLA compiles, which would draw others.
        place = writing.step % _STEPS
        steps = tf.minimum(tf.minimum(most - writing.step, left), _STEPS - place)
        uniforms = tf.random.stateless_uniform(
            [tf.shape(writing.length)[0], _STEPS],
            tf.stack([sampling.seed, writing.step // _STEPS]),
            alg="philox",
        )
        logits, state, finished, memory, tokens, origin = self._advance_by(
            writing.logits,
            writing.state,
            writing.finished,
            writing.memory,
            tf.roll(uniforms, -place, axis=1),
            steps,
            sampling,
        )
        length = tf.gather(writing.length, origin)
        text = _append(tf.gather(writing.text, origin), length, tokens)
        return DecodingState(
            text=text,
            length=length + tf.reduce_sum(tf.cast(tokens > 0, tf.int32), axis=1),
            logits=logits,
            state=state,
            room=writing.room,
            finished=finished,
            step=writing.step + steps,
            memory=memory,
        )

    def written(self, writing: DecodingState, prompt_length, prompts, most) -> dict:
        """What `__call__` returns, out of what was written so far."""
        rows, log_probability = self.strategy.finish(writing.memory)
        rows = rows[:prompts]
        behind = tf.gather(prompt_length, rows)[:, None] + tf.range(most)
        is_written = behind < tf.gather(writing.length, rows)[:, None]
        behind = tf.minimum(behind, tf.shape(writing.text)[1] - 1)
        tokens = tf.gather(tf.gather(writing.text, rows), behind, batch_dims=1)
        return {
            "token_ids": tf.where(is_written, tokens, 0),
            "log_probability": log_probability[:prompts],
        }

    # Steps

    def _steps(self, logits, state, finished, memory, uniforms, steps, sampling):
        """`steps` tokens at most `_STEPS`: the loop that is compiled."""
        rows = tf.shape(finished)[0]
        vocabulary_size = logits.shape[-1]
        ids = tf.range(vocabulary_size)
        allowed = tf.reduce_all(ids[:, None] != tf.constant(self._never, tf.int32), axis=1)

        def body(index, logits, state, finished, memory, tokens, origin):
            chosen, parents, memory = self.strategy.choose(
                logits, memory, finished, uniforms[:, index], sampling, allowed
            )
            if parents is not None:
                state, finished, tokens, origin = tf.nest.map_structure(
                    lambda x: tf.gather(x, parents), (state, finished, tokens, origin)
                )
            column = tf.one_hot(index, _STEPS, dtype=tf.int32)
            tokens = tokens + chosen[:, None] * column
            finished = finished | (chosen == self._end_id)
            # A finished row reads pads from here on, which leave its state as it was.
            reads = tf.where(finished, 0, chosen)
            features, advanced = self.model.advance(reads[:, None], state)
            # Of the type that it is kept in, whatever the model computes in.
            state = tf.nest.map_structure(lambda x, kept: tf.cast(x, kept.dtype), advanced, state)
            logits = tf.cast(self.model.head(features[:, -1]), tf.float32)
            return index + 1, logits, state, finished, memory, tokens, origin

        _, logits, state, finished, memory, tokens, origin = tf.while_loop(
            lambda index, *now: (index < steps) & ~tf.reduce_all(now[2]),
            body,
            (
                tf.constant(0),
                logits,
                state,
                finished,
                memory,
                tf.zeros([rows, _STEPS], tf.int32),
                tf.range(rows),
            ),
        )
        return logits, state, finished, memory, tokens, origin

    # Room

    @property
    def _context(self) -> int:
        return self.model.context_length or 2 * _MAX_PROMPT

    def _first_room(self, width):
        """The smallest room with some place behind prompts of this width."""
        rooms = tf.constant([_ROOM * 2**i for i in range(20)])
        enough = tf.gather(rooms, tf.searchsorted(rooms, [width + _ROOM // 8])[0])
        return tf.minimum(enough, self._context)

    def _with_room(self, writing: DecodingState) -> DecodingState:
        """The same with a larger state; where the context allows none, full rows are read anew."""

        def larger():
            more = tf.minimum(writing.room, self._context - writing.room)
            state = self.model.grow_cache(writing.state, more)
            return writing._replace(state=state, room=writing.room + more)

        def anew():
            text = _last(writing.text, writing.length, self._context // 2)
            logits, state = self._begin_at(text, writing.room)
            # A row that still has room goes on as it would without the others.
            is_full = writing.state["position"] >= writing.room
            return writing._replace(
                state=tf.nest.map_structure(
                    lambda new, old: _choose(is_full, new, old), state, writing.state
                ),
                logits=_choose(is_full, logits, writing.logits),
            )

        if self.model.context_length is None:
            return larger()
        return tf.cond(writing.room < self._context, larger, anew)

    def _begin(self, text, room):
        features, state = self.model.prefill(text, room)
        if self._state_dtype is not None:
            state = tf.nest.map_structure(
                lambda x: tf.cast(x, self._state_dtype) if x.dtype.is_floating else x, state
            )
        return tf.cast(self.model.head(features), tf.float32), state

    # Shapes

    def _rows(self, prompt_ids):
        """Prompts (B, P) as rows (R, P), and the length of each row."""
        prompts = tf.shape(prompt_ids)[0]
        rows = tf.maximum(prompts, 1)
        if self._jit_compile:
            fitting = tf.gather([*_ROWS, 0], tf.searchsorted(_ROWS, [rows])[0])
            rows = tf.maximum(rows, fitting)
        # Rows that nobody asked for hold one token, as every row must.
        fill = tf.pad(
            tf.ones([rows - prompts, 1], tf.int32), [[0, 0], [0, tf.shape(prompt_ids)[1] - 1]]
        )
        text = tf.repeat(
            tf.concat([prompt_ids, fill], axis=0), self.strategy.rows_per_prompt, axis=0
        )
        return text, tf.reduce_sum(tf.cast(text > 0, tf.int32), axis=1)


def _most_read(writing: DecodingState):
    """Tokens that the state holds of the longest row that goes on; finished ones need no room."""
    return tf.reduce_max(tf.where(writing.finished, 0, writing.state["position"]))


def _last(text, length, keep):
    """The last tokens of each row of text (R, T), at most `keep` of them, padded right."""
    width = tf.minimum(tf.shape(text)[1], keep)
    places = tf.maximum(length - keep, 0)[:, None] + tf.range(width)
    is_real = places < length[:, None]
    places = tf.minimum(places, tf.shape(text)[1] - 1)
    return tf.where(is_real, tf.gather(text, places, batch_dims=1), 0)


def _choose(is_first, first, second):
    """Rows of the first tensor or of the second; the narrower one is padded with zeros.

    What narrower rows lack are places of an encoded source, which their mask then leaves out.
    """
    known = [a if a == b else None for a, b in zip(first.shape, second.shape, strict=True)]
    shape = tf.maximum(tf.shape(first), tf.shape(second))
    first, second = (
        tf.pad(x, tf.stack([tf.zeros_like(shape), shape - tf.shape(x)], axis=1))
        for x in (first, second)
    )
    is_first = tf.reshape(is_first, tf.concat([[-1], tf.ones_like(shape[1:])], axis=0))
    return tf.ensure_shape(tf.where(is_first, first, second), known)


def _append(text, length, tokens):
    """Text (R, T) with tokens (R, S) behind each row's length; pads are no tokens."""
    places = tf.where(tokens > 0, length[:, None] + tf.range(tf.shape(tokens)[1]), 0)
    rows = tf.broadcast_to(tf.range(tf.shape(text)[0])[:, None], tf.shape(tokens))
    added = tf.scatter_nd(tf.stack([rows, places], axis=-1), tokens, tf.shape(text))
    return text + added
