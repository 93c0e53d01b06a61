"""The page that an application shows all day takes the same few statements for 1 and for 50 customers."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from db import journeys, segments
from db.database import Database
from db.statement import sql
from domain.segments import SegmentType
from tests.api import Api
from tests.schema.test_customers import add_customers

PAGE = """
query ($first: Int!) {
  customers(first: $first) {
    nodes {
      name
      metrics { lifetimeValue orderCount }
      journey { stage { key } previousStage { key } risk { score } transitions(first: 5) { nodes { toStage { key } } } }
      segments(first: 20) { nodes { enteredAt segment { name } } }
      messages(first: 5) { nodes { status campaign { name } } }
      orders(first: 5) { nodes { amount items { sku } } }
      tags { name }
    }
  }
}
"""


@pytest.fixture
async def fifty(database: Database, organization: UUID) -> None:
    """Fifty customers, each with an order and its metrics, a journey, a segment, a tag and a message."""
    await add_customers(database, organization, [f"c{n:02}" for n in range(50)])
    now = datetime.now(UTC)
    everybody = sql("select id as customer_id from customer where organization_id = :o", o=organization)
    async with database.tenant(organization) as tx:
        definition = segments.Definition("all", "all", SegmentType.MANUAL)
        found = await segments.find_segment(tx, await segments.create_segment(tx, definition, actor="test"))
        assert found is not None
        await segments.assign(tx, found, everybody, now=now, actor="test")
        await journeys.start(tx, everybody, at=now, actor="test")
        for statement in _ROWS:
            await tx.run(statement)


_ROWS = (
    (
        "insert into fact "
        "(organization_id, id, customer_id, kind, source, key, status, amount, occurred_at, content_hash) "
        "select organization_id, uuid7(), id, 'ORDER', 's', name, 'COMPLETED', 5, now(), '' from customer "
        "where organization_id = :organization"
    ),
    (
        "insert into fact_item (organization_id, fact_id, line, sku) "
        "select organization_id, id, 0, 'A' from fact where organization_id = :organization"
    ),
    (
        "insert into customer_metrics (organization_id, customer_id) "
        "select organization_id, id from customer where organization_id = :organization"
    ),
    "insert into tag (organization_id, id, name) values (:organization, uuid7(), 'gold')",
    (
        "insert into customer_tag (organization_id, customer_id, tag_id) "
        "select c.organization_id, c.id, t.id from customer c join tag t using (organization_id) "
        "where c.organization_id = :organization"
    ),
    (
        "insert into template (organization_id, id, brand_id, name, channel) "
        "select organization_id, uuid7(), id, 't', 'EMAIL' from brand where organization_id = :organization"
    ),
    (
        "insert into template_version (organization_id, template_id, number, subject, actor) "
        "select organization_id, id, 1, 's', 'me' from template where organization_id = :organization"
    ),
    (
        "insert into campaign (organization_id, id, brand_id, name, template_id, template_version) "
        "select organization_id, uuid7(), brand_id, 'c', id, 1 from template where organization_id = :organization"
    ),
    (
        "insert into message (organization_id, id, campaign_id, customer_id, channel) "
        "select c.organization_id, uuid7(), g.id, c.id, 'EMAIL' "
        "from customer c join campaign g using (organization_id) "
        "where c.organization_id = :organization"
    ),
)


@pytest.mark.parametrize(("planner", "expected"), [(True, 1), (False, 13)])
@pytest.mark.parametrize("size", [1, 50])
@pytest.mark.usefixtures("fifty")
async def test_statements_do_not_grow_with_rows(
    api: Api, statements: list[str], planner: bool, expected: int, size: int
) -> None:
    statements.clear()
    nodes = (await api(PAGE, first=size, planner=planner))["data"]["customers"]["nodes"]
    assert len(statements) == expected
    assert len(nodes) == size
    for node in nodes:
        assert node["metrics"]["orderCount"] == 0
        assert node["journey"]["transitions"]["nodes"] == [{"toStage": {"key": "prospect"}}]
        assert [len(node[name]["nodes"]) for name in ("segments", "messages", "orders")] == [1, 1, 1]
        assert node["orders"]["nodes"][0]["items"] == [{"sku": "A"}]
        assert node["tags"] == [{"name": "gold"}]
