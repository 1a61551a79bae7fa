"""Where texts come from: each dataset is a function that returns a `TextDataset`.

A file in this package that registers such a function is all it takes to add a dataset.
"""

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import BestPossible, DatasetError, Split, TextDataset, split_off
from zoo.datasets.file_formats import delimiter_of, read_table
from zoo.datasets.files import LABELLED_TEXTS, from_files
from zoo.datasets.registry import (
    dataset_function,
    list_datasets,
    load,
    reader_of,
    register_dataset,
    registered_functions,
)
from zoo.utils.lazy import lazy_attributes

# Every registered function is a public name here: `imdb` is the function, not the module that it
# comes from, which an import would put in its place. So all modules are imported now; they are
# cheap: TensorFlow is imported by the functions that need it.
globals().update(registered_functions())

# One that another package registers later is found when it is asked for.
__getattr__, _ = lazy_attributes(__name__, {}, lambda name: registered_functions().get(name))

__all__ = [
    "LABELLED_TEXTS",
    "Audit",
    "BestPossible",
    "DatasetError",
    "Split",
    "TextDataset",
    "dataset_function",
    "delimiter_of",
    "from_files",
    "list_datasets",
    "load",
    "read_table",
    "reader_of",
    "register_dataset",
    "split_off",
    *registered_functions(),
]
