"""The file that says why rows of another file were refused."""

import csv
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from domain.bulk import RowError

# Spreadsheets run cells that begin so as formulas.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ErrorFile:
    """FILE.errors.csv beside the file, or in the working folder where that cannot be written; none without errors.

    `path` is None until there is an error. What an earlier import left there is replaced or removed.
    """

    def __init__(self, file: Path) -> None:
        self.path: Path | None = None
        self._places = [folder / f"{file.name}.errors.csv" for folder in (file.parent, Path())]
        self._file: IO[str] | None = None
        self._writer: Any = None

    def add(self, errors: Iterable[RowError]) -> None:
        for error in errors:
            if self._writer is None:
                self._begin()
            self._writer.writerow(map(_cell, (error.row_number, error.field or "", error.code, error.message)))

    def __enter__(self) -> "ErrorFile":
        for place in self._places:
            with suppress(OSError):
                place.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def _begin(self) -> None:
        self.path, self._file = self._open()
        self._writer = csv.writer(self._file)
        self._writer.writerow(("row", "column", "code", "message"))

    def _open(self) -> tuple[Path, IO[str]]:
        first, second = self._places
        try:
            return first, first.open("w", newline="", encoding="utf-8")
        except OSError:
            return second, second.open("w", newline="", encoding="utf-8")


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
