"""The decoding loop: read a prompt in one pass, then generate token by token from the state.

Shape letters: B prompts, R rows that are generated at once (B, rounded up, times the beams), P
width of the prompts, N new tokens, V vocabulary.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from zoo.generation.constraints import narrow
from zoo.generation.sampling import Sampler, Sampling, Step
from zoo.utils.special_tokens import MAX_PROMPT_TOKENS

# Steps that are compiled as one loop.
_STEPS = 64
# The smallest capacity of a state, doubled whenever it is full: the cost of a step grows with the
# capacity, and each capacity is compiled once.
_CAPACITY = 256
# Batches are padded to one of these numbers of rows, so that few shapes are compiled.
_ROWS = [2**i for i in range(17)]

WHEN_FULL = ("reread", "stop")

# The options of rows that only pad a batch: no work.
_PADDING = Sampling(temperature=0.0)


class Request(NamedTuple):
    """What is asked of each row; constant during generation.

    Attributes:
        prompt_length: number of tokens of each row that are read first, (R,).
        max_new_tokens: (R,).
        sampling: options of each row, (R,); keys as seeds, (R, 2).
        banned_ids: token sequences that no text may contain, padded left, (M, L).
    """

    prompt_length: Any
    max_new_tokens: Any
    sampling: Sampling
    banned_ids: Any


class DecodingState(NamedTuple):
    """Texts during generation.

    Attributes:
        text: prompts and their continuations, padded right, (R, P + N).
        length: number of tokens of each row, (R,).
        nats: log-probabilities of the new tokens, (R, N), and room for those of a loop.
        logits: of the next token, (R, V).
        state: the model's state.
        capacity: number of tokens that the state can hold.
        finished: which rows have ended, (R,).
        step: number of tokens generated per row.
        strategy_state: the strategy's state.
        request: see `Request`.
    """

    text: Any
    length: Any
    nats: Any
    logits: Any
    state: Any
    capacity: Any
    finished: Any
    step: Any
    strategy_state: Any
    request: Request


class Decoder(tf.Module):
    """Generates continuations with any model that has `prefill`, `advance`, `head`, `grow_cache`.

    Args:
        model: the model; its `head` returns logits (..., V).
        strategy: a `Sampler` or a `BeamSearch`; None for a `Sampler`.
        end_id: the token that ends a text.
        suppressed_ids: ids that are never generated.
        constraints: what else excludes tokens, see `zoo.generation.constraints`. They are computed
            in each step.
        when_full: what happens to a row that reaches the model's `context_length`. `"reread"`
            re-encodes it from its last half and continues; `"stop"` ends it, and keeps the prompt
            whole, for tasks from text to text. Other rows are unaffected.
        jit_compile: whether XLA compiles the steps, once for each number of rows and each
            capacity. About three times faster, after some seconds for the first text.
        state_dtype: dtype of the floating-point tensors of the state; None for the model's.

    Raises:
        ValueError: if `when_full` is unknown.
    """

    def __init__(
        self,
        model,
        strategy=None,
        *,
        end_id: int,
        suppressed_ids=(),
        constraints=(),
        when_full: str = "reread",
        jit_compile: bool = True,
        state_dtype: str | None = None,
    ):
        super().__init__(name="decoder")
        self.model = model
        self.strategy = strategy or Sampler()
        self._end_id = end_id
        if when_full not in WHEN_FULL:
            raise ValueError(
                f"when_full must be one of {', '.join(WHEN_FULL)}; it is {when_full!r}."
            )
        self._suppressed_ids = tuple(suppressed_ids)
        self._constraints = tuple(constraints)
        self._when_full = when_full
        self._jit_compile = jit_compile
        self._state_dtype = state_dtype
        self._advance_by = tf.function(self._steps, jit_compile=jit_compile, autograph=False)
        self._prefill_to = tf.function(
            self._prefill,
            autograph=False,
            input_signature=[
                tf.TensorSpec([None, None], tf.int32),
                tf.TensorSpec([], tf.int32),
            ],
        )

    def __call__(self, prompt_ids, max_new_tokens, sampling: Sampling, banned_ids=None) -> dict:
        """Continues prompts.

        Args:
            prompt_ids: `int32` (B, P), padded right, at least one token per row; B may be 0.
            max_new_tokens: a scalar, or one per prompt (B,); N is the largest.
            sampling: see `Sampling`.
            banned_ids: for `BannedSequences`: `int32` (M, L), padded left; None for none.

        Returns:
            A dict with the new `token_ids`, `int32` (B, N), including the end token, padded right;
            their `token_log_probability` (B, N) under the model, at temperature 1 and with all
            tokens; and its sum `log_probability` (B,). With a strategy that returns several texts
            per prompt, B counts all of them.
        """
        # A static width would be that of the state too, which grows in the loop.
        prompt_ids = tf.compat.v1.placeholder_with_default(prompt_ids, [None, None])
        decoding = self.start(prompt_ids, max_new_tokens, sampling, banned_ids)
        decoding = tf.while_loop(
            lambda *now: self.is_running(DecodingState(*now)),
            lambda *now: self.extend(DecodingState(*now)),
            decoding,
            shape_invariants=tf.nest.map_structure(lambda x: x.shape, decoding),
        )
        return self.result(DecodingState(*decoding), tf.shape(prompt_ids)[0])

    # Parts, for streaming

    def start(
        self, prompt_ids, max_new_tokens, sampling: Sampling, banned_ids=None
    ) -> DecodingState:
        """Reads prompts (B, P), before the first new token."""
        prompts = tf.shape(prompt_ids)[0]
        rows = self._num_rows(prompts)

        def by_row(option, padding):
            pads = [[0, rows - prompts], *[[0, 0]] * (len(option.shape) - 1)]
            padded = tf.pad(option, pads, constant_values=padding)
            return tf.repeat(padded, self.strategy.rows_per_prompt, axis=0)

        limit = tf.cast(max_new_tokens, tf.int32)
        # Without prompts, too.
        most = tf.reduce_max(tf.pad(tf.reshape(limit, [-1]), [[0, 1]]))
        limit = by_row(tf.broadcast_to(limit, [prompts]), most)
        options = zip(sampling.by_prompt(prompts), _PADDING, strict=True)
        # Padding rows hold one token, as every row must.
        fill = tf.pad(
            tf.ones([rows - prompts, 1], tf.int32), [[0, 0], [0, tf.shape(prompt_ids)[1] - 1]]
        )
        text = tf.concat([prompt_ids, fill], axis=0)
        text = tf.repeat(text, self.strategy.rows_per_prompt, axis=0)
        length = tf.reduce_sum(tf.cast(text > 0, tf.int32), axis=1)
        keep = self._kept_of_prompts(tf.shape(text)[1], limit)
        text = _last(text, length, keep)
        length = tf.minimum(length, keep)
        capacity = tf.minimum(_first_capacity(tf.shape(text)[1]), self._context)
        logits, state = self._prefill_to(text, capacity)
        if banned_ids is None:
            banned_ids = tf.zeros([0, 1], tf.int32)
        sampling = Sampling(*(by_row(*option) for option in options))
        return DecodingState(
            text=tf.pad(text, [[0, 0], [0, most]]),
            length=length,
            nats=tf.zeros([tf.shape(text)[0], most + _STEPS]),
            logits=logits,
            state=state,
            capacity=capacity,
            finished=(limit <= 0) | (by_row(tf.zeros([prompts], tf.int32), 1) > 0),
            step=tf.constant(0),
            strategy_state=self.strategy.start(text, length, logits.shape[-1], limit),
            request=Request(length, limit, sampling, banned_ids),
        )

    def is_running(self, decoding: DecodingState):
        """Whether any row has tokens left to generate."""
        return ~tf.reduce_all(decoding.finished)

    def extend(self, decoding: DecodingState, most=_STEPS) -> DecodingState:
        """Generates some tokens, at most `most` per row."""
        is_full = _most_read(decoding) >= decoding.capacity
        decoding = tf.cond(is_full, lambda: self._with_capacity(decoding), lambda: decoding)
        left = decoding.capacity - _most_read(decoding)
        allowed, alike = self._allowed(decoding)
        steps = tf.minimum(tf.minimum(most, left), alike)
        logits, state, finished, strategy_state, tokens, nats, origin = self._advance_by(
            decoding.logits,
            decoding.state,
            decoding.finished,
            decoding.strategy_state,
            decoding.step,
            steps,
            allowed,
            (decoding.text, decoding.length) if self._constraints else (),
            decoding.request,
        )
        length = tf.gather(decoding.length, origin)
        after = tf.shape(decoding.nats)[1] - _STEPS - decoding.step
        nats = tf.pad(nats, [[0, 0], [decoding.step, after]])
        text = _append(tf.gather(decoding.text, origin), length, tokens)
        return DecodingState(
            text=text,
            length=length + tf.reduce_sum(tf.cast(tokens > 0, tf.int32), axis=1),
            nats=tf.gather(decoding.nats, origin) + nats,
            logits=logits,
            state=state,
            capacity=decoding.capacity,
            finished=finished,
            step=decoding.step + steps,
            strategy_state=strategy_state,
            request=decoding.request,
        )

    def result(self, decoding: DecodingState, prompts) -> dict:
        """The value of `__call__` for the tokens so far of B prompts."""
        request = decoding.request
        places = request.prompt_length[:, None] + tf.range(tf.reduce_max(request.max_new_tokens))
        is_new = places < decoding.length[:, None]
        places = tf.minimum(places, tf.shape(decoding.text)[1] - 1)
        tokens = tf.where(is_new, tf.gather(decoding.text, places, batch_dims=1), 0)
        tokens, nats, log_probability = self.strategy.result(
            decoding.strategy_state,
            tokens,
            decoding.nats[:, : tf.shape(tokens)[1]],
            request.sampling,
        )
        texts = prompts * self.strategy.results_per_prompt
        return {
            "token_ids": tokens[:texts],
            "token_log_probability": nats[:texts],
            "log_probability": log_probability[:texts],
        }

    # Steps

    def _allowed(self, decoding: DecodingState):
        """Which ids may be generated, (1, V) or (R, V), and the number of steps in which it holds.

        Outside of the loop, so that a step costs nothing for `min_new_tokens`.
        """
        ids = tf.range(decoding.logits.shape[-1])
        is_never = ids[:, None] == tf.constant(self._suppressed_ids, tf.int32)
        allowed = ~tf.reduce_any(is_never, axis=1)[None]
        missing = decoding.request.sampling.min_new_tokens - decoding.step
        is_early = missing > 0
        allowed = tf.cond(
            tf.reduce_any(is_early),
            lambda: allowed & ~(is_early[:, None] & (ids == self._end_id)),
            lambda: allowed,
        )
        return allowed, tf.reduce_min(tf.where(is_early, tf.minimum(missing, _STEPS), _STEPS))

    def _steps(
        self, logits, state, finished, strategy_state, step, steps, allowed, history, request
    ):
        """Generates `steps` tokens per row, at most `_STEPS`: the compiled loop.

        `history` is text and length of each row for the constraints; empty without them.
        """
        rows = tf.shape(finished)[0]

        def body(index, logits, state, finished, strategy_state, history, tokens, nats, origin):
            chosen, token_nats, parents, finished, strategy_state = self.strategy.choose(
                logits,
                strategy_state,
                Step(
                    number=step + index,
                    finished=finished,
                    max_new_tokens=request.max_new_tokens,
                    sampling=request.sampling,
                    allowed=self._narrowed(allowed, history, request),
                    end_id=self._end_id,
                ),
            )
            finished |= step + index + 1 >= request.max_new_tokens
            if parents is not None:
                state, history, tokens, nats, origin = tf.nest.map_structure(
                    lambda x: tf.gather(x, parents), (state, history, tokens, nats, origin)
                )
            if history:
                text, length = history
                added = tf.cast(chosen > 0, tf.int32)
                history = (_append(text, length, chosen[:, None]), length + added)
            is_here = tf.range(_STEPS) == index
            tokens = tf.where(is_here, chosen[:, None], tokens)
            nats = tf.where(is_here, token_nats[:, None], nats)
            # A finished row reads pads, which leave its state unchanged.
            reads = tf.where(finished, 0, chosen)
            features, advanced = self.model.advance(reads[:, None], state)
            # The dtype of the stored state, whatever the dtype of the computation.
            state = tf.nest.map_structure(lambda x, kept: tf.cast(x, kept.dtype), advanced, state)
            logits = tf.cast(self.model.head(features[:, -1]), tf.float32)
            return index + 1, logits, state, finished, strategy_state, history, tokens, nats, origin

        _, logits, state, finished, strategy_state, _, tokens, nats, origin = tf.while_loop(
            lambda index, *now: (index < steps) & ~tf.reduce_all(now[2]),
            body,
            (
                tf.constant(0),
                logits,
                state,
                finished,
                strategy_state,
                history,
                tf.zeros([rows, _STEPS], tf.int32),
                tf.zeros([rows, _STEPS]),
                tf.range(rows),
            ),
        )
        return logits, state, finished, strategy_state, tokens, nats, origin

    def _narrowed(self, allowed, history, request: Request):
        """Which ids may be generated by the constraints, too."""
        if not self._constraints:
            return allowed
        text, length = history
        return narrow(self._constraints, allowed, text, length, request.banned_ids, self._end_id)

    # Capacity

    @property
    def _context(self) -> int:
        return self.model.context_length or 2 * MAX_PROMPT_TOKENS

    def _kept_of_prompts(self, width, max_new_tokens):
        """How many of each prompt's tokens are read, the last ones: of numbers (R,), (R,)."""
        limit = self._context
        if self._when_full == "reread":
            return tf.clip_by_value(limit - max_new_tokens, limit // 2, limit - 1)
        # An encoder reads any number of tokens.
        keep = width if self.model.is_encoder_decoder else limit - 1
        return tf.fill(tf.shape(max_new_tokens), keep)

    def _with_capacity(self, decoding: DecodingState) -> DecodingState:
        """A larger state, or at the model's context length what `when_full` says."""
        # A row with capacity left continues as it would without the others.
        is_full = decoding.state["position"] >= decoding.capacity

        def grow():
            more = decoding.capacity
            if self.model.context_length is not None:
                more = tf.minimum(more, self._context - decoding.capacity)
            state = self.model.grow_cache(decoding.state, more)
            return decoding._replace(state=state, capacity=decoding.capacity + more)

        def stop():
            return decoding._replace(finished=decoding.finished | is_full)

        def reread():
            half = tf.fill(tf.shape(decoding.length), self._context // 2)
            text = _last(decoding.text, decoding.length, half)
            logits, state = self._prefill_to(text, decoding.capacity)
            return decoding._replace(
                state=tf.nest.map_structure(
                    lambda new, old: _choose(is_full, new, old), state, decoding.state
                ),
                logits=_choose(is_full, logits, decoding.logits),
            )

        if self.model.context_length is None:
            return grow()
        at_limit = stop if self._when_full == "stop" else reread
        return tf.cond(decoding.capacity < self._context, grow, at_limit)

    def _prefill(self, text, capacity):
        features, state = self.model.prefill(text, capacity)
        if self._state_dtype is not None:
            state = tf.nest.map_structure(
                lambda x: tf.cast(x, self._state_dtype) if x.dtype.is_floating else x, state
            )
        return tf.cast(self.model.head(features), tf.float32), state

    # Shapes

    def _num_rows(self, prompts):
        """The number of rows for B prompts, before they are repeated for beams."""
        rows = tf.maximum(prompts, 1)
        if self._jit_compile:
            fitting = tf.gather([*_ROWS, 0], tf.searchsorted(_ROWS, [rows])[0])
            rows = tf.maximum(rows, fitting)
        return rows


def _first_capacity(width):
    """The smallest capacity with some slots left after prompts of this width."""
    capacities = tf.constant([_CAPACITY * 2**i for i in range(20)])
    return tf.gather(capacities, tf.searchsorted(capacities, [width + _CAPACITY // 8])[0])


def _most_read(decoding: DecodingState):
    """Tokens in the state of the longest unfinished row; finished rows need no capacity."""
    return tf.reduce_max(tf.where(decoding.finished, 0, decoding.state["position"]))


def _last(text, length, keep):
    """The last tokens of each row of text (R, T), at most `keep` (R,) of them, padded right."""
    width = tf.minimum(tf.shape(text)[1], tf.reduce_max(keep))
    places = tf.maximum(length - keep, 0)[:, None] + tf.range(width)
    is_real = places < length[:, None]
    places = tf.minimum(places, tf.shape(text)[1] - 1)
    return tf.where(is_real, tf.gather(text, places, batch_dims=1), 0)


def _choose(is_first, first, second):
    """Rows of the first tensor or of the second; the narrower one is padded with zeros.

    Rows differ in width in the positions of an encoded source, which its mask then excludes.
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
    """Text (R, T) with tokens (R, S) appended at each row's length; pads are skipped."""
    places = tf.where(tokens > 0, length[:, None] + tf.range(tf.shape(tokens)[1]), 0)
    rows = tf.broadcast_to(tf.range(tf.shape(text)[0])[:, None], tf.shape(tokens))
    added = tf.scatter_nd(tf.stack([rows, places], axis=-1), tokens, tf.shape(text))
    return text + added
