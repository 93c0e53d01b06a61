"""Stores an oracle world in an organization, and asks the product's compiler about it."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from db.database import Transaction
from db.organizations import add_brand, create_organization
from domain.ids import new_id
from tests.oracle.world import Customer, World

Rows = list[dict[str, Any]]


def identity(name: object) -> UUID:
    """The same id for the same name in every organization; the primary keys begin with the organization."""
    return uuid5(NAMESPACE_OID, str(name))


BRANDS = (identity("north"), identity("south"))
SEGMENTS = (identity("segment a"), identity("segment b"))
STAGES = ("new", "steady", "gone")


async def store(tx: Transaction, world: World) -> None:
    """Everything but metrics; the transaction belongs to a new organization."""
    await store_people(tx, world)
    await store_lives(tx, world)


async def store_people(tx: Transaction, world: World) -> None:
    """The organization, its brands and who its customers are."""
    await create_organization(tx, name="World", slug=f"world-{tx.organization_id}", timezone=world.timezone)
    for number, brand in enumerate(BRANDS):
        await add_brand(tx, name=f"Brand {number}", slug=f"brand-{number}")
        await tx.run("update brand set id = :id where slug = :slug", id=brand, slug=f"brand-{number}")
    customers = world.customers
    await insert(tx, "customer", [_customer(c) for c in customers])
    await insert(tx, "customer_brand", [{"customer_id": c.id, "brand_id": b} for c in customers for b in c.brands])


async def store_lives(tx: Transaction, world: World) -> None:
    """What happened to those who are stored."""
    customers = world.customers
    await _store_tags(tx, customers)
    await _store_facts(tx, customers)
    await _store_journeys(tx, customers)
    await _store_messages(tx, customers)
    await insert(
        tx,
        "consent",
        [
            {"customer_id": c.id, "brand_id": i.brand, "channel": i.channel, "topic": i.topic, "state": i.state}
            for c in customers
            for i in c.consents
        ],
    )
    await insert(tx, "segment", [{"id": s, "key": str(s), "name": str(s), "type": "MANUAL"} for s in SEGMENTS])
    await insert(
        tx,
        "segment_membership",
        [
            {"segment_id": s, "customer_id": c.id, "source": "MANUAL", "entered_at": world.now, "segment_version": 1}
            for c in customers
            for s in c.segments
        ],
    )


async def store_scores(tx: Transaction, customers: list[Customer]) -> None:
    """After the metrics, whose rows the scores live on."""
    for brand in (None, *BRANDS):
        rows = [
            {"customer_id": c.id, "brand_id": brand, "e": c.engagement_score, "r": c.risk_score}
            for c in customers
            if brand is None or brand in c.brands
        ]
        await tx.run(
            """
            insert into customer_metrics (organization_id, customer_id, brand_id, engagement_score, risk_score)
            select :organization, customer_id, brand_id, e, r
            from jsonb_to_recordset(:rows) t (customer_id uuid, brand_id uuid, e numeric, r numeric)
            where e is not null or r is not null
            on conflict on constraint customer_metrics_customer_brand_key
            do update set engagement_score = excluded.engagement_score, risk_score = excluded.risk_score
            """,
            rows=rows,
        )


async def insert(tx: Transaction, table: str, rows: Rows) -> None:
    """One statement for rows that all have the same columns."""
    if rows:
        columns = ", ".join(rows[0])
        await tx.run(
            f"insert into {table} (organization_id, {columns}) "
            f"select :organization, {columns} from jsonb_populate_recordset(null::{table}, :rows)",
            rows=rows,
        )


def _customer(customer: Customer) -> dict[str, Any]:
    many = ("tags", "brands", "segments", "facts", "spells", "messages", "consents")
    scores = ("engagement_score", "risk_score")
    return {key: value for key, value in vars(customer).items() if key not in (*many, *scores)}


async def _store_tags(tx: Transaction, customers: list[Customer]) -> None:
    names = sorted({name for c in customers for name in c.tags})
    await insert(tx, "tag", [{"id": identity(f"tag {name}"), "name": name} for name in names])
    await insert(
        tx,
        "customer_tag",
        [{"customer_id": c.id, "tag_id": identity(f"tag {name}")} for c in customers for name in c.tags],
    )


async def _store_facts(tx: Transaction, customers: list[Customer]) -> None:
    facts = [(new_id(), c, fact) for c in customers for fact in c.facts]
    columns = ("kind", "status", "amount", "duration_seconds", "name", "source", "properties", "occurred_at")
    rows: Rows = [
        {
            **{column: getattr(fact, column) for column in columns},
            "id": id_,
            "customer_id": c.id,
            "brand_id": fact.brand,
            "key": id_,
            "content_hash": r"\x00",
        }
        for id_, c, fact in facts
    ]
    await insert(tx, "fact", rows)
    await insert(
        tx,
        "fact_item",
        [
            {"fact_id": id_, "line": line, **vars(item), "quantity": 1}
            for id_, _, fact in facts
            for line, item in enumerate(fact.items)
        ],
    )


async def _store_journeys(tx: Transaction, customers: list[Customer]) -> None:
    stages = {key: identity(f"stage {key}") for key in STAGES}
    await insert(
        tx,
        "journey_stage",
        [
            {"id": id_, "key": key, "name": key, "position": 100 + position, "kind": "PROGRESSION"}
            for position, (key, id_) in enumerate(stages.items())
        ],
    )
    travellers = [c for c in customers if c.spells]
    await insert(
        tx,
        "journey",
        [
            {
                "id": c.id,
                "customer_id": c.id,
                "stage_id": stages[c.spells[-1].stage],
                "stage_entered_at": c.spells[-1].entered_at,
            }
            for c in travellers
        ],
    )
    await insert(
        tx,
        "stage_transition",
        [
            {
                "journey_id": c.id,
                "seq": number + 1,
                "from_stage_id": stages[c.spells[number - 1].stage] if number else None,
                "to_stage_id": stages[spell.stage],
                "entered_at": spell.entered_at,
                "exited_at": spell.exited_at,
                "trigger": "AUTOMATIC",
            }
            for c in travellers
            for number, spell in enumerate(c.spells)
        ],
    )


CAMPAIGNS = {brand: identity(f"campaign {brand}") for brand in BRANDS}


async def _store_messages(tx: Transaction, customers: list[Customer]) -> None:
    template = {"template_id": identity("template")}
    await insert(tx, "template", [{"id": identity("template"), "brand_id": BRANDS[0], "name": "T", "channel": "EMAIL"}])
    await insert(tx, "template_version", [{**template, "number": 1, "subject": "S", "text": "T", "actor": "test"}])
    await insert(
        tx,
        "campaign",
        [
            {"id": id_, "brand_id": b, "name": str(id_), **template, "template_version": 1}
            for b, id_ in CAMPAIGNS.items()
        ],
    )
    await insert(
        tx,
        "message",
        [
            {
                "id": new_id(),
                "customer_id": c.id,
                "campaign_id": m.campaign,
                "channel": m.channel,
                "status": m.status,
                "skip_reason": "UNSUBSCRIBED" if m.status == "SKIPPED" else None,
                "sent_at": m.sent_at,
                "updated_at": m.updated_at,
                "opened_at": m.opened_at,
                "clicked_at": m.clicked_at,
                **_defaults(m.updated_at),
            }
            for c in customers
            for m in c.messages
        ],
    )


def _defaults(at: datetime) -> dict[str, Any]:
    return {"queued_at": at}
