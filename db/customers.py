"""Customers as they are stored and read."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.relations import Relation, Sort
from db.statement import Statement
from domain.ids import new_id


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or a business that the organization knows."""

    id: UUID
    kind: str
    external_id: str | None
    name: str | None
    email: str | None
    phone: str | None
    date_of_birth: date | None
    timezone: str | None
    locale: str | None
    loyalty_level: str | None
    city: str | None
    state: str | None
    country: str | None
    attributes: dict[str, Any]
    acquired_at: datetime
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """What a member wrote about a customer; never changed afterwards."""

    id: UUID
    body: str
    author: str
    created_at: datetime


CUSTOMER_BY_ID = Relation("customer", Customer, "customer t", key="t.id")
# By their id, or that of who was merged into them: what `customer(by: {id})` answers, and `node` does not.
CUSTOMER_BY_NAMED_ID = Relation(
    "customer_by_named_id", Customer, "customer t", key="t.id", meant="kept_customer(:organization, :key)"
)
CUSTOMER_BY_OWN_ID = "t.id = :value"
CUSTOMER_BY_EXTERNAL_ID = "t.external_id = :value"
CUSTOMER_BY_EMAIL = "t.email = :value"
_OR_ALIAS = """
select coalesce(({own}), (select a.customer_id from customer_alias a
                          where a.organization_id = :organization and a.kind = '{kind}' and a.value = :value))
"""
_ALIASES = {CUSTOMER_BY_EXTERNAL_ID: "EXTERNAL_ID", CUSTOMER_BY_EMAIL: "EMAIL"}
CUSTOMERS = Relation(
    "customers",
    Customer,
    "customer t",
    key="t.organization_id",
    orders=(
        ("CREATED_AT", Sort("t.created_at", "timestamptz")),
        ("UPDATED_AT", Sort("t.updated_at", "timestamptz")),
        ("NAME", Sort("coalesce(t.name, '') collate \"C\"", "text")),
    ),
)
NOTE_BY_ID = Relation("note", Note, "customer_note t", key="t.id")
NOTES_OF_CUSTOMER = Relation(
    "notes_of_customer",
    Note,
    "customer_note t",
    key="t.customer_id",
    orders=(("CREATED_AT", Sort("t.created_at", "timestamptz")),),
    descending=True,
)


async def find_customer(tx: Transaction, predicate: str, value: object) -> UUID | None:
    """The id of the one customer of the organization for whom the predicate (a constant above) holds.

    A name that nobody has finds the customer into whom the one was merged who had it.
    """
    own = f"select t.id from customer t where t.organization_id = :organization and {predicate}"
    found: UUID | None = await tx.value(
        _OR_ALIAS.format(own=own, kind=_ALIASES[predicate]) if predicate in _ALIASES else own, value=value
    )
    return found


async def lock_customers(tx: Transaction, customers: Statement) -> dict[UUID, datetime]:
    """Locks these customers in ascending order, so that writers of the same ones wait and never deadlock.

    customers: a statement with one column of ids. Returns those that exist, ascending, and since when they are.
    """
    # An array, because joined with a `union` whoever was changed while we waited for their lock is left out: Postgres
    # looks at a changed row again, and then finds nothing in what it is joined with.
    rows = await tx.rows(
        """
        select c.id, c.acquired_at from customer c
        where c.organization_id = (select :organization::uuid) and c.id = any(array(:customers))
        order by c.id for no key update
        """,
        customers=customers,
    )
    return dict(rows)


async def add_note(tx: Transaction, customer_id: UUID, body: str, author: str) -> UUID | None:
    """Stores a note; None when there is no such customer."""
    added: UUID | None = await tx.value(
        """
        insert into customer_note (organization_id, id, customer_id, body, author)
        select :organization, :id, c.id, :body, :author
        from customer c where c.organization_id = :organization and c.id = :customer_id
        returning id
        """,
        id=new_id(),
        customer_id=customer_id,
        body=body,
        author=author,
    )
    return added
