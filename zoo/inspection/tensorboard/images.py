"""Images of a model at work: attention weights and gates on two sentences."""

import importlib.util
import sys
import time
from collections.abc import Sequence

import keras
from tensorboard.compat.proto.summary_pb2 import Summary

from zoo import inspection
from zoo.inspection import passes
from zoo.inspection.attention import has_attention
from zoo.inspection.gates import has_gates
from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard
from zoo.inspection.tensorboard.summaries import histogram, image, together

# Sentences that a model is observed on: our own, with a negation and a change of mind.
SENTENCES = (
    "The music was dull, but the story was never weak.",
    "I wanted to like it, and in the end I did not.",
)

# Images of a sentence: of a deeper model, layers at equal distances are drawn.
_MAX_LAYERS = 12

# Seconds of a fit that are long in comparison with drawing at its end.
LONG_FIT = 15.0


@register_dashboard("attention_and_gates")
class AttentionAndGates(Dashboard):
    """Attention weights of a Transformer and gates of a recurrent model, at the end of a fit."""

    def applies(self):
        if not can_draw():
            print(
                "Note: TensorBoard gets no images: matplotlib is missing, which is in the extra "
                "`notebooks`.",
                file=sys.stderr,
            )
            return False
        return self.fit.task is not None

    def on_epoch_end(self):
        if self.fit.shows_all:
            self._draw(SENTENCES)

    def on_fit_end(self):
        if not self.fit.shows_all and time.perf_counter() - self.fit.started > LONG_FIT:
            self._draw(SENTENCES[:1])

    def _draw(self, sentences: Sequence[str]) -> None:
        drawn = inner_images(self.fit.model, self.fit.task, sentences)
        self.fit.train.write(drawn, self.fit.epoch)


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def inner_images(model: keras.Model, task, sentences: Sequence[str] = SENTENCES) -> Summary:
    """Attention and gates while a model reads sentences, as far as it has them.

    A sentence that is longer than the context of the model is left out.
    """
    parts = []
    for number, sentence in enumerate(sentences, start=1):
        if not passes.fits(model, task, sentence):
            continue
        if has_gates(model):
            parts += _gates(model, task, sentence, f"sentence_{number}")
        if has_attention(model):
            parts += _attention(model, task, sentence, f"sentence_{number}")
    return together(parts)


def _attention(model, task, sentence: str, name: str) -> list[Summary]:
    continuation = None
    if getattr(model, "is_encoder_decoder", False):
        # The part before the comma is the source of the part after it.
        sentence, continuation = sentence.split(",")
    maps = inspection.attention_maps(model, task, sentence, continuation=continuation)
    return [
        image(
            f"attention/{found.block}/{found.kind}/{name}",
            inspection.plots.attention(maps, found.block, found.kind),
        )
        for found in _some(maps.maps)
        # Attention to a single token is 1.
        if len(found.keys) > 1
    ]


def _gates(model, task, sentence: str, name: str) -> list[Summary]:
    activity = inspection.gate_activity(model, task, sentence)
    parts = []
    for layer in _some(activity.layers):
        figure = inspection.plots.gates(activity, layer.name)
        parts.append(image(f"gates/{layer.name}/{name}", figure))
        parts += [
            histogram(f"gates/{layer.name}/{gate.replace(' ', '_')}/{name}", values)
            for gate, values in layer.gates.items()
        ]
    return parts


def _some(layers: Sequence) -> Sequence:
    return layers[:: -(-len(layers) // _MAX_LAYERS) or 1]
