"""Small models with weights that say something, for all tests of what is seen inside of them."""

import numpy as np

import zoo
from tests.models.cases import SMALL


def small_model(name: str, task: zoo.tasks.Task, **options):
    """A model of the task whose every weight is random, biases too, so that nothing cancels."""
    model = zoo.create_model(name, **task.model_arguments(), **{**SMALL[name], **options})
    generator = np.random.default_rng(7)
    for weight in model.trainable_variables:
        weight.assign(generator.normal(0.0, 0.5, weight.shape))
    return model
