"""Images of a model at work: who looks at what, how far gates are open, what is taken for what."""

import contextlib
import importlib.util
import sys
from collections.abc import Sequence

import keras
from tensorboard.compat.proto.summary_pb2 import Summary

from zoo import inspection
from zoo.inspection.tensorboard.summaries import histogram, image, together

# Sentences that a model is watched on: of our own making, with a negation and a change of mind.
SENTENCES = (
    "The music was dull, but the story was never weak.",
    "I wanted to like it, and in the end I did not.",
)


def can_draw() -> bool:
    """Whether matplotlib is there."""
    return importlib.util.find_spec("matplotlib") is not None


def say_what_is_missing() -> None:
    """Tells, on standard error, that there will be no images."""
    print(
        "Note: TensorBoard gets no images: matplotlib is missing, which is in the extra "
        "`notebooks`.",
        file=sys.stderr,
    )


def confusion_image(tag: str, details) -> Summary:
    """The confusion matrix of an `Evaluation`'s details, or of a report's."""
    plots = inspection.plots
    return image(tag, plots.confusion_matrix(details["confusion_matrix"], details["label_names"]))


def inner_images(model: keras.Model, task, sentences: Sequence[str] = SENTENCES) -> Summary:
    """Attention and gates while a model reads sentences.

    Nothing of a model that has neither, and nothing of a sentence that it is too short for.
    """
    parts = []
    for number, sentence in enumerate(sentences, start=1):
        for seen in (_gates, _attention):
            # A model without the one kind of block may have the other.
            with contextlib.suppress(ValueError):
                parts += seen(model, task, sentence, f"sentence_{number}")
                break
    return together(parts)


def _attention(model, task, sentence: str, name: str) -> list[Summary]:
    continuation = None
    if getattr(model, "is_encoder_decoder", False):
        # What stands before a comma is the source of what follows.
        sentence, continuation = sentence.split(",")
    maps = inspection.attention_maps(model, task, sentence, continuation=continuation)
    return [
        image(
            f"attention/{found.block}/{found.kind}/{name}",
            inspection.plots.attention(maps, found.block, found.kind),
        )
        for found in maps.maps
        # Where there is but one token to look at, there is nothing to see.
        if len(found.asked) > 1
    ]


def _gates(model, task, sentence: str, name: str) -> list[Summary]:
    activity = inspection.gate_activity(model, task, sentence)
    parts = []
    for layer in activity.layers:
        figure = inspection.plots.gates(activity, layer.name)
        parts.append(image(f"gates/{layer.name}/{name}", figure))
        parts += [
            histogram(f"gates/{layer.name}/{gate.replace(' ', '_')}/{name}", values)
            for gate, values in layer.gates.items()
        ]
    return parts
