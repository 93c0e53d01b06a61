"""Definitions are sound when they are stored, kept as versions, and not deleted while something is built on them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from db.database import Database, Transaction
from db.organizations import create_organization, current_organization
from db.segments import create_segment, delete_segment, find_segment, refresh_segments, update_segment
from db.segments.definitions import Definition
from domain.conditions import parse
from domain.ids import new_id
from domain.refusals import Refused
from domain.segments import SegmentState, SegmentType
from tests.conditions.storage import insert
from tests.segments import NOON, Json, add_people, add_segment, city, member_of, refresh, segment, until_blocked

MISSING = str(UUID(int=7))


async def refused(work: Any) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code, caught.value.field


async def versions(tx: Transaction, segment_id: UUID) -> list[tuple[int, Any]]:
    rows = await tx.rows(
        "select number, condition from segment_version where segment_id = :id order by 1", id=segment_id
    )
    return [tuple(row) for row in rows]


async def test_a_segment_is_kept_with_its_versions(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        base = await add_segment(tx, "base")
        built = await add_segment(tx, "built", member_of(base), description="On base")
        stored = await segment(tx, built)
        assert (stored.key, stored.type, stored.state, stored.description) == (
            "built",
            "AUTOMATIC",
            "ACTIVE",
            "On base",
        )
        assert (stored.condition, stored.depends_on) == (member_of(base), [base])
        assert (stored.version, stored.definition_version, stored.computed_version) == (1, 1, None)
        assert await update_segment(tx, stored, {"condition": parse(city("Rome")), "name": "New"}, actor="eve")
        changed = await segment(tx, built)
        assert (changed.name, changed.condition, changed.depends_on) == ("New", city("Rome"), [])
        assert (changed.version, changed.definition_version) == (2, 2)
        assert await versions(tx, built) == [(1, member_of(base)), (2, city("Rome"))]


async def test_only_what_differs_is_written(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        rome = await add_segment(tx, "rome", city("Rome"))
        stored = await segment(tx, rome)
        same = {"name": stored.name, "condition": parse(city("Rome")), "auto_update": True}
        assert not await update_segment(tx, stored, same, actor="eve")
        assert await segment(tx, rome) == stored
        assert not await update_segment(tx, stored, {"name": "Roma"}, actor="eve")
        assert len(await versions(tx, rome)) == 1
        assert not await update_segment(tx, stored, {"state": SegmentState.INACTIVE}, actor="eve")
        assert await update_segment(tx, await segment(tx, rome), {"state": SegmentState.ACTIVE}, actor="eve")


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        (member_of(UUID(MISSING)), "UNKNOWN_SEGMENT"),
        ({"not": {"stage": {"in": ["customer", "nowhere"]}}}, "UNKNOWN_STAGE"),
        ({"consent": {"channel": "EMAIL", "topic": "t", "state": "NEVER", "brand": MISSING}}, "UNKNOWN_BRAND"),
        ({"message": {"was": "SENT", "campaign": MISSING}}, "UNKNOWN_CAMPAIGN"),
        (None, "CONDITION_REQUIRED"),
    ],
)
async def test_an_unsound_condition_is_refused(
    database: Database, organization: UUID, condition: Json | None, code: str
) -> None:
    parsed = None if condition is None else parse(condition)
    definition = Definition(key="k", name="N", type=SegmentType.AUTOMATIC, condition=parsed)
    async with database.tenant(organization) as tx:
        await add_segment(tx, "there", city("Rome"))
        assert await refused(create_segment(tx, definition, actor="eve")) == (code, ("condition",))
        assert await tx.value("select count(*) from segment where organization_id = :organization") == 1


async def test_another_organizations_segment_is_unknown(database: Database, organization: UUID) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
        foreign = await add_segment(tx, "foreign")
    async with database.tenant(organization) as tx:
        definition = Definition(key="k", name="N", type=SegmentType.AUTOMATIC, condition=parse(member_of(foreign)))
        assert (await refused(create_segment(tx, definition, actor="eve")))[0] == "UNKNOWN_SEGMENT"
        assert await find_segment(tx, foreign) is None
        await delete_segment(tx, foreign)
    async with database.tenant(other) as tx:
        assert await find_segment(tx, foreign) is not None


@pytest.mark.parametrize(("said", "code"), [({"key": "base"}, "KEY_TAKEN"), ({"brand_id": new_id()}, "UNKNOWN_BRAND")])
async def test_keys_are_unique_and_brands_exist(
    database: Database, organization: UUID, said: dict[str, Any], code: str
) -> None:
    async with database.tenant(organization) as tx:
        await add_segment(tx, "base")
    definition = Definition(**({"key": "k", "name": "N", "type": SegmentType.MANUAL} | said))
    with pytest.raises(Refused) as caught:
        async with database.tenant(organization) as tx:
            await create_segment(tx, definition, actor="eve")
    assert caught.value.code == code


async def test_cycles_are_refused(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        base = await add_segment(tx, "base", city("Rome"))
        middle = await add_segment(tx, "middle", member_of(base))
        top = await add_segment(tx, "top", member_of(middle))
        for id_, named in ((base, base), (base, top), (middle, top)):
            stored = await segment(tx, id_)
            change = update_segment(tx, stored, {"condition": parse({"not": member_of(named)})}, actor="eve")
            assert await refused(change) == ("CYCLE", ("condition",))
            assert await segment(tx, id_) == stored


async def test_two_changes_at_once_cannot_make_a_cycle(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        one = await add_segment(tx, "one", city("Rome"))
        two = await add_segment(tx, "two", city("Rome"))

    async def build(id_: UUID, on: UUID) -> str:
        try:
            async with database.tenant(organization) as tx:
                await update_segment(tx, await segment(tx, id_), {"condition": parse(member_of(on))}, actor="eve")
        except Refused as refusal:
            return refusal.code
        return "DONE"

    assert sorted(await asyncio.gather(build(one, two), build(two, one))) == ["CYCLE", "DONE"]


async def test_a_segment_in_use_is_not_deleted(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_people(tx, "Rome")
        base = await add_segment(tx, "base", city("Rome"))
        top = await add_segment(tx, "top", {"all": [member_of(base)]})
        await refresh(tx)
        assert await refused(delete_segment(tx, base)) == ("IN_USE", ("segmentId",))
        await delete_segment(tx, top)
        await delete_segment(tx, base)
        for table in ("segment", "segment_membership", "segment_membership_change", "segment_version"):
            assert await tx.value(f"select count(*) from {table} where organization_id = :organization") == 0


@pytest.mark.parametrize(("status", "in_use"), [("DRAFT", True), ("RUNNING", True), ("COMPLETED", False)])
@pytest.mark.parametrize("use", ["include_segment_ids", "exclude_segment_ids"])
async def test_a_campaign_holds_its_segments_until_it_is_over(
    database: Database, organization: UUID, status: str, in_use: bool, use: str
) -> None:
    async with database.tenant(organization) as tx:
        brand = await tx.value("select id from brand where organization_id = :organization")
        vip, template = await add_segment(tx, "vip"), new_id()
        await insert(tx, "template", [{"id": template, "brand_id": brand, "name": "T", "channel": "EMAIL"}])
        version = {"template_id": template, "number": 1, "subject": "S", "text": "T", "actor": "eve"}
        await insert(tx, "template_version", [version])
        await tx.run(
            f"insert into campaign (organization_id, id, brand_id, name, status, template_id, template_version, {use}) "
            "values (:organization, :id, :brand, 'Spring', :status, :template, 1, array[:vip::uuid])",
            id=new_id(),
            brand=brand,
            status=status,
            template=template,
            vip=vip,
        )
        if in_use:
            assert await refused(delete_segment(tx, vip)) == ("IN_USE", ("segmentId",))
        else:
            await delete_segment(tx, vip)
        assert (await find_segment(tx, vip) is not None) is in_use


async def test_a_stage_holds_its_segment(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        vip = await add_segment(tx, "vip")
        await tx.run(
            "update journey_stage set condition = :rule where organization_id = :organization and key = 'vip'",
            rule={"any": [{"not": member_of(vip)}]},
        )
        assert await refused(delete_segment(tx, vip)) == ("IN_USE", ("segmentId",))


async def test_deleting_waits_for_a_refresh_under_way(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_people(tx, "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))

    async def delete() -> None:
        async with database.tenant(organization) as tx:
            await delete_segment(tx, rome)

    async with database.tenant(organization) as tx:
        await refresh_segments(tx, await current_organization(tx), [rome], now=NOON)
        deleting = asyncio.create_task(delete())
        await until_blocked(tx)
    await deleting
    async with database.tenant(organization) as tx:
        assert await find_segment(tx, rome) is None
