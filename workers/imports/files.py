"""Where the bytes of an import come from, and whether they are text at all."""

import codecs
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

CHUNK = 256 * 1024

_FOREIGN_MARKS = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x1f\x8b": "a gzip archive",
}


class FileRefused(Exception):  # noqa: N818  # a refusal is not an error of ours
    """The file as a whole cannot be imported; the message says what to do."""


class Source(Protocol):
    """A file of `size` bytes that can be read from any place, a chunk at a time."""

    @property
    def size(self) -> int: ...

    def chunks(self, start: int = 0) -> AsyncIterator[bytes]: ...


class LocalFile:
    """A file of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    async def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        # The importer does one thing at a time, so there is nobody whom a read from the disk could hold up.
        with self._path.open("rb") as file:
            file.seek(start)
            while chunk := file.read(CHUNK):
                yield chunk


async def check_text(source: Source) -> None:
    """Reads everything once, before anything is written: raises FileRefused unless it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, lines = 0, 1
    async for chunk in source.chunks():
        if not read:
            _refuse_foreign(chunk)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line = lines + error.object[: error.start].count(b"\n")
            raise _not_text(f"line {line} is not") from error
        read += len(chunk)
        lines += chunk.count(b"\n")
    if decoder.getstate()[0]:
        raise _not_text("it ends in the middle of a character")
    if not read:
        raise FileRefused("The file is empty.")


def _refuse_foreign(beginning: bytes) -> None:
    for mark, name in _FOREIGN_MARKS.items():
        if beginning.startswith(mark):
            raise _not_text(f"it is {name}")


def _not_text(found: str) -> FileRefused:
    return FileRefused(f"The file must be UTF-8 text, and {found}. Save it as CSV in UTF-8; nothing was imported.")
