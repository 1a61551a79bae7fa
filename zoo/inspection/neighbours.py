"""Which words a model holds for alike."""

import numpy as np

import zoo
from zoo import preprocessing
from zoo.inspection.reading import read


def nearest_neighbours(
    model, task: "zoo.tasks.Task", word: str, k: int = 10
) -> list[tuple[str, float]]:
    """Gives the tokens whose embeddings point most nearly where a word's does.

    Nearness is the cosine of two embeddings, as in Mikolov et al. 2013, "Efficient Estimation of
    Word Representations in Vector Space", section 4.

    Args:
        model: a model with token embeddings.
        task: its task, whose vocabulary the embeddings are of.
        word: one token of it, read as a text is, so that case may not matter.
        k: how many.

    Returns:
        (token, cosine), the nearest first; neither the word nor special tokens.

    Raises:
        ValueError: for a word that is unknown or not one token, or a model without embeddings.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more; it is {k}.")
    if not hasattr(model, "token_embedding"):
        raise ValueError(f"{model.name} has no embeddings in which words have neighbours.")
    place = _place(task, word)
    vectors = np.asarray(model.token_embedding.embeddings, "float64")
    norms = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    cosines = vectors @ vectors[place] / (norms * norms[place])
    vocabulary = task.text_to_ids.vocabulary
    num_special = len(preprocessing.SPECIAL_TOKENS)
    nearest = np.argsort(-cosines[: len(vocabulary)], kind="stable")
    others = [i for i in nearest if i >= num_special and i != place][:k]
    return [(vocabulary[i], float(cosines[i])) for i in others]


def _place(task, word: str) -> int:
    found = read(task, word)
    unknown = preprocessing.UNKNOWN_ID
    ids = [i for i in found.ids if i == unknown or i >= len(preprocessing.SPECIAL_TOKENS)]
    if len(ids) != 1:
        raise ValueError(
            f"Neighbours are of one token: expected one word, {word!r} is {len(ids)} tokens."
        )
    if ids[0] == unknown:
        size = len(task.text_to_ids.vocabulary)
        raise ValueError(f"{word!r} is none of the {size:,} tokens of the vocabulary.")
    return int(ids[0])
