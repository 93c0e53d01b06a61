"""The timeline of a customer: everything that happened, newest first, as far as the caller may see it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.access import SCOPES
from domain.timeline import EntryKind
from resolvers.ids import split_id
from tests.api import Api, caller
from tests.world import build_world

SUBJECTS = """
... on Event { id kind key } ... on StageTransition { seq toStage { key } evidence }
... on SegmentMembershipChange { change segment { key } customer { externalId } at } ... on Message { status }
... on ConsentChange { state brand { id } at } ... on CustomerNote { body } ... on Tag { name }
... on CustomerMerge { mergedId }
"""
TIMELINE = f"""query ($name: String!, $where: TimelineWhereInput, $first: Int = 250, $after: String) {{
  customer(by: {{externalId: $name}}) {{ timeline(where: $where, first: $first, after: $after) {{
    totalCount {{ value }} pageInfo {{ endCursor hasNextPage }}
    nodes {{ kind occurredAt subject {{ __typename {SUBJECTS} }} }} }} }} }}"""
OF = {
    "STAGE_ENTERED": "StageTransition",
    "SEGMENT_ENTERED": "SegmentMembershipChange",
    "SEGMENT_LEFT": "SegmentMembershipChange",
    "MESSAGE": "Message",
    "CONSENT_CHANGED": "ConsentChange",
    "NOTE": "CustomerNote",
    "TAGGED": "Tag",
    "MERGED": "CustomerMerge",
}
SCOPES_OF = {
    "journeys:view": {"STAGE_ENTERED"},
    "segments:view": {"SEGMENT_ENTERED", "SEGMENT_LEFT"},
    "campaigns:view": {"MESSAGE", "CONSENT_CHANGED"},
}


@pytest.fixture
async def world(api: Api, database: Database, organization: UUID) -> UUID:
    """Three customers to whom something of everything happened."""

    async def run(document: str, *, operation: str | None = None, **variables: Any) -> dict[str, Any]:
        return await api(document, operation=operation, **variables)

    await build_world(run, database, organization, "w")
    return organization


async def read(api: Api, name: str = "w-0", **asked: Any) -> dict[str, Any]:
    options = {key: asked.pop(key) for key in ("scopes", "brands", "planner") if key in asked}
    answer = await api(TIMELINE, name=name, **asked, **options)
    assert "errors" not in answer, answer
    page: dict[str, Any] = answer["data"]["customer"]["timeline"]
    return page


async def test_everything_newest_first(api: Api, world: UUID) -> None:
    page = await read(api)
    kinds = {node["kind"] for node in page["nodes"]}
    assert kinds == {"ORDER", "CALL", "CUSTOM", "STAGE_ENTERED", "SEGMENT_ENTERED", "MESSAGE", "NOTE", "TAGGED"}
    times = [node["occurredAt"] for node in page["nodes"]]
    assert times == sorted(times, reverse=True)
    assert page["totalCount"]["value"] == len(times)
    for node in page["nodes"]:
        assert node["subject"]["__typename"] == OF.get(node["kind"], "Event")
    said = {node["kind"]: node["subject"] for node in page["nodes"]}
    assert said["NOTE"]["body"] == "w note"
    assert said["TAGGED"]["name"] == "w-tag"
    assert said["ORDER"]["kind"] == "ORDER"
    assert said["SEGMENT_ENTERED"]["customer"]["externalId"] == "w-0"
    consented = (await read(api, "w-1", where={"kinds": ["CONSENT_CHANGED"]}))["nodes"]
    assert [node["subject"]["state"] for node in consented] == ["SUBSCRIBED"]


async def test_only_the_kinds_and_the_time_asked_for(api: Api, world: UUID) -> None:
    everything = (await read(api))["nodes"]
    for kinds in (["NOTE"], ["ORDER", "CALL"], ["SEGMENT_ENTERED", "TAGGED"], ["MERGED"], []):
        page = await read(api, where={"kinds": kinds})
        assert page["nodes"] == [node for node in everything if node["kind"] in kinds]
        assert page["totalCount"]["value"] == len(page["nodes"])
    oldest, newest = everything[-1]["occurredAt"], everything[0]["occurredAt"]
    since = (await read(api, where={"since": newest}))["nodes"]
    assert since == [node for node in everything if node["occurredAt"] >= newest]
    until = (await read(api, where={"until": newest}))["nodes"]
    assert until == [node for node in everything if node["occurredAt"] < newest]
    assert (await read(api, where={"until": oldest}))["nodes"] == []


async def test_pages_of_some_kinds_follow_one_another(api: Api, world: UUID) -> None:
    where = {"kinds": ["ORDER", "NOTE", "TAGGED", "SEGMENT_ENTERED", "STAGE_ENTERED"]}
    everything = (await read(api, where=where))["nodes"]
    walked, after = [], None
    while True:
        page = await read(api, where=where, first=2, after=after)
        walked += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert walked == everything
    assert len(walked) >= 5


async def test_a_caller_sees_the_kinds_of_its_scopes(api: Api, world: UUID) -> None:
    """Left out whether asked for or not: no error tells that there are any."""
    seen = SUBJECTS.replace("toStage { key }", "").replace("segment { key }", "").replace("brand { id }", "")
    document = TIMELINE.replace(SUBJECTS, seen)
    everything = {node["kind"] for node in (await read(api))["nodes"]}
    for scope, hidden in SCOPES_OF.items():
        for where in (None, {"kinds": [kind.value for kind in EntryKind]}):
            answer = await api(document, name="w-0", where=where, scopes=frozenset(SCOPES) - {scope})
            page = answer["data"]["customer"]["timeline"]
            assert {node["kind"] for node in page["nodes"]} == everything - hidden
            assert page["totalCount"]["value"] == len(page["nodes"])


async def test_a_caller_of_a_brand_sees_what_is_the_brands(api: Api, database: Database, world: UUID) -> None:
    """The order is the brand's, calls and events are nobody's."""
    async with database.tenant(world) as tx:
        brand = await tx.value("select id from brand where organization_id = :organization and is_default")
    page = await read(api, brands=frozenset([brand]))
    assert {"ORDER", "NOTE", "MESSAGE"} <= {node["kind"] for node in page["nodes"]}
    assert {"CALL", "CUSTOM"}.isdisjoint({node["kind"] for node in page["nodes"]})
    assert all(node["subject"] for node in page["nodes"])
    assert caller(world).brand_ids is None


async def test_a_page_takes_a_statement_for_each_kind_of_subject(api: Api, world: UUID, statements: list[str]) -> None:
    """However many customers and entries: one for the pages, one for each kind of subject that has an id."""
    document = """{ customers(first: 3) { nodes {
      timeline(first: 20, where: {kinds: [ORDER, CALL, CUSTOM, NOTE, STAGE_ENTERED]}) {
        nodes { kind subject { __typename ... on Event { key } ... on CustomerNote { body } } } } } } }"""
    assert "errors" not in await api(document)
    assert len([text for text in statements if "union all" in text]) == 1
    assert len(statements) == 4, statements


async def test_many_at_the_same_instant_come_once_each(api: Api, database: Database, organization: UUID) -> None:
    at = datetime.now(UTC) - timedelta(days=1)
    made = await api(
        """mutation ($input: EventsTrackInput!) { eventsTrack(input: $input) {
             outcomes { event { customer { id } } } userErrors { message field } } }""",
        input={
            "source": "s",
            "createMissing": True,
            "events": [
                {"key": str(n), "name": "n", "customer": {"externalId": "c"}, "occurredAt": at.isoformat()}
                for n in range(40)
            ],
        },
    )
    assert not made["data"]["eventsTrack"]["userErrors"], made
    customer_id = split_id(made["data"]["eventsTrack"]["outcomes"][0]["event"]["customer"]["id"])[1]
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into customer_note (organization_id, id, customer_id, body, author, created_at) "
            "select :organization, uuid7(), :id, n, 'a', :at::timestamptz from generate_series(1, 40) n",
            id=customer_id,
            at=at,
        )
    seen, after, page = [], None, {}
    for _ in range(12):
        page = await read(api, "c", first=7, after=after)
        seen += [(node["kind"], node["subject"].get("key") or node["subject"]["body"]) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    assert len(seen) == len(set(seen)) == 80
