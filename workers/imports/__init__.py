"""Imports of files: read as a stream, taken in by batches; the same for the command line and for workers."""

from workers.imports.batches import Batch, Position, Reader, open_file
from workers.imports.files import FileRefused, LocalFile, Source, check_text
from workers.imports.taking import Taken, take_in

__all__ = [
    "Batch",
    "FileRefused",
    "LocalFile",
    "Position",
    "Reader",
    "Source",
    "Taken",
    "check_text",
    "open_file",
    "take_in",
]
