"""Where texts come from: each dataset is a function that returns a `TextDataset`.

A file in this package that registers such a function is all it takes to add a dataset.
"""

from typing import TYPE_CHECKING

from zoo.datasets.audit import Audit
from zoo.datasets.dataset import BestPossible, DatasetError, Split, TextDataset, split_off
from zoo.datasets.file_formats import delimiter_of, read_table
from zoo.datasets.files import LABELLED_TEXTS, from_files
from zoo.datasets.registry import dataset_function, list_datasets, load, register_dataset

if TYPE_CHECKING:  # For editors and type checkers, which do not see what the lines below do.
    from zoo.datasets.imdb import imdb as imdb
    from zoo.datasets.synthetic_reviews import synthetic_reviews as synthetic_reviews
    from zoo.datasets.tiny_shakespeare import tiny_shakespeare as tiny_shakespeare

# Every registered function is a public name here: `imdb` is the function, not the module that it
# comes from. All modules are cheap to import: TensorFlow is imported by the functions that need it.
_FUNCTIONS = {function.__name__: function for function in map(dataset_function, list_datasets())}
globals().update(_FUNCTIONS)

__all__ = [
    "LABELLED_TEXTS",
    "Audit",
    "DatasetError",
    "BestPossible",
    "Split",
    "TextDataset",
    "split_off",
    "dataset_function",
    "delimiter_of",
    "from_files",
    "list_datasets",
    "load",
    "read_table",
    "register_dataset",
    *_FUNCTIONS,
]
