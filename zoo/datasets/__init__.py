"""Datasets: functions that return a `TextDataset`.

To add a dataset, add a file to this package that registers such a function.
"""

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import BestPossible, DatasetError, Split, TextDataset
from zoo.datasets.files import LABELLED_TEXTS, from_files
from zoo.datasets.reading import ReadingOptions, Record, Records, open_records
from zoo.datasets.registry import (
    dataset_function,
    list_datasets,
    load,
    reader_of,
    register_dataset,
    registered_functions,
)
from zoo.datasets.splitting import split_off
from zoo.utils.lazy import lazy_attributes

# Every registered function is a public name of this package. `imdb` is also the name of a module,
# which a later import would put in the function's place: so all modules are imported now. They are
# cheap, because TensorFlow is imported by the functions that use it.
globals().update(registered_functions())

# Functions that other packages register later.
__getattr__, _ = lazy_attributes(__name__, {}, lambda name: registered_functions().get(name))

__all__ = [
    "LABELLED_TEXTS",
    "Audit",
    "BestPossible",
    "DatasetError",
    "ReadingOptions",
    "Record",
    "Records",
    "Split",
    "TextDataset",
    "dataset_function",
    "from_files",
    "list_datasets",
    "load",
    "open_records",
    "reader_of",
    "register_dataset",
    "split_off",
    *registered_functions(),
]
