"""What a subscriber asks and hears, and what others do meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import UUID

import orjson

from db import bulk, segments
from db.database import Database
from db.journeys import EVALUATE_JOB
from domain.bulk import BulkKind
from domain.segments import SegmentType
from resolvers.ids import global_id
from tests.api import Api

MEMBERSHIPS = """
subscription ($id: ID) { segmentMembershipChanged(segmentId: $id) {
  delivery change count at customerIds customers { name } segmentId segment { name memberCount } } }
"""
STAGES = """
subscription ($id: ID) { journeyStageChanged(stageId: $id) {
  delivery count customerIds customers { name } fromStageId fromStage { key } toStageId toStage { key } } }
"""
BULK = """
subscription ($id: ID) { bulkOperationProgressed(id: $id) {
  delivery bulkOperationId bulkOperation { state done progress counts { outcome number } } } }
"""
CAMPAIGN = "subscription ($id: ID) { campaignProgressed(id: $id) { delivery campaignId campaign { name status } } }"

Answers = AsyncGenerator[dict[str, Any], None]
Subscribe = Callable[..., Any]


async def following(answers: Answers) -> dict[str, Any]:
    """The one field of the next answer, as JSON tells it."""
    answer = orjson.loads(orjson.dumps(await asyncio.wait_for(anext(answers), 10)))
    assert "errors" not in answer, answer
    (field,) = answer["data"].values()
    told: dict[str, Any] = field
    return told


async def silent(answers: Answers) -> bool:
    """Whether nothing comes for a while."""
    coming = asyncio.ensure_future(anext(answers))
    done, _ = await asyncio.wait({coming}, timeout=0.3)
    coming.cancel()
    await asyncio.gather(coming, return_exceptions=True)
    return not done


UPSERT = "mutation ($c: CustomersUpsertInput!) { customersUpsert(input: $c) { outcomes { customer { id } } } }"


async def make_customers(api: Api, number: int) -> list[str]:
    people = [{"externalId": f"p{n}", "name": f"Person {n}"} for n in range(number)]
    made = await api(UPSERT, c={"customers": people})
    return [outcome["customer"]["id"] for outcome in made["data"]["customersUpsert"]["outcomes"]]


async def make_segment(database: Database, organization: UUID, key: str = "vip", brand: UUID | None = None) -> UUID:
    async with database.tenant(organization) as tx:
        definition = segments.Definition(key, key.upper(), SegmentType.MANUAL, brand_id=brand)
        return await segments.create_segment(tx, definition, actor="test")


ASSIGN = "mutation ($i: SegmentAssignInput!) { segmentAssign(input: $i) { userErrors { message } } }"


async def assign(api: Api, segment: UUID, customers: list[str]) -> None:
    given = {"segmentId": global_id("Segment", segment), "customerIds": customers}
    answer = await api(ASSIGN, i=given)
    assert answer["data"]["segmentAssign"]["userErrors"] == [], answer


async def unassign(api: Api, segment: UUID, customers: list[str]) -> None:
    unassign = "mutation ($i: SegmentUnassignInput!) { segmentUnassign(input: $i) { userErrors { message } } }"
    answer = await api(unassign, i={"segmentId": global_id("Segment", segment), "customerIds": customers})
    assert answer["data"]["segmentUnassign"]["userErrors"] == [], answer


async def request_operation(database: Database, organization: UUID) -> UUID:
    async with database.tenant(organization) as tx:
        return await bulk.request_operation(tx, BulkKind.EVALUATE, EVALUATE_JOB, actor="test")
