"""The datasets by name: a module in this package that registers a function is part of the zoo."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoo.datasets.dataset import DatasetError, TextDataset, timed
from zoo.datasets.file_formats import FILE_SUFFIXES
from zoo.datasets.files import from_files
from zoo.registry import Registry, UnknownNameError, check_arguments, unknown_name_message

_DATASETS = Registry("dataset", "zoo.datasets")
_ALIASES: dict[str, str] = {}


def register_dataset(name: str, *aliases: str) -> Callable[[Callable], Callable]:
    """Enters the function that makes a dataset under the dataset's name, and under short ones."""

    def register(function: Callable[..., TextDataset]) -> Callable[..., TextDataset]:
        function = timed(function)
        _DATASETS.register(name, function)
        _ALIASES.update(dict.fromkeys(aliases, name))
        return function

    return register


def list_datasets() -> list[str]:
    """The names that `load` takes, in alphabetical order and without their short forms."""
    return _DATASETS.names()


def dataset_function(name: str) -> Callable[..., TextDataset]:
    """The function that makes the dataset with a name out of `list_datasets()`.

    Raises:
        UnknownNameError: for a name that no dataset has.
    """
    return _DATASETS[name]


def registered_functions() -> dict[str, Callable[..., TextDataset]]:
    """The functions that make datasets, by their own names."""
    return {function.__name__: function for function in map(dataset_function, list_datasets())}


def load(name_or_path: str | os.PathLike, /, **arguments: Any) -> TextDataset:
    """Reads a dataset by its name, or your own files.

    `load(dataset.name, **dataset.arguments)` makes any dataset again, one of own files too: their
    arguments hold the path.

    Args:
        name_or_path: one of `list_datasets()` or a short form such as "imdb"; or the path of a
            file or folder as `from_files` reads them. A name wins over a file of that name in the
            working directory, for which "./name" can be written.
        **arguments: for the function that makes the dataset. `columns`, the kind of each column
            that is wanted by its name, may be given for any: of your own files these are read, and
            named datasets have them or are refused.

    Raises:
        DatasetError: for an unknown name, an argument that the dataset does not take, or data
            that cannot be read.
    """
    if "path" in arguments:
        name_or_path = Path(arguments.pop("path"))
    reader = reader_of(name_or_path)
    if reader is from_files:
        return from_files(name_or_path, **arguments)
    columns = arguments.pop("columns", {})
    _check_arguments(str(name_or_path), reader, arguments)
    dataset = reader(**arguments)
    dataset.check_columns(columns)
    return dataset


def reader_of(name_or_path: str | os.PathLike) -> Callable[..., TextDataset]:
    """The function by which `load` reads a name or a path.

    Raises:
        DatasetError: for a name that no dataset has.
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
