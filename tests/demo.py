"""A small demo, loaded once for a test process, and everything in it as rows that do not depend on when and where."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.demo.progress import Progress, quiet
from app.demo.seeding import seed_demo
from app.demo.sizes import Demo
from db.database import Database
from db.organizations import create_organization
from domain.ids import new_id
from tests.campaigns import SECRET

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


async def new_organization(database: Database) -> UUID:
    organization_id = new_id()
    async with database.tenant(organization_id) as tx:
        await create_organization(tx, name="Demo", slug=f"demo-{organization_id}")
    return organization_id


async def seeded(database: Database, organization_id: UUID, progress: Progress = quiet, now: datetime = NOW) -> None:
    await seed_demo(database, organization_id, Demo.SMALL, now, progress, secret=SECRET)


async def content(database: Database, organization_id: UUID) -> dict[str, list[str]]:
    """Every row of the demo as text, in an order of its own, without random ids and times of writing."""
    found: dict[str, list[str]] = {}
    async with database.tenant(organization_id) as tx:
        for name, statement in _CONTENT.items():
            rows = await tx.rows(statement)
            found[name] = sorted(str(tuple(row)) for row in rows)
    return found


async def everything(database: Database, organization_id: UUID) -> dict[str, list[Any]]:
    """Every row of every table of the organization, with its ids and times."""
    async with database.tenant(organization_id) as tx:
        tables = await tx.rows(
            "select table_name from information_schema.columns "
            "where table_schema = 'public' and column_name = 'organization_id' order by 1"
        )
        return {
            name: [
                row[0]
                for row in await tx.rows(
                    f"select to_jsonb(t) from {name} t where organization_id = :organization order by to_jsonb(t)::text"
                )
            ]
            for (name,) in tables
        }


_CUSTOMER = "join customer c on c.organization_id = t.organization_id and c.id = t.customer_id"
_BRAND = "left join brand b on b.organization_id = t.organization_id and b.id = t.brand_id"
_CONTENT = {
    "brand": "select name, slug, sender_name, sender_email, is_default from brand",
    "customer": (
        "select id, kind, external_id, name, email, phone, date_of_birth, timezone, locale, loyalty_level, city, "
        "state, country, attributes, acquired_at, version from customer"
    ),
    "fact": (
        "select c.external_id, b.slug, t.kind, t.source, t.key, t.name, t.status, t.amount, t.duration_seconds, "
        f"t.properties, t.occurred_at from fact t {_CUSTOMER} {_BRAND}"
    ),
    "fact_item": (
        "select f.key, t.line, t.sku, t.category, t.brand_label, t.quantity, t.amount from fact_item t "
        "join fact f on f.organization_id = t.organization_id and f.id = t.fact_id"
    ),
    "customer_metrics": (
        "select c.external_id, b.slug, t.lifetime_value, t.order_count, t.appointment_count, t.last_activity_at, "
        "t.visits_90_days, t.stale_at, t.engagement_score, t.engagement_factors, t.risk_score, t.risk_factors "
        f"from customer_metrics t {_CUSTOMER} {_BRAND}"
    ),
    "customer_tag": (
        f"select c.external_id, g.name from customer_tag t {_CUSTOMER} "
        "join tag g on g.organization_id = t.organization_id and g.id = t.tag_id"
    ),
    "note": f"select c.external_id, t.body, t.author from customer_note t {_CUSTOMER}",
    "consent": (
        f"select c.external_id, b.slug, t.channel, t.topic, t.state, t.source from consent t {_CUSTOMER} {_BRAND}"
    ),
    "suppression": "select channel, reason from suppression",
    "stage_transition": (
        "select c.external_id, t.seq, s.key, t.entered_at, t.exited_at, t.trigger, t.trigger_event, t.skipped, "
        "t.evidence from stage_transition t "
        "join journey j on j.organization_id = t.organization_id and j.id = t.journey_id "
        "join customer c on c.organization_id = t.organization_id and c.id = j.customer_id "
        "join journey_stage s on s.organization_id = t.organization_id and s.id = t.to_stage_id"
    ),
    "journey": (
        f"select c.external_id, s.key, t.stage_entered_at, t.version, t.lock from journey t {_CUSTOMER} "
        "join journey_stage s on s.organization_id = t.organization_id and s.id = t.stage_id"
    ),
    "segment": (f"select t.id, t.key, t.name, b.slug, t.condition, t.state, t.member_count from segment t {_BRAND}"),
    "segment_membership": (
        f"select c.external_id, s.key, t.source, t.entered_at from segment_membership t {_CUSTOMER} "
        "join segment s on s.organization_id = t.organization_id and s.id = t.segment_id"
    ),
    "template": (
        "select t.id, t.name, v.subject, v.html, v.text from template t "
        "join template_version v on v.organization_id = t.organization_id and v.template_id = t.id"
    ),
    "campaign": "select id, name, status, template_id, include_segment_ids from campaign",
    "message": "select status from message",
}
