"""A word to the planner before a statement over very many rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.database import Transaction


@asynccontextmanager
async def many_rows(tx: Transaction) -> AsyncIterator[None]:
    """Statements inside are planned without nested loops.

    An organization whose rows came since the tables were last analyzed is taken for an empty one, because statistics
    know only the others. Two of its sets are then compared row by row with each other: minutes instead of a second for
    20,000 customers, and nothing ends it. Hash joins cost the same whatever the statistics say. Not for a few
    customers, who are best looked up one by one.

    Their hash tables may take more memory than those of a request. A second process helps, which Postgres would not
    begin because it expects all rows to come through it, where next to none differ.
    """
    await tx.run("set local enable_nestloop = off; set local work_mem = '32MB'; set local parallel_tuple_cost = 0.001")
    yield
    # Not after a failure: the transaction is rolled back then, and this with it.
    await tx.run(
        "set local enable_nestloop to default; set local work_mem to default; set local parallel_tuple_cost to default"
    )


@asynccontextmanager
async def by_keys(tx: Transaction) -> AsyncIterator[None]:
    """Within `many_rows`, for statements that find what they write by key.

    Joined without loops, some thousand rows to write would read the whole table, each time.
    """
    before = await tx.row("select current_setting('enable_nestloop'), set_config('enable_nestloop', 'on', true)")
    assert before is not None
    yield
    await tx.run("select set_config('enable_nestloop', :before::text, true)", before=before[0])


async def in_index_order(tx: Transaction) -> None:
    """From here on a statement that asks for rows in the order of an index reads them by this index, and by no other.

    Of an organization that they do not know, statistics say that it has hardly any rows. Every index that begins with
    the organization then costs the same, and whichever is taken, all its rows may be read for each look-up. Where
    nothing may be sorted there is one way left. Say a range (`>=` and `<=`) where there is one value: an equal column
    has no order to ask for.
    """
    await tx.run(
        "set local enable_sort = off; set local enable_incremental_sort = off; set local enable_seqscan = off; "
        "set local enable_bitmapscan = off"
    )


@asynccontextmanager
async def by_place(tx: Transaction, *, last: bool = False) -> AsyncIterator[None]:
    """Inside, rows that are named by where they are (`ctid`) are found there, whatever statistics say.

    There is no other way left that is allowed. What asks for the order of an index still goes by it: any other way
    would be forbidden twice. Nothing in these plans hangs on values, so each is made once for each connection.

    last: the transaction ends after it, so nobody needs the word to be taken back.
    """
    before = await tx.row(f"select current_setting('plan_cache_mode'), {_PLACES}", off="off", mode="force_generic_plan")
    assert before is not None
    yield
    # Not after a failure: the transaction is rolled back then, and this with it.
    if not last:
        await tx.row(f"select {_PLACES}", off="on", mode=before[0])


_PLACES = """
set_config('plan_cache_mode', :mode::text, true), set_config('enable_indexscan', :off::text, true),
set_config('enable_bitmapscan', :off, true), set_config('enable_seqscan', :off, true),
set_config('enable_sort', :off, true), set_config('enable_incremental_sort', :off, true)
"""
