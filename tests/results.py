"""Builders of what comes back: messages that were sent, and events about them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from db.results.events import take_back
from domain.ids import new_id
from domain.results.returns import BounceKind, Returned, ReturnType
from tests.campaigns import Shop

# When messages of the tests were sent.
SENT = datetime(2026, 5, 4, 10, tzinfo=UTC)


async def sent_messages(shop: Shop, customers: Sequence[UUID], **said: Any) -> tuple[UUID, list[UUID]]:
    """A campaign and its messages, in the order of the customers; said: columns of the message and their values."""
    campaign = await shop.campaign([await shop.segment(customers)])
    return campaign, await add_messages(shop, campaign, customers, **said)


async def add_messages(shop: Shop, campaign: UUID, customers: Sequence[UUID | None], **said: Any) -> list[UUID]:
    """Rows of the ledger as a worker would have left them at SENT."""
    columns = {"status": "SENT", "sending_at": SENT, "sent_at": SENT, "queued_at": SENT, "channel": "EMAIL"} | said
    ids = sorted(new_id() for _ in customers)
    names = ", ".join(columns)
    await shop.rows(
        f"insert into message (organization_id, id, campaign_id, customer_id, address, {names}) "
        "select :organization, i.id, :campaign, i.customer, i.id || '@x.example', "
        + ", ".join(f"r.{name}" for name in columns)
        + " from unnest(:ids::uuid[], :customers::uuid[]) i (id, customer), "
        "jsonb_populate_record(null::message, :said::jsonb) r",
        campaign=campaign,
        ids=ids,
        customers=list(customers),
        said=columns,
    )
    return ids


def told(message: UUID | None, type_: ReturnType, seconds: float = 60, **said: Any) -> Returned:
    """An event so many seconds after the message was sent; its id is made of what it says."""
    if type_ is ReturnType.BOUNCED:
        said.setdefault("bounce_kind", BounceKind.HARD)
    event_id = said.pop("event_id", f"{message}:{type_}:{seconds}:{sorted(said.items(), key=str)}")
    provider = said.pop("provider", "sendgrid")
    return Returned(provider, event_id, type_, SENT + timedelta(seconds=seconds), message, **said)


async def take(shop: Shop, *events: Returned) -> int:
    """One transaction."""
    async with shop.database.tenant(shop.organization) as tx:
        return await take_back(tx, events, shop.key)


async def message_row(shop: Shop, message: UUID) -> dict[str, Any]:
    """What became of the message: its status and instants."""
    (row,) = await shop.rows(
        "select status, sent_at, delivered_at, opened_at, clicked_at, machine_opened_at, machine_clicked_at, "
        "bounced_at, bounce_kind, complained_at, unsubscribed_at, replied_at, skip_reason, lease_until "
        "from message where organization_id = :organization and id = :id",
        id=message,
    )
    return dict(row)
