"""Batches of rows from a stream: facts or profile changes, and what is wrong with the rows that are none."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from domain.bulk import RowError
from domain.facts import Fact
from domain.imports import Columns, CustomerRow, FileFormat, ImportSpec, csv_columns, json_columns, read_row
from domain.refusals import Refused
from workers.imports.files import FileRefused, Source
from workers.imports.lines import MAX_LINE, Lines, Starved, TooLong
from workers.imports.records import Records, csv_header, csv_records, json_records

BATCH_ROWS = 5_000
# Rows may be long: what a batch holds in memory is bounded as well.
BATCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Position:
    """Where to go on: the place in the file and the number of rows before it."""

    place: int = 0
    rows: int = 0


@dataclass(slots=True)
class Batch:
    """Rows with their numbers (from 1, without the header), the errors among them, and where the next batch begins."""

    after: Position
    rows: list[tuple[int, Fact | CustomerRow]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """An opened file and its columns."""

    source: Source
    spec: ImportSpec
    columns: Columns
    header: tuple[str, ...]
    beginning: int

    async def batches(self, start: Position | None = None) -> AsyncIterator[Batch]:
        """Every batch, or those after the one that ended at `start`; bounded in rows and in bytes."""
        batch = Batch(start or Position(self.beginning))
        begin = batch.after.place
        lines, chunks = Lines(begin), self.source.chunks(begin)
        records = self._records(lines)
        while True:
            lines.begin_record()
            try:
                self._take(batch, lines, records)
            except Starved:
                lines.give_back()
                lines.feed(await anext(chunks, b""))
            except StopIteration:
                break
            if len(batch.rows) + len(batch.errors) >= BATCH_ROWS or batch.after.place - begin >= BATCH_BYTES:
                yield batch
                batch, begin = Batch(batch.after), batch.after.place
        if batch.rows or batch.errors:
            yield batch

    def _records(self, lines: Lines) -> Records:
        if self.spec.format is FileFormat.CSV:
            return csv_records(lines, self.header, self.columns)
        return json_records(lines, self.columns)

    def _take(self, batch: Batch, lines: Lines, records: Records) -> None:
        """Takes one record; raises Starved and, at the end, StopIteration."""
        number = batch.after.rows + 1
        try:
            values = records()
            if values is None:
                number -= 1
            else:
                batch.rows.append((number, read_row(self.spec, values)))
        except Refused as refused:
            batch.errors.append(self.error(number, refused))
        except TooLong:
            batch.errors.append(RowError(number, "INVALID_ROW", f"A line may have {MAX_LINE:,} bytes at most."))
        batch.after = Position(lines.end, number)

    def error(self, number: int, refused: Refused) -> RowError:
        """A refusal in the file's own words."""
        return RowError(number, refused.code, refused.message, self.columns.named(refused.field))


async def open_file(source: Source, spec: ImportSpec) -> Reader:
    """Reads the header; raises FileRefused when the file as a whole cannot be what it is said to be."""
    try:
        if spec.format is FileFormat.JSONL:
            return Reader(source, spec, json_columns(spec), (), 0)
        header, beginning = await _header(source)
        return Reader(source, spec, csv_columns(spec, header), header, beginning)
    except Refused as refused:
        raise FileRefused(refused.message) from refused


async def _header(source: Source) -> tuple[tuple[str, ...], int]:
    lines, chunks = Lines(0), source.chunks()
    while True:
        lines.begin_record()
        try:
            if header := csv_header(lines):
                return tuple(header), lines.end
        except Starved:
            lines.give_back()
            lines.feed(await anext(chunks, b""))
        except TooLong:
            raise FileRefused("The first row is too long to be a header.") from None
        except StopIteration:
            raise FileRefused("The file is empty.") from None
