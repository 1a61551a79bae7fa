"""The token embeddings, in the files that TensorBoard's projector reads.

Mikolov et al. 2013 looked at word vectors by their neighbours; the projector (Smilkov et al. 2016)
draws them by principal components, t-SNE or UMAP.
"""

import pathlib
from collections.abc import Iterable

import keras
import numpy as np
from tensorboard.plugins import projector

from zoo import preprocessing
from zoo.inspection.logit_margin import logit_margin
from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard

# The most frequent tokens are shown, fewer of wide embeddings: more are slow to write and to draw.
MAX_TOKENS = 5_000
_MAX_NUMBERS = 2_500_000

# Of more classes only the one that a token is most for is named.
_MAX_MARGINS = 10

_NAMES = {" ": "\N{OPEN BOX}", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
# The width to which training batches are rounded up, so that no shape has to be traced again.
_WIDTH = 8
_BATCH_SIZE = 1024


@register_dashboard("projector")
class Projector(Dashboard):
    """The embeddings that the model ends with."""

    def applies(self):
        return self.fit.task is not None

    def on_fit_end(self):
        write_projector(self.fit.train.folder, self.fit.model, self.fit.task)


def write_projector(folder: pathlib.Path, model: keras.Model, task) -> bool:
    """Writes the embeddings of the most frequent tokens with their metadata.

    Files are `vectors.tsv`, with a row for each token; `metadata.tsv`, with a header: the token,
    its frequency in the training split, and for a classifier its logit margin for each class, of
    more than ten classes for the predicted one, see `token_margins`; and `projector_config.pbtxt`.

    Args:
        folder: the folder of a run, with an event file.
        model: a model; its layer `token_embedding` is shown.
        task: its task, with a dataset.

    Returns:
        False for a model without embeddings, for which nothing is written.
    """
    if getattr(model, "token_embedding", None) is None:
        return False
    # Its first tokens are the most frequent ones; a pad is no token.
    vocabulary = task.text_to_ids.vocabulary
    width = model.token_embedding.embeddings.shape[-1]
    most = min(MAX_TOKENS, max(_MAX_NUMBERS // width, 1))
    end = min(len(vocabulary), most + 1)
    token_ids = np.arange(preprocessing.UNKNOWN_ID, end)
    vectors = keras.ops.convert_to_numpy(model.token_embedding.embeddings)[token_ids]
    columns = {
        "token": [_shown(vocabulary[token_id]) for token_id in token_ids],
        "frequency": token_counts(task)[token_ids].tolist(),
    }
    if task.has_classes:
        columns |= token_margins(model, token_ids, task.label_names)

    # All numbers at once, which is faster than a row at a time.
    row = "\t".join(["%.6g"] * vectors.shape[1]) + "\n"
    numbers = row * len(vectors) % tuple(vectors.ravel().tolist())
    (folder / "vectors.tsv").write_text(numbers, encoding="utf-8")
    rows = zip(*columns.values(), strict=True)
    lines = ["\t".join(columns), *("\t".join(map(str, values)) for values in rows)]
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = projector.ProjectorConfig()
    config.embeddings.add(
        tensor_name="token_embedding", tensor_path="vectors.tsv", metadata_path="metadata.tsv"
    )
    projector.visualize_embeddings(str(folder), config)
    return True


def token_counts(task) -> np.ndarray:
    """The number of occurrences of each token in the training split, (V,)."""
    return np.bincount(
        task.examples("train").sequences.ids, minlength=len(task.text_to_ids.vocabulary)
    )


def token_margins(model: keras.Model, token_ids: np.ndarray, label_names) -> dict[str, list]:
    """The logit margins of a classifier for texts of a single token.

    Args:
        model: ids (B, T) -> logits (B, C).
        token_ids: N tokens.
        label_names: the names of the C classes.

    Returns:
        N numbers for class 1 of two classes, else for each class: the logit margin of the token,
        minus that of the unknown token. For more than ten classes, `"predicted"`, the class with
        the largest such margin, and `"margin"`, for this class.
    """
    texts = np.zeros((len(token_ids) + 1, _WIDTH), "int32")
    texts[:, 0] = [preprocessing.UNKNOWN_ID, *token_ids]
    starts = range(0, len(texts), _BATCH_SIZE)
    parts = (model.predict_on_batch(texts[i : i + _BATCH_SIZE]) for i in starts)
    if len(label_names) > _MAX_MARGINS:
        return _largest_margins(parts, label_names)
    logits = np.concatenate(list(parts))
    classes = [1] if len(label_names) == 2 else range(len(label_names))
    towards = {f"margin of {_shown(label_names[of])}": logit_margin(logits, of) for of in classes}
    return {column: np.round(of[1:] - of[0], 4).tolist() for column, of in towards.items()}


def _largest_margins(parts: Iterable[np.ndarray], label_names) -> dict[str, list]:
    """The columns of many classes, from logits (B, C) of which the first row is the unknown's."""
    unknown = None
    places, margins = [], []
    for logits in parts:
        # The logit minus the mean of the others' is proportional to that minus the mean of all.
        num_classes = logits.shape[-1]
        centred = logits - logits.mean(axis=-1, keepdims=True)
        unknown = centred[0].copy() if unknown is None else unknown
        centred -= unknown
        best = centred.argmax(axis=-1)
        places += best.tolist()
        largest = np.take_along_axis(centred, best[:, None], axis=-1)[:, 0]
        margins += (largest * num_classes / (num_classes - 1)).tolist()
    return {
        "predicted": [_shown(label_names[place]) for place in places[1:]],
        "margin": np.round(margins[1:], 4).tolist(),
    }


def _shown(token: str) -> str:
    """A token on one line and in one column."""
    return "".join(_NAMES.get(c, c if c.isprintable() else ascii(c)[1:-1]) for c in token)
