"""`wayfare import`: files of customers, orders and other events, taken in by this process."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.cli.connection import connected, run
from app.cli.row_errors import ErrorFile
from db.database import Database, Transaction
from db.organizations import current_organization, list_brands
from db.statistics import keep_statistics
from domain.imports import FileFormat, ImportKind, ImportSpec, check_mapping
from domain.refusals import Refused
from workers.imports import Batch, FileRefused, LocalFile, Reader, Taken, check_text, open_file, take_in

app = typer.Typer(no_args_is_help=True, help="Import files: CSV with a header, or JSON lines; UTF-8.")

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="One or more files.")]
Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="A field that has another name in the file; may be repeated."),
]
Source = Annotated[str, typer.Option(help="Where the facts come from; with its key it names each fact for good.")]
Slug = Annotated[str | None, typer.Option(help="Slug; needed when there are several.")]
Brand = Annotated[str | None, typer.Option(help="Slug of the brand that every fact in the file belongs to.")]
Format = Annotated[
    FileFormat | None, typer.Option("--format", case_sensitive=False, help="By the file's name otherwise.")
]

_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_ENDING = "Importing the same again changes nothing. The exit code is 1 when rows or a file were refused."


@app.command(epilog=_ENDING)
def customers(files: Files, mapped: Mapped = None, organization: Slug = None, file_format: Format = None) -> None:
    """Make or change customers, named by externalId or else by email."""
    _import(ImportKind.CUSTOMERS, files, mapped, organization, file_format)


@app.command(epilog=_ENDING)
def orders(
    files: Files,
    mapped: Mapped = None,
    source: Source = "import",
    organization: Slug = None,
    brand: Brand = None,
    file_format: Format = None,
) -> None:
    """Tell orders: customer, key, occurredAt, amount. Customers that are not known yet are made."""
    _import(ImportKind.ORDERS, files, mapped, organization, file_format, source, brand)


@app.command(epilog=_ENDING)
def events(
    files: Files,
    mapped: Mapped = None,
    source: Source = "import",
    organization: Slug = None,
    brand: Brand = None,
    file_format: Format = None,
) -> None:
    """Tell anything that happened: customer, key, occurredAt, and a name or a kind (APPOINTMENT, CALL, VISIT ...)."""
    _import(ImportKind.EVENTS, files, mapped, organization, file_format, source, brand)


def _import(
    kind: ImportKind,
    files: list[Path],
    mapped: list[str] | None,
    organization: str | None,
    file_format: FileFormat | None,
    source: str = "import",
    brand: str | None = None,
) -> None:
    spec = ImportSpec(kind, source=source, mapping=_mapping(mapped or []))
    try:
        check_mapping(spec)
    except Refused as refusal:
        raise typer.BadParameter(refusal.message, param_hint="--map") from refusal
    if run(_import_all(files, spec, file_format, organization, brand)):
        raise typer.Exit(1)


def _mapping(mapped: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in mapped]
    if not all(field and column for field, _, column in pairs):
        raise typer.BadParameter("Write field=column, e.g. customer=customer_id.", param_hint="--map")
    return {field: column for field, _, column in pairs}


async def _import_all(
    files: list[Path], spec: ImportSpec, file_format: FileFormat | None, organization: str | None, brand: str | None
) -> bool:
    """Imports each file and reports it; whether anything was refused."""
    refused = False
    async with connected() as wayfare:
        organization_id = await wayfare.organization(organization)
        spec = await _completed(wayfare.database, organization_id, spec, brand)
        for file in files:
            refused |= await _import_file(
                wayfare.database, organization_id, file, replace(spec, format=file_format or _format_of(file))
            )
    return refused


async def _completed(database: Database, organization_id: UUID, spec: ImportSpec, brand: str | None) -> ImportSpec:
    """With the organization's time zone and the brand's id."""
    async with database.tenant(organization_id) as tx:
        timezone = (await current_organization(tx)).timezone
        brands = {known.slug: known.id for known in await list_brands(tx)}
    if brand is not None and brand not in brands:
        raise typer.BadParameter(f"There is no brand {brand}; there are {', '.join(brands)}.", param_hint="--brand")
    return replace(spec, timezone=timezone, brand_id=brands[brand] if brand else None)


def _format_of(file: Path) -> FileFormat:
    return FileFormat.JSONL if file.suffix.lower() in _JSON_SUFFIXES else FileFormat.CSV


async def _import_file(database: Database, organization_id: UUID, file: Path, spec: ImportSpec) -> bool:
    """Imports a file with a bar on the way and a table at the end; whether it or some of its rows were refused."""
    console, errors, source = Console(), ErrorFile(file), LocalFile(file)
    started = time.monotonic()
    try:
        with errors, _bar() as progress:
            task = progress.add_task(file.name, total=source.size)
            counts = await _take_file(
                database,
                organization_id,
                source,
                spec,
                errors,
                lambda place: progress.update(task, completed=place),
            )
    except FileRefused as refused:
        Console(stderr=True).print(f"{file}: {refused}", style="red", markup=False, highlight=False, soft_wrap=True)
        return True
    console.print(
        f"{file.name}: {counts.total():,} rows in {time.monotonic() - started:.1f} s", markup=False, highlight=False
    )
    console.print(_table(counts))
    if errors.path:
        console.print(f"Why rows were refused: {errors.path}", markup=False, highlight=False, soft_wrap=True)
    return counts["refused"] > 0


async def _take_file(
    database: Database,
    organization_id: UUID,
    file: LocalFile,
    spec: ImportSpec,
    errors: ErrorFile,
    reached: Callable[[int], None],
) -> Counter[str]:
    """Takes the file in batch by batch, each committed, so that an interrupted import only has to be repeated."""
    await check_text(file)
    reader = await open_file(file, spec)
    counts = Taken().counts
    async for batch in reader.batches():
        taken = await database.attempt(organization_id, partial(_take_now, reader=reader, batch=batch))
        await keep_statistics(database)
        errors.add(taken.errors)
        counts.update(taken.counts)
        reached(batch.after.place)
    return counts


async def _take_now(tx: Transaction, *, reader: Reader, batch: Batch) -> Taken:
    return await take_in(tx, reader, batch, datetime.now(UTC))


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _table(counts: Counter[str]) -> Table:
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for outcome, number in counts.items():
        table.add_row(outcome, f"{number:,}")
    return table
