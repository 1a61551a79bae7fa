"""The registry of datasets."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoo.datasets.dataset import DatasetError, TextDataset, timed
from zoo.datasets.files import from_files
from zoo.datasets.reading.formats import FILE_SUFFIXES
from zoo.registry import Registry, UnknownNameError, check_arguments, unknown_name_message

_DATASETS = Registry("dataset", "zoo.datasets")
_ALIASES: dict[str, str] = {}


def register_dataset(name: str, *aliases: str) -> Callable[[Callable], Callable]:
    """Registers a function that returns a `TextDataset`.

    Args:
        name: Name of the dataset, the `name` of the `TextDataset`.
        *aliases: Other names that `load` accepts.

    Example:
    >>> @zoo.datasets.register_dataset("my_reviews")  # doctest: +SKIP
    ... def my_reviews(*, seed: int = 0) -> zoo.datasets.TextDataset:
    ...     return zoo.datasets.from_files("my_reviews.csv", seed=seed)
    """

    def register(function: Callable[..., TextDataset]) -> Callable[..., TextDataset]:
        function = timed(function)
        _DATASETS.register(name, function)
        _ALIASES.update(dict.fromkeys(aliases, name))
        return function

    return register


def list_datasets() -> list[str]:
    """Returns the names of all datasets, in alphabetical order and without aliases.

    Example:
    >>> "synthetic_reviews" in zoo.datasets.list_datasets()
    True
    """
    return _DATASETS.names()


def dataset_function(name: str) -> Callable[..., TextDataset]:
    """Returns the function that is registered under a name of `list_datasets()`.

    Raises:
        UnknownNameError: If there is no dataset of that name.

    Example:
    >>> zoo.datasets.dataset_function("imdb_reviews").__name__
    'imdb'
    """
    return _DATASETS[name]


def registered_functions() -> dict[str, Callable[..., TextDataset]]:
    """Returns the registered functions by their `__name__`."""
    return {function.__name__: function for function in map(dataset_function, list_datasets())}


def load(name_or_path: str | os.PathLike, /, **arguments: Any) -> TextDataset:
    """Reads a dataset by its name or from files.

    `load(dataset.name, **dataset.arguments)` returns an equal dataset; the arguments of a dataset
    from files include the path.

    Args:
        name_or_path: A name of `list_datasets()`, an alias such as "imdb", or a path for
            `from_files`. A name takes precedence over a file; write "./name" for the file.
        **arguments: Arguments of the registered function or of `from_files`. `columns` is accepted
            for every dataset: a registered dataset must have these columns, see
            `TextDataset.check_columns`.

    Raises:
        DatasetError: If a name or an argument is unknown, or if the data cannot be read.

    Example:
    >>> dataset = zoo.datasets.load("synthetic_reviews", train_size=100)
    >>> len(dataset.train), dataset.label_names
    (100, ('negative', 'positive'))
    """
    if "path" in arguments:
        name_or_path = Path(arguments.pop("path"))
    reader = reader_of(name_or_path)
    if reader is from_files:
        return from_files(name_or_path, **arguments)
    columns = arguments.pop("columns", {})
    name = str(name_or_path)
    _check_arguments(_ALIASES.get(name, name), reader, arguments)
    dataset = reader(**arguments)
    dataset.check_columns(columns)
    return dataset


def reader_of(name_or_path: str | os.PathLike) -> Callable[..., TextDataset]:
    """Returns the function that `load` calls: a registered one, or `from_files`.

    Raises:
        DatasetError: If the name is unknown.

    Example:
    >>> zoo.datasets.reader_of("films.csv").__name__
    'from_files'
    """
    if isinstance(name_or_path, str):
        names = list_datasets()
        name = _ALIASES.get(name_or_path, name_or_path)
        if name in names:
            return dataset_function(name)
        if not _looks_like_a_path(name):
            path = "or a path to a CSV, TSV, JSONL or TXT file or folder"
            raise DatasetError(
                unknown_name_message("dataset", name, sorted([*names, *_ALIASES]), path)
            )
    return from_files


def _check_arguments(
    name: str, function: Callable[..., TextDataset], arguments: Mapping[str, Any]
) -> None:
    try:
        check_arguments(name, function, arguments)
    except UnknownNameError as error:
        raise DatasetError(str(error)) from error


def _looks_like_a_path(name: str) -> bool:
    is_named_like_one = os.path.basename(name) != name or name.lower().endswith(FILE_SUFFIXES)
    return is_named_like_one or os.path.exists(name)
