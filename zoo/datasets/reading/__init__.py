"""Readers of records: rows of tables, JSON objects, lines of text; lazily and from any source."""

from zoo.datasets.reading.formats import open_records
from zoo.datasets.reading.options import ReadingOptions
from zoo.datasets.reading.records import Record, Records

__all__ = ["ReadingOptions", "Record", "Records", "open_records"]
