"""Reading a `.keras` file, which is checked before Keras makes objects of it."""

import pathlib

import keras

from zoo.models import list_models
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
        return keras.saving.load_model(file, compile=False)
    except Exception as error:
        # Keras and h5py raise a dozen kinds here, with messages that name neither file nor fault.
        raise files.FileError(
            f"{file} is damaged or not a model of this zoo ({first_line(error)})."
        ) from error
