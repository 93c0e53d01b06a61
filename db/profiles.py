"""Profiles of customers, made and changed by sets: only what was given, and only where it differs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from db.customers import Customer, lock_customers
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.messages import forget_recipients
from db.outbox import record
from db.records import columns_of
from db.references import find_customers
from db.segments import forget_customers
from db.staging import staged
from db.statement import sql
from domain.conditions.dependencies import profile_field
from domain.customers import NEW_PROFILE, PROFILE_FIELDS, CustomerReference, ProfileChange, changed
from domain.events import EventType
from domain.facts import Outcome
from domain.ids import new_id
from domain.refusals import Refused

_UNIQUE = {"external_id": "EXTERNAL_ID_TAKEN", "email": "EMAIL_TAKEN"}


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of a change; `refusal` says why when it was refused, and then nothing of it was written."""

    outcome: Outcome
    customer_id: UUID | None = None
    refusal: Refused | None = None


@dataclass(slots=True)
class _Profile:
    """A profile as the changes so far have left it."""

    id: UUID
    fields: dict[str, Any]
    stored: bool = False
    written: bool = False
    before: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Profiles:
    """What a batch is about: profiles by id, and whose each external id and e-mail is.

    An address that somebody in the batch gives up stays theirs: the rows are written at once, in no order.
    hidden: names of customers whom the caller may not see; no more is told of them than that they are taken.
    aliases: names by which customers are found who are called otherwise: those of who was merged into them.
    """

    by_id: dict[UUID, _Profile] = field(default_factory=dict)
    holders: dict[CustomerReference, UUID] = field(default_factory=dict)
    hidden: frozenset[CustomerReference] = frozenset()
    aliases: frozenset[CustomerReference] = frozenset()


async def upsert_customers(tx: Transaction, changes: Sequence[ProfileChange], now: datetime) -> list[Upserted]:
    """Makes or changes up to 5,000 customers by a constant number of statements; answers for each, in the same order.

    A change by external id or e-mail makes the customer when there is none. The answers are those of one change after
    another. Single changes are refused with NOT_FOUND, EXTERNAL_ID_TAKEN or EMAIL_TAKEN and the others written.
    Raises SerializationError when another transaction has just written the same; `Database.attempt` tries again.
    """
    profiles = await _read(tx, changes)
    upserted = [_apply(change, profiles, now) for change in changes]
    written = [profile for profile in profiles.by_id.values() if profile.written]
    if written:
        async with tx.unlimited():
            await _write(tx, written, now)
        await _tell(tx, written, now)
        ids = sql("select unnest(:ids::uuid[])", ids=[profile.id for profile in written])
        await mark_dirty(tx, ids, now, _changed(written))
    return upserted


async def update_customer(
    tx: Transaction, customer_id: UUID, fields: Mapping[str, Any], now: datetime, *, expected_version: int | None = None
) -> None:
    """Changes one customer; `fields` as in ProfileChange.

    Refuses NOT_FOUND, STALE (not at the expected version), EXTERNAL_ID_TAKEN and EMAIL_TAKEN.
    """
    customer_id = await _meant(tx, customer_id)
    version = await tx.value(
        "select version from customer where organization_id = :organization and id = :id", id=customer_id
    )
    if version is not None and expected_version not in (None, version):
        message = f"The customer is at version {version} by now: read it again."
        raise Refused("STALE", message, ("expected_version",), version)
    [upserted] = await upsert_customers(tx, [ProfileChange(CustomerReference(id=customer_id), fields)], now)
    if upserted.refusal:
        raise upserted.refusal


async def _meant(tx: Transaction, customer_id: UUID) -> UUID:
    """The customer of the id, locked: whoever they were merged into."""
    if await lock_customers(tx, sql("select :id::uuid", id=customer_id)):
        return customer_id
    named = CustomerReference(id=customer_id)
    meant = (await find_customers(tx, [named])).get(named, customer_id)
    await lock_customers(tx, sql("select :id::uuid", id=meant))
    return meant


async def delete_customer(tx: Transaction, customer_id: UUID) -> bool:
    """Deletes a customer with everything that belongs to them; False when there is no such customer.

    Counts of segments follow, and the ledger of messages keeps what was sent without saying to whom.
    """
    customers = sql("select :id::uuid", id=customer_id)
    await forget_customers(tx, customers)
    await forget_recipients(tx, customers)
    deleted = await tx.run("delete from customer where organization_id = :organization and id = :id", id=customer_id)
    if deleted:
        data = "jsonb_build_object('customerId', :id::uuid)"
        deletion = f"select 'CUSTOMER_DELETED', {data}, clock_timestamp()"
        await record(tx, [EventType.CUSTOMER_DELETED], deletion, id=customer_id)
    return deleted == 1


async def _read(tx: Transaction, changes: Sequence[ProfileChange]) -> _Profiles:
    names = [reference for change in changes for reference in _references(change)]
    holders = await find_customers(tx, names)
    if any(change.customer not in holders and not change.customer.id for change in changes):
        # Who makes customers takes turns, so that nobody finds the name just taken by somebody else.
        await tx.run("select pg_advisory_xact_lock(hashtextextended('customers made in ' || :organization::uuid, 0))")
        holders = await find_customers(tx, names)
    async with tx.unlimited():
        hidden = (await find_customers(tx, names)).keys() - holders.keys() if tx.brands is not None else ()
    named = [holders[change.customer] for change in changes if change.customer in holders]
    customers = sql("select unnest(:ids::uuid[])", ids=sorted(set(named)))
    await lock_customers(tx, customers)
    rows = await tx.records(
        Customer,
        f"select {columns_of(Customer)} from customer t "
        "where t.organization_id = (select :organization::uuid) and t.id in (:customers)",
        customers=customers,
    )
    profiles = _Profiles(holders=holders, hidden=frozenset(name for name in hidden if name.id is None))
    for row in rows:
        stored = {name: getattr(row, name) for name in PROFILE_FIELDS}
        profiles.by_id[row.id] = _Profile(row.id, stored, stored=True)
    await _require_unmoved(tx, profiles, {change.customer for change in changes} & holders.keys())
    return profiles


def _references(change: ProfileChange) -> Iterable[CustomerReference]:
    """Every name in the change that belongs to one customer alone."""
    yield change.customer
    for name in _UNIQUE:
        if change.fields.get(name):
            yield CustomerReference(**{name: change.fields[name]})


async def _require_unmoved(tx: Transaction, profiles: _Profiles, named: Collection[CustomerReference]) -> None:
    """These names still mean whom they meant before the customers were locked."""
    found = {reference: profiles.by_id.get(profiles.holders[reference]) for reference in named}
    profiles.aliases = frozenset(name for name, holder in found.items() if holder and not _is(name, holder))
    meant = {name: profiles.holders[name] for name in profiles.aliases}
    if None in found.values() or (meant and await find_customers(tx, meant) != meant):
        message = "somebody else has just renamed, merged or deleted one of these customers"
        raise asyncpg.SerializationError(message)


def _is(reference: CustomerReference, profile: _Profile) -> bool:
    told = (reference.external_id, reference.email)
    return reference.id is not None or told in (
        (profile.fields["external_id"], None),
        (None, profile.fields["email"]),
    )


def _apply(change: ProfileChange, profiles: _Profiles, now: datetime) -> Upserted:
    """Decides one change against the profiles as the changes before it have left them."""
    for reference in _references(change):
        if reference in profiles.hidden:
            return _refused(_taken(reference))
    profile = _named(change, profiles, now)
    if profile is None:
        return _refused(Refused("NOT_FOUND", "There is no such customer.", ("id",)))
    for reference in _references(change):
        if profiles.holders.get(reference, profile.id) != profile.id:
            return _refused(_taken(reference))
    fields = changed(profile.fields, _said(change, profiles))
    is_new = profile.id not in profiles.by_id
    if not is_new and fields == profile.fields:
        return Upserted(Outcome.UNCHANGED, profile.id)
    profile.before = profile.before or profile.fields
    profile.fields, profile.written = fields, True
    profiles.by_id[profile.id] = profile
    for reference in _references(change):
        profiles.holders[reference] = profile.id
    return Upserted(Outcome.NEW if is_new else Outcome.CHANGED, profile.id)


def _said(change: ProfileChange, profiles: _Profiles) -> Mapping[str, Any]:
    """The fields to set: a name of a merged customer only says who is meant, and does not become the kept one's."""
    if change.customer not in profiles.aliases:
        return change.fields
    own = {"external_id": change.customer.external_id, "email": change.customer.email}
    return {name: value for name, value in change.fields.items() if value is None or own.get(name) != value}


def _named(change: ProfileChange, profiles: _Profiles, now: datetime) -> _Profile | None:
    """The profile of this name so far, a new one, or None for an id that is nobody's."""
    reference = change.customer
    if reference in profiles.holders:
        return profiles.by_id[profiles.holders[reference]]
    if reference.id is not None:
        return None
    name = {"external_id": reference.external_id, "email": reference.email}
    return _Profile(change.new_id or new_id(), {**NEW_PROFILE, **name, "acquired_at": now})


def _changed(profiles: Sequence[_Profile]) -> set[str] | None:
    """Which fields, as conditions name them; of a new customer everything."""
    if not all(profile.stored for profile in profiles):
        return None
    return {
        profile_field(name)
        for profile in profiles
        for name, value in (profile.before or {}).items()
        if value != profile.fields[name]
    }


def _taken(reference: CustomerReference) -> Refused:
    name = "email" if reference.email else "external_id"
    return Refused(_UNIQUE[name], "Another customer has this already.", (name,))


def _refused(refusal: Refused) -> Upserted:
    return Upserted(Outcome.REFUSED, refusal=refusal)


_TYPES = {"date_of_birth": "date", "attributes": "text", "acquired_at": "timestamptz"}
_COLUMNS = {"id": "uuid", "stored": "boolean"} | {name: _TYPES.get(name, "text") for name in PROFILE_FIELDS}
_LISTED = ", ".join(PROFILE_FIELDS)
_GIVEN = ", ".join("g.attributes::jsonb" if name == "attributes" else f"g.{name}" for name in PROFILE_FIELDS)
_WRITE = f"""
with given as (:given),
inserted as (
    insert into customer (organization_id, id, created_at, updated_at, {_LISTED})
    select :organization, g.id, :now::timestamptz, :now::timestamptz, {_GIVEN}
    from given g where not g.stored
    order by g.external_id, g.email
    on conflict do nothing
    returning 1
),
updated as (
    update customer c
    set (updated_at, version, {_LISTED}) = row(:now::timestamptz, c.version + 1, {_GIVEN})
    from given g where g.stored and c.organization_id = (select :organization::uuid) and c.id = g.id
    returning 1
)
select (select count(*) from inserted) + (select count(*) from updated)
"""


async def _write(tx: Transaction, profiles: Sequence[_Profile], now: datetime) -> None:
    rows = [(profile.id, profile.stored, *_values(profile.fields)) for profile in profiles]
    given = await staged(tx, "incoming_customer", _COLUMNS, rows)
    try:
        written = await tx.value(_WRITE, given=given, now=now)
    except asyncpg.UniqueViolationError:
        written = None
    if written != len(profiles):
        message = "somebody else has just taken one of these names"
        raise asyncpg.SerializationError(message)


async def _tell(tx: Transaction, profiles: Sequence[_Profile], now: datetime) -> None:
    await record(
        tx,
        (EventType.CUSTOMER_CREATED, EventType.CUSTOMER_UPDATED),
        """
        select case when p.stored then 'CUSTOMER_UPDATED' else 'CUSTOMER_CREATED' end,
               jsonb_build_object('customerId', p.id), :now::timestamptz
        from unnest(:ids::uuid[], :stored::boolean[]) as p (id, stored)
        """,
        ids=[profile.id for profile in profiles],
        stored=[profile.stored for profile in profiles],
        now=now,
    )


def _values(fields: Mapping[str, Any]) -> list[Any]:
    return [orjson.dumps(fields[n]).decode() if n == "attributes" else fields[n] for n in PROFILE_FIELDS]
