"""The statements that write facts and their items, whole sets at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from db.database import Transaction
from db.staging import staged
from db.statement import Statement
from domain.facts import Fact, Item


@dataclass(frozen=True, slots=True)
class Writing:
    """A fact to be written for a customer under this id; a correction has an owner so far, perhaps another one."""

    id: UUID
    customer_id: UUID
    fact: Fact
    content_hash: bytes
    owner: UUID | None


_COLUMNS = {
    "id": "uuid",
    "customer_id": "uuid",
    "brand_id": "uuid",
    "kind": "text",
    "source": "text",
    "key": "text",
    "name": "text",
    "status": "text",
    "amount": "numeric(18, 2)",
    "duration_seconds": "integer",
    "properties": "text",
    "occurred_at": "timestamptz",
    "revision": "bigint",
    "content_hash": "bytea",
    "correction": "boolean",
}
_CORRECTED = (
    "customer_id",
    "brand_id",
    "kind",
    "name",
    "status",
    "amount",
    "duration_seconds",
    "occurred_at",
    "revision",
    "content_hash",
)
_ITEM_COLUMNS = {
    "fact_id": "uuid",
    "line": "integer",
    "sku": "text",
    "category": "text",
    "brand_label": "text",
    "quantity": "numeric",
    "amount": "numeric",
}

_LISTED = ", ".join(_CORRECTED)
_TOLD = ", ".join(f"t.{name}" for name in _CORRECTED)
_WRITE = f"""
with told as (:told),
inserted as (
    insert into fact (organization_id, id, source, key, properties, received_at, {_LISTED})
    select :organization, t.id, t.source, t.key, t.properties::jsonb, :now::timestamptz, {_TOLD}
    from told t where not t.correction
    order by t.customer_id, t.occurred_at
    on conflict (organization_id, source, key) do nothing
    returning 1
),
corrected as (
    update fact f
    set (properties, received_at, {_LISTED}) = row(t.properties::jsonb, :now::timestamptz, {_TOLD})
    from told t where t.correction and f.organization_id = (select :organization::uuid) and f.id = t.id
    returning 1
)
select (select count(*) from inserted) + (select count(*) from corrected)
"""


async def write_facts(tx: Transaction, writings: Sequence[Writing], now: datetime) -> Statement:
    """Writes new facts and replaces corrected ones, with their items; returns them as rows, for the same transaction.

    Raises SerializationError when another transaction has just written one of the new ones.
    """
    told = await staged(tx, "incoming_fact", _COLUMNS, [_values(writing) for writing in writings])
    if await tx.value(_WRITE, told=told, now=now) != len(writings):
        message = "somebody else has just told one of these facts"
        raise asyncpg.SerializationError(message)
    await _replace_items(tx, writings)
    return told


async def _replace_items(tx: Transaction, writings: Sequence[Writing]) -> None:
    corrected = [writing.id for writing in writings if writing.owner]
    if corrected:
        await tx.run(
            "delete from fact_item "
            "where organization_id = (select :organization::uuid) and fact_id = any(:ids::uuid[])",
            ids=corrected,
        )
    items = [
        _item_values(writing.id, line, item) for writing in writings for line, item in enumerate(writing.fact.items)
    ]
    if items:
        names = ", ".join(_ITEM_COLUMNS)
        await tx.run(
            f"insert into fact_item (organization_id, {names}) select :organization, {names} from (:told) t",
            told=await staged(tx, "incoming_item", _ITEM_COLUMNS, items),
        )


def _values(writing: Writing) -> tuple[Any, ...]:
    fact = writing.fact
    return (
        writing.id,
        writing.customer_id,
        fact.brand_id,
        fact.kind.value,
        fact.source,
        fact.key,
        fact.name,
        fact.status,
        fact.amount,
        fact.duration_seconds,
        orjson.dumps(fact.properties).decode() if fact.properties else "{}",
        fact.occurred_at,
        fact.revision,
        writing.content_hash,
        writing.owner is not None,
    )


def _item_values(fact_id: UUID, line: int, item: Item) -> tuple[Any, ...]:
    return fact_id, line, item.sku, item.category, item.brand_label, item.quantity, item.amount
