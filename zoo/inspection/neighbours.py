"""Nearest neighbours of a token in the embedding space."""

import numpy as np

import zoo
from zoo import preprocessing
from zoo.inspection.reading import read


def nearest_neighbours(
    model, task: "zoo.tasks.Task", word: str, k: int = 10
) -> list[tuple[str, float]]:
    """Returns the tokens with the highest cosine similarity to a word.

    Similarity is the cosine of two embeddings, as in Mikolov et al. 2013, "Efficient Estimation of
    Word Representations in Vector Space", section 4.

    Args:
        model: a model with token embeddings.
        task: its task, with the vocabulary of the embeddings.
        word: one token, tokenized as a text is, so that case may not matter.
        k: the number of neighbours.

    Returns:
        (token, cosine), the nearest first; neither the word nor special tokens.

    Raises:
        ValueError: for a word that is unknown or not one token, or a model without embeddings.

    Example:
    >>> task.examples("train").lengths.shape  # The vocabulary is learned from the training split.
    (60,)
    >>> len(zoo.inspection.nearest_neighbours(model, task, "film", k=3))
    3
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more; it is {k}.")
    if not hasattr(model, "token_embedding"):
        raise ValueError(f"{model.name} has no embeddings, so that words have no neighbours.")
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
        raise ValueError(f"word must be one token; {word!r} is {len(ids)} tokens.")
    if ids[0] == unknown:
        size = len(task.text_to_ids.vocabulary)
        raise ValueError(f"{word!r} is not in the vocabulary of {size:,} tokens.")
    return int(ids[0])
