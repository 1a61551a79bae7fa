"""What factories make alike, whatever the architecture."""

import keras


def penalty(l1: float, l2: float) -> keras.regularizers.Regularizer | None:
    """The penalty on kernels, or None where both weights are 0."""
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def logits_layer(
    *, output: str, num_classes: int, vocabulary_size: int, regularizer
) -> keras.layers.Dense:
    """The last layer: C logits for one answer a text, V for one a token."""
    return keras.layers.Dense(
        num_classes if output == "text" else vocabulary_size,
        kernel_regularizer=regularizer,
        name="logits",
    )
