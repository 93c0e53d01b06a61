"""Overlap, sizes by day, composition, and customers by any combination of segments."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.jobs import request_job
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.jobs import drain
from tests.segments import NOON, add_people, add_segment, city, move, refresh
from workers.segments import REFRESH_JOB

OVERLAP = """query ($ids: [ID!]!) { segmentOverlap(ids: $ids) { inAny inAll
  pairs { first { key } second { key } both either share } regions { segments { key } customers } } }"""
SIZES = """query ($id: ID!, $from: Date!, $to: Date!) {
  segmentSizes(segmentId: $id, from: $from, to: $to) { day members entered left } }"""
COMPOSITION = """query ($condition: SegmentConditionInput!, $segment: ID) {
  segmentPreview(condition: $condition, segment: $segment) { count { value } sample { city }
    composition { stages { key name customers } brands { key name customers } countries { key customers } } } }"""
NOT_ROME = {"not": city("Rome")}


@pytest.fixture
async def segments(database: Database, organization: UUID) -> dict[str, UUID]:
    """rome: two of Rome; some: those and two of Oslo; bonn: nobody. One customer lives nowhere."""
    async with database.tenant(organization) as tx:
        await add_people(tx, "Rome", "Rome", "Oslo", "Oslo", None)
        conditions = {
            "rome": city("Rome"),
            "some": {"text": {"field": "city", "is": {"in": ["Rome", "Oslo"]}}},
            "bonn": city("Bonn"),
        }
        ids = {key: await add_segment(tx, key, condition) for key, condition in conditions.items()}
        await refresh(tx)
    return ids


def gid(id_: UUID) -> str:
    return global_id("Segment", id_)


async def test_segments_overlap(api: Api, segments: dict[str, UUID]) -> None:
    answer = await api(OVERLAP, ids=[gid(segments[key]) for key in ("rome", "some", "bonn")])
    found = answer["data"]["segmentOverlap"]
    assert (found["inAny"], found["inAll"]) == (4, 0)
    pairs = [(p["first"]["key"], p["second"]["key"], p["both"], p["either"], p["share"]) for p in found["pairs"]]
    assert pairs == [("rome", "some", 2, 4, 0.5), ("rome", "bonn", 0, 2, 0.0), ("some", "bonn", 0, 4, 0.0)]
    assert found["regions"] == [
        {"segments": [{"key": "some"}], "customers": 2},
        {"segments": [{"key": "rome"}, {"key": "some"}], "customers": 2},
    ]


@pytest.mark.parametrize("ids", [[], [gid(new_id())], [gid(new_id()) for _ in range(11)]])
async def test_what_cannot_be_compared_is_bad_input(api: Api, ids: list[str]) -> None:
    (error,) = (await api(OVERLAP, ids=ids))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", ["ids"])


async def test_sizes_by_day_follow_the_history(
    api: Api, database: Database, organization: UUID, segments: dict[str, UUID]
) -> None:
    async with database.tenant(organization) as tx:
        mover = await tx.value("select id from customer where city = 'Rome' limit 1")
        await move(tx, mover, "Oslo")
        await refresh(tx, now=NOON + timedelta(days=2))
    id_ = gid(segments["rome"])
    day = NOON.date()
    wanted = {"id": id_, "from": str(day - timedelta(days=1)), "to": str(day + timedelta(days=3))}
    found = (await api(SIZES, **wanted))["data"]["segmentSizes"]
    assert [(size["members"], size["entered"], size["left"]) for size in found] == [
        (0, 0, 0),
        (2, 2, 0),
        (2, 0, 0),
        (1, 0, 1),
        (1, 0, 0),
    ]
    assert found[0]["day"] == wanted["from"]
    later = await api(SIZES, **wanted | {"from": wanted["to"]})
    assert later["data"]["segmentSizes"] == [{"day": wanted["to"], "members": 1, "entered": 0, "left": 0}]
    assert (await api(SIZES, **wanted | {"id": gid(new_id())}))["data"]["segmentSizes"] == []
    backwards = await api(SIZES, **{"id": id_, "from": "2026-02-01", "to": "2026-01-01"})
    assert backwards["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_composition_and_decisions(
    api: Api, database: Database, organization: UUID, segments: dict[str, UUID]
) -> None:
    async with database.tenant(organization) as tx:
        brand = await tx.value("select id from brand where organization_id = :organization")
        await tx.run("update customer set country = 'NO' where city = 'Oslo'")
        await tx.run(
            "insert into customer_brand (organization_id, customer_id, brand_id) "
            "select :organization, id, :brand from customer where city = 'Oslo'",
            brand=brand,
        )
        await tx.run(
            "insert into segment_override (organization_id, segment_id, customer_id, mode, actor) "
            "select :organization, :id, id, case city when 'Rome' then 'INCLUDE' else 'EXCLUDE' end, 'x' from customer "
            "where city = 'Rome' or city is null",
            id=segments["bonn"],
        )
    found = (await api(COMPOSITION, condition=NOT_ROME))["data"]["segmentPreview"]
    assert found["count"]["value"] == 3
    assert found["composition"] == {
        "stages": [{"key": None, "name": None, "customers": 3}],
        "brands": [
            {"key": global_id("Brand", brand), "name": found["composition"]["brands"][0]["name"], "customers": 2},
            {"key": None, "name": None, "customers": 1},
        ],
        "countries": [{"key": "NO", "customers": 2}, {"key": None, "customers": 1}],
    }
    decided = (await api(COMPOSITION, condition=NOT_ROME, segment=gid(segments["bonn"])))["data"]["segmentPreview"]
    assert sorted(str(customer["city"]) for customer in decided["sample"]) == ["Oslo", "Oslo", "Rome", "Rome"]


async def test_members_have_a_composition_too(api: Api, segments: dict[str, UUID]) -> None:
    document = """query ($id: ID!) { segmentComposition(segmentId: $id) {
      stages { key customers } brands { key customers } countries { key customers } } }"""
    found = (await api(document, id=gid(segments["some"])))["data"]["segmentComposition"]
    nothing = [{"key": None, "customers": 4}]
    assert found == {"stages": nothing, "brands": nothing, "countries": nothing}
    assert (await api(document, id=gid(new_id())))["data"]["segmentComposition"] is None


@pytest.mark.parametrize(
    ("given", "cities"),
    [
        ({"allOf": ["rome", "some"]}, ["Rome", "Rome"]),
        ({"anyOf": ["rome", "bonn"]}, ["Rome", "Rome"]),
        ({"anyOf": ["some"], "noneOf": ["rome", "bonn"]}, ["Oslo", "Oslo"]),
        ({"noneOf": ["some"]}, [None]),
    ],
)
async def test_customers_by_any_combination(
    api: Api, segments: dict[str, UUID], given: dict[str, list[str]], cities: list[Any]
) -> None:
    document = "query ($where: CustomerWhereInput) { customers(where: $where) { nodes { city } } }"
    where = {"segments": {name: [gid(segments[key]) for key in keys] for name, keys in given.items()}}
    assert [node["city"] for node in (await api(document, where=where))["data"]["customers"]["nodes"]] == cities


async def test_refreshes_are_listed_with_their_drift(
    api: Api, database: Database, organization: UUID, segments: dict[str, UUID]
) -> None:
    async with database.tenant(organization) as tx:
        mover = await tx.value("select id from customer where city = 'Rome' limit 1")
        await move(tx, mover, "Bonn")
        await request_job(tx, REFRESH_JOB, dedupe_key="clock")
    await drain(database, organization)
    document = "{ segmentRefreshes { nodes { actor finishedAt entered left drift } totalCount { value } } }"
    found = (await api(document))["data"]["segmentRefreshes"]
    [node] = found["nodes"]
    assert node.pop("finishedAt") is not None
    assert node == {"actor": "schedule", "entered": "1", "left": "2", "drift": "3"}
    assert found["totalCount"]["value"] == 1
