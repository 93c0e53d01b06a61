"""Two organizations, and one with two brands: what is the caller's, and what is not and is full of canaries."""

import re
from typing import Any
from uuid import UUID

from db.database import Database
from db.organizations import add_brand, create_organization
from domain.ids import new_id
from domain.refusals import Rejected
from resolvers.ids import global_id
from schema.node import _FOUND
from tests.api import Api
from tests.schema.probe.probe import CANARY, Probe, rows_in
from tests.world import build_world, rows_of

TABLES = {
    "Event": "fact",
    "Order": "fact",
    "Stage": "journey_stage",
}
TEXTS = {f"{CANARY} {what}" for what in ("0", "1", "2", "note", "campaign", "manual", "automatic", "template", "key")}
TEXTS |= {f"{CANARY}0@x", f"{CANARY}1@x", f"{CANARY}2@x", f"{CANARY}-sku", f"{CANARY}-event", f"{CANARY}@member"}
# Of no brand: every caller of the organization sees them.
SHARED = {"JourneyStage", "Organization", "Role", "Tag"}


def table_of(type_name: str) -> str:
    return TABLES.get(type_name, re.sub(r"(?<!^)(?=[A-Z])", "_", type_name).lower())


async def ids_by_type(
    database: Database, organization: UUID, brands: frozenset[UUID] | None = None
) -> dict[str, list[str]]:
    """Every global id of the organization, or those that these brands see."""
    found = {"Organization": [global_id("Organization", organization)]}
    for name in _FOUND.keys() - found.keys():
        try:
            async with database.tenant(organization, brands) as tx:
                found[name] = [global_id(name, row[0]) for row in await tx.rows(f'select id from "{table_of(name)}"')]
        except Rejected:  # the table is closed to limited callers
            found[name] = []
    return found


async def two_organizations(api: Api, database: Database, organization: UUID) -> Probe:
    """The probe asks as the test's organization about the other one."""
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name=f"{CANARY} organization", slug=f"{CANARY}-{other}")

    async def as_other(document: str, **options: Any) -> dict[str, Any]:
        return await api(document, organization=other, **options)

    await build_world(api, database, organization, "own")
    await build_world(as_other, database, other, CANARY)
    own, foreign = await ids_by_type(database, organization), await ids_by_type(database, other)
    canaries = rows_in(foreign) | TEXTS | {f"{CANARY} organization"}
    return Probe(api, foreign, canaries, own, organization, other)


async def two_brands(api: Api, database: Database, organization: UUID) -> Probe:
    """The probe asks as a caller of one brand about the other one, which knows one of the caller's customers too."""
    async with database.tenant(organization) as tx:
        mine = await add_brand(tx, name="own brand", slug="own")
        theirs = await add_brand(tx, name=f"{CANARY} brand", slug=CANARY)
    await build_world(api, database, organization, "own", brand_id=mine)
    await build_world(api, database, organization, CANARY, brand_id=theirs)
    await _share_a_customer(database, organization, mine, theirs)
    own = await ids_by_type(database, organization, frozenset({mine}))
    every = await ids_by_type(database, organization)
    foreign = {name: [id_ for id_ in ids if id_ not in own[name]] for name, ids in every.items() if name not in SHARED}
    options = {"brands": frozenset({mine})}
    # The operation that sends a campaign has its id, and is shown to callers of all brands only.
    canaries = (rows_in(foreign) - rows_in(own)) | TEXTS | {f"{CANARY} brand", "777.77"}
    return Probe(api, foreign, canaries, own, organization, theirs, options)


async def _share_a_customer(database: Database, organization: UUID, mine: UUID, theirs: UUID) -> None:
    """One of the caller's customers has everything with the other brand too: beneath it are its canaries."""
    async with database.tenant(organization) as tx:
        shared = {"mine": mine, "theirs": theirs, "own": "own-0"}
        for statement in _SHARED:
            await tx.run(statement, **{name: shared[name] for name in shared if f":{name}" in statement})


_CUSTOMER = "(select id from customer where organization_id = :organization and external_id = :own)"
_SHARED = (
    f"insert into customer_brand (organization_id, customer_id, brand_id) values (:organization, {_CUSTOMER}, :theirs)",
    f"""
    insert into fact (organization_id, id, customer_id, brand_id, kind, source, key, status, amount, occurred_at,
                      content_hash)
    values (:organization, uuid7(), {_CUSTOMER}, :theirs, 'ORDER', 'canary', 'canary-event', 'COMPLETED', 777.77,
            now() - interval '2 days', '')
    """,
    f"""
    insert into customer_metrics (organization_id, customer_id, brand_id, lifetime_value)
    values (:organization, {_CUSTOMER}, :theirs, 777.77)
    """,
    f"""
    update customer_metrics set lifetime_value = 777.77, risk_score = 0.9, engagement_score = 0.1
    where organization_id = :organization and customer_id = {_CUSTOMER} and brand_id is null
    """,
    f"""
    insert into consent (organization_id, customer_id, brand_id, channel, topic, state, source)
    values (:organization, {_CUSTOMER}, :theirs, 'EMAIL', 'marketing', 'SUBSCRIBED', 'canary-event')
    """,
    f"""
    insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
    select :organization, id, {_CUSTOMER}, 'MANUAL', now(), 1 from segment
    where organization_id = :organization and brand_id = :theirs
    """,
    f"""
    insert into segment_membership_change (organization_id, segment_id, customer_id, change, reason, source, actor, at)
    select :organization, id, {_CUSTOMER}, 'ENTERED', 'MANUAL', 'MANUAL', 'canary-event', now() from segment
    where organization_id = :organization and brand_id = :theirs
    """,
    f"""
    insert into message (organization_id, id, campaign_id, customer_id, channel, address)
    select :organization, uuid7(), id, {_CUSTOMER}, 'EMAIL', 'canary0@x.example.net' from campaign
    where organization_id = :organization and brand_id = :theirs and status = 'RUNNING'
    """,
)

WORLDS = {"organizations": two_organizations, "brands": two_brands}
# What follows from anybody's work and is nobody's.
_BOOKS = {"audit_entry", "dirty_customer", "job", "outbox_event", "segment_due", "webhook_delivery"}


async def strange_rows(database: Database, probe: Probe) -> dict[str, list[str]]:
    """Every row that is not the caller's: the other organization's, or what the caller's brands do not see."""
    brands = probe.options.get("brands")
    if brands is None:
        return await rows_of(database, probe.stranger)
    strange = {}
    for table, rows in (await rows_of(database, probe.organization)).items():
        try:
            async with database.tenant(probe.organization, brands) as tx:
                seen = {row[0] for row in await tx.rows(f'select t::text from "{table}" t')}
        except Rejected:  # closed to limited callers
            seen = set()
        if table not in _BOOKS:
            strange[table] = [row for row in rows if row not in seen]
    return strange
