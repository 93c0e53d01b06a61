"""Merges as they are read: which customers turned out to be one, and what they were called."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.relations import Relation, Sort


@dataclass(frozen=True, slots=True)
class Merge:
    """That a customer was merged into this one; `facts` and `messages` are how many came with them."""

    id: UUID
    customer_id: UUID
    merged_id: UUID
    facts: int
    messages: int
    actor: str
    merged_at: datetime


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that means this customer besides their own: an external id or an e-mail address."""

    kind: str
    value: str
    created_at: datetime


MERGE_BY_ID = Relation("customer_merge", Merge, "customer_merge t", key="t.id")
ALIASES_OF_CUSTOMER = Relation(
    "aliases_of_customer",
    Alias,
    "customer_alias t",
    key="t.customer_id",
    orders=(("CREATED_AT", Sort("t.created_at", "timestamptz")),),
    tie=Sort('(t.kind || t.value) collate "C"', "text"),
)
