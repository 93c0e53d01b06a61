"""What a page of a timeline reads: no more facts than it shows, however many its customer has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from db.database import Database
from db.relations import page_each
from db.statement import Statement
from db.timeline import TIMELINE, matching
from domain.ids import new_id
from domain.timeline import EntryKind
from resolvers.paging import PageArguments, encode_cursor, keyset

SIZE = 20
MANY = 3_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)
_FACTS = """
insert into fact (organization_id, id, customer_id, kind, name, source, key, occurred_at, content_hash)
select :organization, uuid7(), c.id, 'CUSTOM', 'n', c.external_id, n::text,
       :now::timestamptz - n * interval '1 minute', ''
from customer c cross join generate_series(1, case c.external_id when 'heavy' then :many else 5 end) n
where c.organization_id = :organization
"""
_OTHERS = """
insert into customer_note (organization_id, id, customer_id, body, author, created_at)
select :organization, uuid7(), :id, 'n', 'a', :now::timestamptz - n * interval '1 hour' from generate_series(1, 30) n
"""


@pytest.fixture
async def heavy(database: Database, organization: UUID, addresses: Any) -> UUID:
    """A customer of very many facts among five hundred of few, so that Postgres expects few of anybody."""
    admin = await asyncpg.connect(addresses.database_url)
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into customer (organization_id, id, external_id) "
            "select :organization, uuid7(), case n when 0 then 'heavy' else 'c' || n end from generate_series(0, 500) n"
        )
        id_: UUID = await tx.value("select id from customer where external_id = 'heavy'")
        await tx.run(_FACTS, now=NOW, many=MANY)
        await tx.run(_OTHERS, id=id_, now=NOW)
    await admin.execute("analyze fact")
    await admin.close()
    return id_


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize("after", [None, timedelta(minutes=MANY // 2)], ids=["first", "middle"])
@pytest.mark.parametrize("kinds", [None, [EntryKind.CUSTOM, EntryKind.NOTE]], ids=["all", "some"])
async def test_a_page_reads_no_more_facts_than_it_shows(
    database: Database, organization: UUID, heavy: UUID, after: timedelta | None, kinds: list[EntryKind] | None
) -> None:
    arguments = PageArguments(first=SIZE, where=matching(kinds))
    if after:
        cursor = encode_cursor(arguments, (NOW - after).isoformat(), str(new_id()))
        arguments = PageArguments(first=SIZE, where=matching(kinds), after=cursor)
    page = page_each(TIMELINE, [heavy], keyset(TIMELINE, arguments), organization)
    async with database.tenant(organization) as tx:
        told = await tx.value(Statement(f"explain (analyze, format json) {page.text}", page.values))
        shown = await tx.rows(page)
    plan = (orjson.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    facts = [node for node in nodes(plan) if node.get("Relation Name") == "fact"]
    assert [node["Index Name"] for node in facts] == ["fact_customer_idx"]
    assert facts[0]["Actual Rows"] * facts[0]["Actual Loops"] == SIZE + 1
    assert len(shown) == SIZE + 1
