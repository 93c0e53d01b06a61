"""Revision 0020: what customers did about messages before it counts after it, once and as if it came now."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.migrate import upgrade
from domain.ids import new_id
from domain.results.activity import fact_key

REPLIED = {"fact": {"kind": "CUSTOM", "name": "message.replied", "aggregate": "COUNT", "is": {"gte": "1"}}}
WORLD = """
insert into organization (id, name, slug) values (:o, 'Old', 'old');
insert into brand (organization_id, id, name, slug) values (:o, :o, 'B', 'b');
insert into customer (organization_id, id, name) select :o, id, 'c' from unnest(:customers) id;
insert into template (organization_id, id, brand_id, name, channel) values (:o, :o, :o, 'T', 'EMAIL');
insert into template_version (organization_id, template_id, number, subject, text, actor)
    values (:o, :o, 1, 'S', 'T', 'test');
insert into campaign (organization_id, id, brand_id, name, template_id, template_version)
    values (:o, :o, :o, 'C', :o, 1);
insert into message (organization_id, id, campaign_id, customer_id, channel, address, status, sending_at, sent_at)
    select :o, id, :o, id, 'EMAIL', id || '@x.example', 'SENT', '2026-05-01', '2026-05-01' from unnest(:customers) id;
insert into fact (organization_id, id, customer_id, brand_id, kind, name, source, key, occurred_at, content_hash)
    values (:o, :o, :answered, :o, 'CUSTOM', 'message.replied', 'wayfare', 'mail:r', '2026-05-03', 'x');
insert into segment (organization_id, id, key, name, type, condition) values (:o, :o, 'r', 'R', 'AUTOMATIC', :replied);
insert into segment_version (organization_id, segment_id, number, condition, actor, reads)
    values (:o, :o, 1, :replied, 'test', '{fact:CUSTOM}'),
           (:o, :o, 2, :replied, 'test', '{fact:ORDER,fact:APPOINTMENT,fact:VISIT,fact:CALL}');
"""


@pytest.fixture
async def old(addresses: Any) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """A database at the revision before, and a connection to it."""
    admin = await asyncpg.connect(addresses.database_url)
    name = f"{urlsplit(addresses.database_url).path[1:]}_old"
    await admin.execute(f"create database {name}")
    url = urlsplit(addresses.database_url)._replace(path=f"/{name}").geturl()
    try:
        await upgrade(url, "0019")
        connection = await asyncpg.connect(url)
        try:
            yield url, connection
        finally:
            await connection.close()
    finally:
        await admin.execute(f"drop database {name}")
        await admin.close()


async def test_what_happened_before_counts(old: tuple[str, asyncpg.Connection]) -> None:
    url, connection = old
    customers = sorted(new_id() for _ in range(4))
    clicked, answered, scanned, silent = customers
    given = {
        "o": f"'{clicked}'::uuid",
        "customers": "'{" + ",".join(map(str, customers)) + "}'::uuid[]",
        "answered": f"'{answered}'",
        "replied": f"'{json.dumps(REPLIED)}'::jsonb",
    }
    script = WORLD
    for name, value in given.items():
        script = script.replace(f":{name}", value)
    await connection.execute(script)
    await connection.executemany(
        "insert into message_event (organization_id, provider, event_id, message_id, type, at, is_machine) "
        "values ($1, 'mail', $2, $3, $4, $5::text::timestamptz, $6)",
        [
            (clicked, "a", clicked, "CLICKED", "2026-05-02", False),
            (clicked, "with a blank", clicked, "CLICKED", "2026-05-04", False),
            (clicked, "o", clicked, "OPENED", "2026-05-05", False),
            (clicked, "r", answered, "REPLIED", "2026-05-03", False),
            (clicked, "d", scanned, "DELIVERED", "2026-05-02 00:00:00", False),
            (clicked, "c", scanned, "CLICKED", "2026-05-02 00:00:01", False),
            (clicked, "m", scanned, "CLICKED", "2026-05-02 00:10:00", True),
        ],
    )
    await upgrade(url)
    rows = await connection.fetch(
        "select customer_id, kind, name, occurred_at::date::text as day, key from fact order by 4"
    )
    assert [tuple(row)[:4] for row in rows] == [
        (clicked, "CLICK", None, "2026-05-02"),
        (answered, "INBOUND_MESSAGE", None, "2026-05-03"),
        (clicked, "CLICK", None, "2026-05-04"),
    ]
    assert [row["key"] for row in rows] == [fact_key("mail", name) for name in ("a", "r", "with a blank")]
    owed = await connection.fetch("select customer_id from customer_metrics where stale_at < now()")
    assert {row["customer_id"] for row in owed} == {clicked, answered} != {silent}
    reads = await connection.fetch("select reads from segment_version order by number")
    assert all({"fact:INBOUND_MESSAGE"} <= {*row["reads"]} for row in reads)
    assert "fact:CLICK" in reads[1]["reads"]
    for table in ("segment", "segment_version"):
        stored = await connection.fetch(f"select condition from {table}")
        assert {json.loads(row["condition"])["fact"]["kind"] for row in stored} == {"INBOUND_MESSAGE"}
        assert not any("name" in json.loads(row["condition"])["fact"] for row in stored)
