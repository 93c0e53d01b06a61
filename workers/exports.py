"""Exports: customers or a segment's members as one file, as they were at one moment."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from db import bulk, bulk_results
from db.audience import freeze
from db.bulk_results import add_result_chunk, forget_result, name_result
from db.conditions import Scope
from db.conditions.percentiles import find_cutoffs
from db.database import Transaction
from db.exports import FIRST, PAGE, customer_rows, filtered_rows, member_rows
from db.metrics import is_stale
from db.organizations import current_organization
from db.points import point
from db.references import unknown_customers
from db.segments import find_segment
from db.slices import next_slice
from domain.conditions import Condition, parse
from domain.exports import COLUMNS, MEMBERSHIP_COLUMNS, lines
from domain.ids import global_id
from workers.jobs import Run, handles

EXPORT_JOB = "customers.export"
# Of one job: customers who are deleted all the time hold an export up, and then its next try comes later.
PASSES = 5
# The argument that names a segment; without it everybody is exported.
SEGMENT = "segmentId"
# The argument with a condition that holds for whom to export.
WHERE = "where"

Rows = list[Sequence[object]]


@handles(EXPORT_JOB)
async def export(run: Run) -> None:
    """All of a file is of one moment: what was broken off is begun anew, and so is one that has somebody in it who was
    deleted meanwhile."""
    await in_passes(run, _is_done)


async def in_passes(run: Run, is_done: Callable[[Run], Awaitable[bool]]) -> None:
    """Passes until one is done: which begins the file anew, and is False when it must not be kept."""
    for _ in range(PASSES):
        if await is_done(run):
            return
    raise RuntimeError(f"somebody in the file was deleted during each of {PASSES} passes")


async def _is_done(run: Run) -> bool:
    """One pass; False when it is to be begun anew."""
    operation_id = UUID(run.args[bulk.OPERATION])
    async with run.database.tenant(run.organization_id) as tx:
        brands = await bulk.limit_of(tx, operation_id)
        await forget_result(tx, operation_id)
        if not await bulk.start(tx, operation_id):
            await bulk.stop(tx, operation_id)
            return True
        await bulk.begin_anew(tx, operation_id)
    file = File(run, operation_id)
    # Limited as who asked for it is: others' customers are not in the file.
    async with run.database.tenant(run.organization_id, brands) as reader:
        await freeze(reader)
        name, pages = await _source(reader, run)
        async for rows in pages:
            customers = [row[0] for row in rows if isinstance(row[0], UUID)]
            if not await file.add([_shown(row) for row in rows], customers):
                return True
    return await file.end(name)


async def _source(reader: Transaction, run: Run) -> tuple[str, AsyncIterator[Rows]]:
    if where := run.args.get(WHERE):
        return "customers.csv", _matching(reader, parse(where), run)
    segment = run.args.get(SEGMENT)
    if segment is None:
        return "customers.csv", _customers(reader)
    found = await find_segment(reader, UUID(segment))
    return f"{found.key if found else 'segment'}.csv", _members(reader, UUID(segment))


async def _customers(reader: Transaction) -> AsyncIterator[Rows]:
    yield [COLUMNS]
    after = FIRST
    while rows := await customer_rows(reader, after):
        after = rows[-1][0]  # type: ignore[assignment]  # the first column is the id
        yield rows


async def _matching(reader: Transaction, condition: Condition, run: Run) -> AsyncIterator[Rows]:
    yield [COLUMNS]
    organization = await current_organization(reader)
    # As `resolvers.preview.current_scope` chooses: what is maintained may be stale, and counts every brand.
    as_of = run.now if reader.brands is not None or await is_stale(reader, run.now) else None
    everybody = Scope(organization, as_of, run.now)
    cutoffs = await find_cutoffs(reader, [condition], everybody)
    after: UUID | None = None
    while (some := await next_slice(reader, after)).last:
        after = some.last
        scope = replace(everybody, candidates=some.candidates, cutoffs=cutoffs)
        yield await filtered_rows(reader, condition, scope)
        await run.extend()


async def _members(reader: Transaction, segment_id: UUID) -> AsyncIterator[Rows]:
    yield [COLUMNS + MEMBERSHIP_COLUMNS]
    after = FIRST
    while rows := await member_rows(reader, segment_id, after):
        after = rows[-1][0]  # type: ignore[assignment]  # the first column is the id
        yield rows


def _shown(row: Sequence[object]) -> list[object]:
    first, *rest = row
    return [global_id("Customer", first) if isinstance(first, UUID) else first, *rest]


@dataclass
class File:
    """A file under way: its chunks and the progress are committed as they come."""

    run: Run
    operation_id: UUID
    waiting: bytearray = field(default_factory=bytearray)
    chunks: int = 0
    rows: int = 0
    begun: bool = False
    # Ids, 16 bytes each: there may be a million.
    customers: bytearray = field(default_factory=bytearray)

    async def add(self, rows: Rows, customers: Sequence[UUID] = ()) -> bool:
        """customers: who is in the rows. False when the operation shall stop; nothing is left then."""
        self.customers += b"".join(customer.bytes for customer in customers)
        self.waiting += lines(rows).encode()
        # The first line of all is the header.
        self.rows += len(rows) - (0 if self.begun else 1)
        self.begun = True
        if len(self.waiting) < bulk_results.CHUNK:
            return True
        return await self._store()

    async def end(self, name: str) -> bool:
        """False when somebody in the file was deleted while it was written: then nobody may have it."""
        if not await self._store():
            return True
        async with self.run.database.tenant(self.run.organization_id) as tx:
            for some in self._everybody():
                if await unknown_customers(tx, some):
                    return False
            await name_result(tx, self.operation_id, name)
            await bulk.finish(tx, self.operation_id)
        return True

    def _everybody(self) -> Iterator[list[UUID]]:
        size = 16
        for at in range(0, len(self.customers), PAGE * size):
            page = bytes(self.customers[at : at + PAGE * size])
            yield [UUID(bytes=page[i : i + size]) for i in range(0, len(page), size)]

    async def _store(self) -> bool:
        async with self.run.database.tenant(self.run.organization_id) as tx:
            go_on = await bulk.progress(tx, self.operation_id, done=self.rows)
            if not go_on:
                await bulk.stop(tx, self.operation_id)
                await forget_result(tx, self.operation_id)
                return False
            await add_result_chunk(tx, self.operation_id, self.chunks, bytes(self.waiting))
        point("export.stored")
        await self.run.extend()
        self.waiting.clear()
        self.chunks, self.rows = self.chunks + 1, 0
        return True
