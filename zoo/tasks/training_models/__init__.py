"""Keras models that are trained in place of a model, whose weights they share."""
