"""Files are read as a stream in any pieces, refused row by row or as a whole, and taken in once however often."""

import json
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import bulk
from db.database import Database
from db.statistics import keep_statistics
from db.uploads import CHUNK, add_chunk, create_upload, finish_upload
from domain.bulk import BulkKind, RowError
from domain.imports import FileFormat, ImportKind, ImportSpec
from tests.cdnow import FOLDER
from tests.facts import maintained
from tests.jobs import drain
from workers.imports import Batch, FileRefused, LocalFile, Position, check_text, open_file, take_in
from workers.imports.batches import BATCH_ROWS
from workers.imports.lines import MAX_LINE

ORDERS = ImportSpec(ImportKind.ORDERS)
EVENTS = ImportSpec(ImportKind.EVENTS, FileFormat.JSONL)
NOW = datetime(2026, 1, 31, tzinfo=UTC)
NONE = {"new": 0, "unchanged": 0, "changed": 0, "refused": 0}
HEADER = "customer,key,occurredAt,amount\n"
NOTED = "customer,key,occurredAt,amount,properties.note\n"
CDNOW = FOLDER / "cdnow_orders.csv"


class Pieces:
    """A file in memory that comes in pieces of any size."""

    def __init__(self, content: str | bytes, size: int = 1 << 18) -> None:
        self.content = content.encode() if isinstance(content, str) else content
        self._piece = size

    @property
    def size(self) -> int:
        return len(self.content)

    async def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        for at in range(start, len(self.content), self._piece):
            yield self.content[at : at + self._piece]


async def read(content: str | bytes, spec: ImportSpec = ORDERS, *, piece: int = 1 << 18) -> Batch:
    """Everything in one batch."""
    whole = Batch(Position())
    reader = await open_file(Pieces(content, piece), spec)
    async for batch in reader.batches():
        whole.rows += batch.rows
        whole.errors += batch.errors
        whole.after = batch.after
    return whole


def keys(batch: Batch) -> list[tuple[int, str]]:
    return [(number, row.key) for number, row in batch.rows if not hasattr(row, "change")]


def codes(batch: Batch) -> list[tuple[int, str, str | None]]:
    return [(error.row_number, error.code, error.field) for error in batch.errors]


def order(key: object, customer: str = "ada", day: str = "2026-01-01", amount: str = "10.00") -> str:
    return f"{customer},{key},{day},{amount}\n"


CELLS = st.text(st.sampled_from("ab,\"\n\r ü😀'"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=8), st.integers(3, 40), st.booleans(), st.sampled_from(["\n", "\r\n"])
)
async def test_rows_do_not_depend_on_the_pieces_they_come_in(
    cells: list[tuple[str, str]], piece: int, marked: bool, newline: str
) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [f"c,{number},2026-01-01,1.00,{quoted(a)},{quoted(b)}" for number, (a, b) in enumerate(cells)]
    header = "customer,key,occurredAt,amount,properties.a,properties.b"
    content = ("\ufeff" if marked else "") + newline.join([header, *lines]) + newline
    batch = await read(content, piece=piece)
    assert batch == await read(content)
    assert not batch.errors
    expected = [{name: text.strip() for name, text in zip("ab", pair, strict=True) if text.strip()} for pair in cells]
    assert [getattr(row, "properties", None) for _, row in batch.rows] == expected
    assert batch.after.place == (len(content.encode()) if cells else 0)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([order(1), order(2, amount="x"), "\n", '"a b",3,2026-01-01,1\n', "broken\n"]), max_size=9),
    st.data(),
)
async def test_reading_goes_on_from_the_end_of_any_batch(lines: list[str], data: st.DataObject) -> None:
    """However the rows before were cut, the rest has the same rows, numbers and errors."""
    content = HEADER + "".join(lines)
    whole = await read(content)
    cut = data.draw(st.integers(0, len(lines)))
    place = len((HEADER + "".join(lines[:cut])).encode())
    before = sum(line != "\n" for line in lines[:cut])
    reader = await open_file(Pieces(content, 7), ORDERS)
    rest = [batch async for batch in reader.batches(Position(place, before))]
    rows = [row for batch in rest for row in batch.rows]
    errors = [error for batch in rest for error in batch.errors]
    assert rows == [row for row in whole.rows if row[0] > before]
    assert errors == [error for error in whole.errors if error.row_number > before]


async def test_batches_are_bounded_in_rows_and_in_bytes() -> None:
    content = HEADER + "".join(order(key) for key in range(BATCH_ROWS + 1))
    reader = await open_file(Pieces(content), ORDERS)
    assert [len(batch.rows) async for batch in reader.batches()] == [BATCH_ROWS, 1]
    note = "x" * 9_000
    content = NOTED + "".join(f"a,{key},2026-01-01,1,{note}\n" for key in range(2000))
    reader = await open_file(Pieces(content), ORDERS)
    assert [len(batch.rows) async for batch in reader.batches()] == [931, 930, 139]


async def test_broken_csv_rows_are_refused_one_by_one() -> None:
    rows = [
        order(1),
        "ada,2,2026-01-01\n",
        "ada,3,2026-01-01,1,extra\n",
        'ada,"4"x,2026-01-01,1\n',
        "\n",
        order(5, day="yesterday"),
        order(6, amount="NaN"),
        ",7,2026-01-01,1\n",
        order("8" * 300),
        f"ada,{'9' * 10_001},2026-01-01,1\n",
        "=HYPERLINK(1),10,2026-01-01,1\n",
        "a\x00b,11,2026-01-01,1\n",
        order(12),
        'ada,"13,2026-01-01,1\n',
    ]
    batch = await read(HEADER + "".join(rows))
    assert keys(batch) == [(1, "1"), (10, "10"), (12, "12")]
    assert codes(batch) == [
        (2, "INVALID_ROW", None),
        (3, "INVALID_ROW", None),
        (4, "INVALID_ROW", None),
        (5, "INVALID", "occurredAt"),
        (6, "INVALID", "amount"),
        (7, "INVALID", "customer"),
        (8, "INVALID", "key"),
        (9, "INVALID_ROW", None),
        (11, "INVALID", "customer"),
        (13, "INVALID_ROW", None),
    ]


async def test_broken_json_rows_are_refused_one_by_one() -> None:
    good = {"customer": "ada", "key": 1, "occurredAt": "2026-01-01", "name": "x", "amount": 0.1}
    rows = [
        json.dumps(good),
        "{",
        "[1]",
        '{"key": NaN}',
        '{"a":' * 100_000,
        '{"key": ' + "9" * 5_000 + "}",
        json.dumps(good | {"key": "2", "amount": 0.001}),
        "  ",
        json.dumps(good | {"key": "3", "properties": {"a": {"b": {"c": {"d": {"e": {}}}}}}}),
        json.dumps(good | {"key": "4", "properties": {"a\u0000": 1}}),
        json.dumps(good | {"key": "\ud800"}),
        json.dumps(good | {"key": "last", "amount": None}),
    ]
    batch = await read("\n".join(rows), EVENTS)
    assert keys(batch) == [(1, "1"), (11, "last")]
    assert [(number, code) for number, code, _ in codes(batch)] == [
        *((number, "INVALID_ROW") for number in (2, 3, 4, 5, 6)),
        *((number, "INVALID") for number in (7, 8, 9, 10)),
    ]


async def test_a_row_of_ten_thousand_columns_and_a_line_of_many_megabytes_are_refused_alone() -> None:
    long = b"x" * (64 * 1024 * 1024)
    content = (HEADER + order(1) + "x," * 10_000 + "\n").encode() + long + b"\n" + order(4).encode() + long
    source = Pieces(content)
    tracemalloc.start()
    batch = Batch(Position())
    reader = await open_file(source, ORDERS)
    async for each in reader.batches():
        batch.rows += each.rows
        batch.errors += each.errors
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert keys(batch) == [(1, "1"), (4, "4")]
    assert codes(batch) == [(2, "INVALID_ROW", None), (3, "INVALID_ROW", None), (5, "INVALID_ROW", None)]
    assert peak < 8 * MAX_LINE


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("customer,key\nü".encode("utf-16"), "UTF-16"),
        (b"customer,key\nm\xfcller,1\n", "line 2"),
        (b"PK\x03\x04rest", "zip"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (HEADER.encode() + "ü".encode()[:1], "middle of a character"),
        (b"", "empty"),
    ],
)
async def test_a_file_that_is_no_text_is_refused_before_anything_is_written(content: bytes, told: str) -> None:
    for piece in (5, 1 << 18):
        with pytest.raises(FileRefused, match=told):
            await check_text(Pieces(content, piece))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("customer,key,amount\n", "occurredAt"),
        ("a," * 101, "100"),
        ("a" * (MAX_LINE + 1), "too long"),
        ('"a', "cannot be read as CSV"),
    ],
)
async def test_a_file_without_a_usable_header_is_refused(content: str, told: str) -> None:
    with pytest.raises(FileRefused, match=told):
        await open_file(Pieces(content), ORDERS)


async def upload(database: Database, organization: UUID, content: str | bytes, **args: Any) -> UUID:
    """Uploads and asks for the import; returns the operation."""
    data = content.encode() if isinstance(content, str) else content
    async with database.tenant(organization) as tx:
        upload_id = await create_upload(tx, "orders.csv")
        for number, start in enumerate(range(0, len(data), CHUNK)):
            await add_chunk(tx, upload_id, number, data[start : start + CHUNK])
        await finish_upload(tx, upload_id, len(data))
        given: dict[str, Any] = {"kind": "ORDERS", "format": "CSV", "source": "shop", "brand": None, "mapping": {}}
        return await bulk.request_operation(
            tx, BulkKind.IMPORT, "imports.run", actor="test", args={"upload": str(upload_id), **given, **args}
        )


async def ended(database: Database, organization: UUID, operation: UUID) -> bulk.BulkOperation:
    async with database.tenant(organization) as tx:
        found = await bulk.find_operation(tx, operation)
    assert found
    return found


async def errors(database: Database, organization: UUID, operation: UUID) -> list[RowError]:
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select row_number, code, message, field from bulk_operation_error "
            "where organization_id = :organization and bulk_operation_id = :id order by 1",
            id=operation,
        )
    return [RowError(*row) for row in rows]


async def test_an_upload_is_taken_in_by_a_worker(database: Database, organization: UUID) -> None:
    content = HEADER + "".join(order(key) for key in range(BATCH_ROWS)) + order(1) + order("x", amount="-1")
    operation = await upload(database, organization, content)
    await drain(database, organization)
    done = await ended(database, organization, operation)
    assert (done.state, done.counts) == ("COMPLETED", {**NONE, "new": BATCH_ROWS, "unchanged": 1, "refused": 1})
    assert (done.done, done.total) == (len(content), len(content))
    [error] = await errors(database, organization, operation)
    assert (error.row_number, error.code, error.field) == (BATCH_ROWS + 2, "INVALID", "amount")
    metrics = (await maintained(database, organization))["ada", None]
    assert metrics["lifetime_value"] == Decimal("10.00") * BATCH_ROWS
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from upload_chunk where organization_id = :organization") == 0


async def test_a_file_over_several_chunks_and_slices_is_read_on(
    database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.imports.uploads.SLICE", 0)
    note = "ü" * 200
    lines = [f"c{key % 50},{key},2026-01-01,1.00,{note}\n" for key in range(7_000)]
    content = NOTED + "".join(lines)
    operation = await upload(database, organization, content)
    assert len(content.encode()) > 2 * CHUNK
    assert await drain(database, organization) >= 3
    assert (await ended(database, organization, operation)).counts == {**NONE, "new": 7_000}


@pytest.mark.parametrize("content", ["customer,key\n1,2\n", HEADER.encode() + b"\xff"])
async def test_an_upload_that_is_no_such_file_fails_and_writes_nothing(
    database: Database, organization: UUID, content: str | bytes
) -> None:
    operation = await upload(database, organization, content)
    await drain(database, organization)
    done = await ended(database, organization, operation)
    assert (done.state, done.counts) == ("FAILED", {})
    assert done.error
    assert await maintained(database, organization) == {}


async def test_a_cancelled_import_stops_at_the_next_batch(database: Database, organization: UUID) -> None:
    operation = await upload(database, organization, HEADER + order(1))
    async with database.tenant(organization) as tx:
        await bulk.start(tx, operation)
        await bulk.cancel(tx, operation)
    await drain(database, organization)
    assert (await ended(database, organization, operation)).state == "CANCELLED"
    assert await maintained(database, organization) == {}


async def test_customers_are_taken_in_with_their_tags(database: Database, organization: UUID) -> None:
    content = (
        "externalId,email,name,tags,attributes.size\nada,A@x.com,Ada,vip;new,38\nbob,a@x.com,Bob,,\ncid,,Cid,vip,\n"
    )
    first = await upload(database, organization, content, kind="CUSTOMERS")
    again = await upload(database, organization, content, kind="CUSTOMERS")
    more = await upload(database, organization, "externalId,tags\nada,gold\nada,gold\n", kind="CUSTOMERS")
    await drain(database, organization)
    counts = [(await ended(database, organization, each)).counts for each in (first, again, more)]
    assert counts == [
        {**NONE, "new": 2, "refused": 1},
        {**NONE, "unchanged": 2, "refused": 1},
        {**NONE, "changed": 2},
    ]
    [error] = await errors(database, organization, first)
    assert (error.row_number, error.code, error.field) == (2, "EMAIL_TAKEN", "email")


@pytest.mark.skipif(not CDNOW.exists(), reason="the CDNOW purchases are not here")
async def test_real_purchases_are_taken_in_exactly_once(database: Database, organization: UUID) -> None:
    mapping = {"customer": "customer_id", "key": "order_id", "occurredAt": "ordered_at"}
    reader = await open_file(LocalFile(CDNOW), ImportSpec(ImportKind.ORDERS, source="cdnow", mapping=mapping))
    assert reader.columns.unused == ()
    async for batch in reader.batches():
        async with database.tenant(organization) as tx:
            await take_in(tx, reader, batch, NOW)
        await keep_statistics(database)
    metrics = await maintained(database, organization)
    assert len(metrics) == 23_570
    assert sum(row["lifetime_value"] for row in metrics.values()) == Decimal("2500315.63")
    async for batch in reader.batches():
        async with database.tenant(organization) as tx:
            taken = await take_in(tx, reader, batch, NOW)
            assert taken.counts == {**NONE, "unchanged": len(batch.rows)}
