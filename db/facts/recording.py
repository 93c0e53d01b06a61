"""Facts taken in by sets: once each whatever is repeated, with everything that follows from them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from db.customers import lock_customers
from db.database import Transaction
from db.facts.following import follow
from db.facts.writing import Writing, write_facts
from db.references import find_customers, make_customers
from db.statement import sql
from domain.customers import CustomerReference
from domain.facts import Fact, Outcome, Telling, outcome
from domain.ids import new_id
from domain.refusals import Refused

MAX_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a fact; `refusal` says why when it was refused, and then it has no ids."""

    outcome: Outcome
    fact_id: UUID | None = None
    customer_id: UUID | None = None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the batch refers to: customers by reference, brands that exist; made: whether some customers are new."""

    customers: Mapping[CustomerReference, UUID]
    made: bool
    brands: frozenset[UUID]


@dataclass(slots=True)
class _Row:
    """The row of one (source, key): whose it is, if it is stored, and the telling that counts so far.

    hidden: it is stored for a brand that the caller is not limited to.
    """

    id: UUID
    owner: UUID | None = None
    telling: Telling | None = None
    hidden: bool = False


_Name = tuple[str, str]


async def record_facts(
    tx: Transaction, facts: Sequence[Fact], now: datetime, *, create_missing: bool = False
) -> list[Recorded]:
    """Takes in up to 5,000 facts by a constant number of statements; answers for each, in the same order.

    The answers are those of telling one fact after another (`domain.facts.outcome`). What follows happens in the same
    transaction: metrics of the customers touched, their brands, an evaluation owed. Single facts are refused with
    NOT_FOUND or REVISION_CONFLICT and the others recorded; with `create_missing` an unknown external id or e-mail
    makes the customer instead.

    Raises SerializationError when the same fact is told of different customers at the same moment; `Database.attempt`
    tries again.
    """
    known = _Known(*await _customers(tx, facts, now, create_missing), await _brands(tx, facts))
    async with tx.unlimited():
        rows, since = await _lock_rows(tx, facts, known)
    writings: dict[_Name, Writing] = {}
    recorded = [_tell(fact, known, rows, writings) for fact in facts]
    if writings:
        told = await write_facts(tx, list(writings.values()), now)
        async with tx.unlimited():
            await follow(tx, list(writings.values()), told, since, now, made=known.made)
    return recorded


def _tell(fact: Fact, known: _Known, rows: Mapping[_Name, _Row], writings: dict[_Name, Writing]) -> Recorded:
    """Decides one fact against its row as the facts before it have left it."""
    customer_id = known.customers.get(fact.customer)
    if customer_id is None:
        return _refused(Refused("NOT_FOUND", "There is no such customer.", ("customer",)))
    if fact.brand_id and fact.brand_id not in known.brands:
        return _refused(Refused("NOT_FOUND", "There is no such brand.", ("brand_id",)))
    name = fact.source, fact.key
    row, told = rows[name], Telling(customer_id, fact.content_hash, fact.revision)
    if row.hidden:
        return _refused(Refused("NOT_FOUND", "A fact that you may not see has this source and key.", ("key",)))
    try:
        decided = outcome(row.telling, told)
    except Refused as refusal:
        return _refused(refusal)
    if decided is not Outcome.UNCHANGED:
        row.telling = told
        writings[name] = Writing(row.id, customer_id, fact, told.content_hash, row.owner)
    return Recorded(decided, row.id, customer_id)


def _refused(refusal: Refused) -> Recorded:
    return Recorded(Outcome.REFUSED, refusal=refusal)


async def _customers(
    tx: Transaction, facts: Sequence[Fact], now: datetime, create_missing: bool
) -> tuple[dict[CustomerReference, UUID], bool]:
    """By reference, and whether some were made."""
    found = await find_customers(tx, (fact.customer for fact in facts))
    since: dict[CustomerReference, datetime] = {}
    for fact in facts if create_missing else ():
        if fact.customer not in found:
            since[fact.customer] = min(fact.occurred_at, since.get(fact.customer, fact.occurred_at))
    if since:
        await make_customers(tx, since, now)
        found |= await find_customers(tx, since)
    return found, bool(since)


async def _brands(tx: Transaction, facts: Sequence[Fact]) -> frozenset[UUID]:
    named = {fact.brand_id for fact in facts if fact.brand_id}
    if not named:
        return frozenset()
    rows = await tx.rows(
        "select id from brand where organization_id = :organization and id = any(:ids::uuid[])", ids=list(named)
    )
    return frozenset(row[0] for row in rows)


async def _lock_rows(
    tx: Transaction, facts: Sequence[Fact], known: _Known
) -> tuple[dict[_Name, _Row], dict[UUID, datetime]]:
    """A row for each (source, key): the stored one as nobody can change it any more, or a new one.

    And since when everybody whom they concern, and who is locked now, is a customer.
    """
    names = {(fact.source, fact.key) for fact in facts}
    # The customers' locks are the order of writing; a correction may take the fact away from its owner so far.
    wanted = sql(
        f"select unnest(:ids::uuid[]) union all select f.customer_id from fact f where {_NAMED}",
        ids=list(set(known.customers.values())),
        **_named(tx, names),
    )
    locked = await lock_customers(tx, wanted)
    # Not before: whoever held a lock that we have waited for may have written since.
    stored = await _stored(tx, names)
    if not {row.owner for row in stored.values()} | set(known.customers.values()) <= locked.keys():
        message = "somebody else has just told one of these facts of another customer, or merged or deleted one"
        raise asyncpg.SerializationError(message)
    return {name: stored.get(name) or _Row(new_id()) for name in names}, locked


async def _stored(tx: Transaction, names: Collection[_Name]) -> dict[_Name, _Row]:
    rows = await tx.rows(
        f"""
        select f.source, f.key, f.id, f.customer_id, f.content_hash, f.revision,
               f.brand_id = any(:brands::uuid[]) is not true as hidden
        from fact f where {_NAMED}
        """,
        brands=list(tx.brands or ()),
        **_named(tx, names),
    )
    return {
        (source, key): _Row(
            fact_id, customer_id, Telling(customer_id, content_hash, revision), hidden and tx.brands is not None
        )
        for source, key, fact_id, customer_id, content_hash, revision, hidden in rows
    }


# A join, and not `= any`: where statistics do not know the organization, each of its facts is compared with each key.
_NAMED = """
f.organization_id = (select :tenant::uuid)
and (f.source, f.key) in (select * from unnest(:sources::text[], :keys::text[]))
"""


def _named(tx: Transaction, names: Collection[_Name]) -> dict[str, object]:
    return {
        "tenant": tx.organization_id,
        "sources": [source for source, _ in names],
        "keys": [key for _, key in names],
    }
