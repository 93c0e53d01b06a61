"""Devices as they are stored: registered by their customers' apps, disabled by what providers say of them.

The address of a message of PUSH or WALLET is the id of the newest active device; see `newest`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import columns_of
from db.relations import Relation, Sort
from db.statement import Statement, sql
from domain.devices import Address
from domain.ids import new_id


@dataclass(frozen=True, slots=True)
class Device:
    """As people see it: never its token."""

    id: UUID
    customer_id: UUID
    brand_id: UUID
    channel: str
    kind: str
    name: str | None
    state: str
    disabled_reason: str | None
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """A device as a provider needs it."""

    id: UUID
    customer_id: UUID
    brand_id: UUID
    kind: str
    token: str
    keys: dict[str, Any]
    state: str
    notified_at: list[datetime]
    content: dict[str, Any]


DEVICE_BY_ID = Relation("customer_device", Device, "customer_device t", key="t.id")
DEVICES_OF_CUSTOMER = Relation(
    "devices_of_customer",
    Device,
    "customer_device t",
    key="t.customer_id",
    orders=(("LAST_SEEN_AT", Sort("t.last_seen_at", "timestamptz")),),
    descending=True,
)


def newest(organization_id: UUID, customer: str, brand_id: UUID, channel: str) -> Statement:
    """A scalar query: the address on PUSH or WALLET of the customer named by this expression, NULL for none."""
    return sql(
        f"""
        (select v.id::text from customer_device v
         where v.organization_id = :organization and v.customer_id = {customer} and v.brand_id = :brand_id
           and v.channel = :channel and v.state = 'ACTIVE'
         order by v.last_seen_at desc, v.id desc limit 1)
        """,
        organization=organization_id,
        brand_id=brand_id,
        channel=channel,
    )


async def register(tx: Transaction, customer_id: UUID, brand_id: UUID, address: Address) -> UUID:
    """The device with this token, which is this customer's from now on: whoever signs in on it is who holds it."""
    device_id: UUID = await tx.value(
        """
        insert into customer_device (organization_id, id, customer_id, brand_id, channel, kind, token, token_hash, keys,
                                     name)
        values (:organization, :id, :customer_id, :brand_id, :channel, :kind, :token, :hash, :keys, :name)
        on conflict (organization_id, brand_id, kind, token_hash) do update
        set customer_id = excluded.customer_id, keys = excluded.keys, name = excluded.name, state = 'ACTIVE',
            disabled_reason = null, last_seen_at = clock_timestamp()
        returning id
        """,
        id=new_id(),
        customer_id=customer_id,
        brand_id=brand_id,
        channel=address.kind.channel.value,
        kind=address.kind.value,
        token=address.token,
        hash=address.token_hash,
        keys=dict(address.keys),
        name=address.name,
    )
    return device_id


async def forget_oldest(tx: Transaction, customer_id: UUID, brand_id: UUID, most: int) -> None:
    """Keeps the newest devices of a customer with a brand."""
    await tx.run(
        """
        delete from customer_device
        where organization_id = :organization and id = any(array(
            select id from customer_device
            where organization_id = :organization and customer_id = :customer_id and brand_id = :brand_id
            order by last_seen_at desc, id desc offset :most))
        """,
        customer_id=customer_id,
        brand_id=brand_id,
        most=most,
    )


async def unregister(tx: Transaction, device_id: UUID) -> bool:
    return bool(
        await tx.run("delete from customer_device where organization_id = :organization and id = :id", id=device_id)
    )


async def reached(tx: Transaction, addresses: Sequence[UUID]) -> list[Reached]:
    """For each address its customer's active devices of that brand and channel, the newest first."""
    return await tx.records(
        Reached,
        f"""
        select {columns_of(Reached)} from customer_device t
        where t.organization_id = :organization and t.state = 'ACTIVE' and (t.customer_id, t.brand_id, t.channel) in (
            select a.customer_id, a.brand_id, a.channel from customer_device a
            where a.organization_id = :organization and a.id = any(:ids::uuid[]))
        order by t.last_seen_at desc, t.id desc
        """,
        ids=list(addresses),
    )


async def customers_at(tx: Transaction, addresses: Sequence[UUID]) -> dict[UUID, UUID]:
    """Whose device each of these addresses is; also of disabled ones."""
    rows = await tx.rows(
        "select id, customer_id from customer_device where organization_id = :organization and id = any(:ids::uuid[])",
        ids=list(addresses),
    )
    return {row[0]: row[1] for row in rows}


async def disable(tx: Transaction, reasons: dict[UUID, str]) -> None:
    """Says of devices that a provider knows nothing of them any more; each can be registered again."""
    await tx.run(
        """
        update customer_device d set state = 'DISABLED', disabled_reason = g.reason
        from unnest(:ids::uuid[], :reasons::text[]) g (id, reason)
        where d.organization_id = :organization and d.id = g.id
        """,
        ids=list(reasons),
        reasons=list(reasons.values()),
    )


# Google lets so many messages of a pass be heard in a day.
HEARD = 3


async def may_notify(tx: Transaction, device_ids: Sequence[UUID]) -> set[UUID]:
    """Of these passes those whose holder was notified fewer than 3 times in the last 24 hours: once more from now."""
    rows = await tx.rows(
        """
        update customer_device d
        set notified_at = array(select n from unnest(d.notified_at) n where n > clock_timestamp() - interval '24 hours')
                          || clock_timestamp()
        where d.organization_id = :organization and d.id = any(:ids::uuid[])
          and (select count(*) from unnest(d.notified_at) n where n > clock_timestamp() - interval '24 hours') < :heard
        returning d.id
        """,
        ids=list(device_ids),
        heard=HEARD,
    )
    return {row[0] for row in rows}


async def show(tx: Transaction, contents: dict[UUID, dict[str, Any]]) -> None:
    """What passes show from now on, laid over what they showed."""
    await tx.run(
        """
        update customer_device d set content = d.content || g.content, content_at = clock_timestamp()
        from unnest(:ids::uuid[], :contents::jsonb[]) g (id, content)
        where d.organization_id = :organization and d.id = g.id
        """,
        ids=list(contents),
        contents=list(contents.values()),
    )


async def holders(tx: Transaction, device_ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """The telephones that hold each of these passes: library and push token."""
    rows = await tx.rows(
        """
        select device_id, library, push_token from pass_registration
        where organization_id = :organization and device_id = any(:ids::uuid[]) order by created_at desc
        """,
        ids=list(device_ids),
    )
    found: dict[UUID, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row["device_id"], []).append((row["library"], row["push_token"]))
    return found


async def drop_holders(tx: Transaction, gone: Sequence[tuple[UUID, str]]) -> None:
    """Telephones that hold a pass no more."""
    await tx.run(
        """
        delete from pass_registration r using unnest(:devices::uuid[], :libraries::text[]) g (device, held_by)
        where r.organization_id = :organization and r.device_id = g.device and library = held_by
        """,
        devices=[device for device, _ in gone],
        libraries=[library for _, library in gone],
    )
