"""Training on the worst of all texts nearby."""

import keras
from keras import ops


class AdversarialTraining(keras.Model):
    """A classifier as it is fitted: on texts, and on texts whose embeddings are moved against it.

    Miyato et al. 2017, equations 5 to 7: with g the gradient of the loss with respect to a text's
    embeddings, these are moved by r = epsilon g / |g|, and the loss there is added. There
    embeddings are normalized once, so that their entries have a mean square of 1; here r is
    multiplied by the root mean square of the embeddings instead, which leaves them as they are.

    Shape letters: B batch, T tokens, E width of the embeddings, C classes.

    Args:
        model: a `SequenceModel` with `head="classifier"`; its weights are trained.
        loss: a Keras loss of logits.
        epsilon: length of r for embeddings of entries about 1; the paper's is 5.

    Call arguments:
        batch: `inputs`, ids (B, T), and `targets` (B,).

    Returns:
        (logits, logits of the moved texts), (B, C) each.
    """

    def __init__(self, model: keras.Model, loss: keras.losses.Loss, epsilon: float, **kwargs):
        super().__init__(**kwargs)
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                "Adversarial training takes a gradient inside a step, which the zoo does with "
                f"TensorFlow only; Keras runs on {keras.backend.backend()}."
            )
        self.model = model
        self.text_loss = loss
        self.epsilon = epsilon

    def training_inputs(self, inputs, targets, random):
        """The call argument `batch` of a step."""
        del random
        return {"inputs": inputs, "targets": targets}

    def call(self, batch, training=None):
        import tensorflow as tf

        inputs, targets = batch["inputs"], batch["targets"]
        embedded = self.model.token_embedding(inputs)
        still = ops.zeros_like(embedded)
        with tf.GradientTape() as tape:
            tape.watch(still)
            logits = self.model.perturbed(inputs, still)
            loss = self.text_loss(targets, logits)
        gradient = ops.stop_gradient(tape.gradient(loss, still))
        # Pads are no part of a text, for its size as for its length.
        real = ops.cast(self.model.padding_mask(inputs), "float32")
        size = ops.sum(ops.square(embedded) * real[:, :, None]) / (
            ops.sum(real) * embedded.shape[-1]
        )
        length = ops.sqrt(ops.sum(ops.square(gradient), axis=(1, 2), keepdims=True))
        step = ops.stop_gradient(self.epsilon * ops.sqrt(size)) * gradient
        return logits, self.model.perturbed(inputs, step / ops.maximum(length, 1e-20))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of both losses, and the model's penalties."""
        loss = sum(self.text_loss(y, logits, sample_weight) for logits in y_pred)
        return loss + sum(self.losses) if self.losses else loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Metrics of the texts as they are."""
        return super().compute_metrics(x, y, y_pred[0], sample_weight)
