"""Reading a `.keras` file, which is checked before Keras makes objects of it."""

import pathlib

import keras

from zoo.models import list_models
from zoo.training.given_model import mark_trained
from zoo.training.run import first_line
from zoo.utils import allowed_classes, files


def load_model(file: pathlib.Path) -> keras.Model:
    """The model of a `.keras` file, not compiled.

    Raises:
        FileError: If the file is missing, damaged, or names a class that is no layer.
    """
    # Keras finds a class by its name once its module has been imported.
    list_models()
    allowed_classes.check_archive(file)
    try:
        model = keras.saving.load_model(file, compile=False)
    except Exception as error:
        # Keras and h5py raise a dozen kinds here, with messages that name neither file nor fault.
        raise files.FileError(
            f"{file} is damaged or not a model of this zoo ({first_line(error)})."
        ) from error
    mark_trained(model)
    return model


def check_saveable(model: keras.Model) -> list[str]:
    """Checks, before a fit, that the model can be written to the folder of its run.

    Returns:
        A sentence if another process can load it only with code of the user.

    Raises:
        ValueError: If it cannot be written.
    """
    try:
        config = keras.saving.serialize_keras_object(model)
    except Exception as error:
        # A configuration is code of the user, which may raise anything.
        raise ValueError(
            f"{model.name} must have a get_config to be saved in log_dir; it fails "
            f"({first_line(error)}). Define it, or fit without log_dir."
        ) from error
    names = list(dict.fromkeys(str(name) for name, _ in allowed_classes.refused_classes(config)))
    if not names:
        return []
    return [
        f"{model.name} holds classes that are not registered ({', '.join(names)}): zoo.load "
        "refuses it, unless they are decorated with @keras.saving.register_keras_serializable(). "
        "An exported SavedModel works without them."
    ]
