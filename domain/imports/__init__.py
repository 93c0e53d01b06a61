"""Imports: what a file may say about customers, orders and other events, and how its rows are read."""

from domain.imports.columns import MAX_COLUMNS, Columns, check_mapping, csv_columns, json_columns
from domain.imports.rows import CustomerRow, read_row
from domain.imports.specs import FileFormat, ImportKind, ImportSpec

__all__ = [
    "MAX_COLUMNS",
    "Columns",
    "CustomerRow",
    "FileFormat",
    "ImportKind",
    "ImportSpec",
    "check_mapping",
    "csv_columns",
    "json_columns",
    "read_row",
]
