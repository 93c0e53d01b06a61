"""The audit log as it is written and read: rows are added in the transaction of what they tell, and stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import column
from db.relations import Relation, Sort
from db.statement import Statement, join, sql
from domain.audit import Deed
from domain.ids import new_id

# As resolvers/ids.global_id writes it.
_TARGET = """
translate(encode(convert_to(t.target_type || ':' || t.target_id, 'UTF8'), 'base64'), E'+/=\\n', '-_')
"""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what; `target` is the global id of what it was done to."""

    id: UUID
    at: datetime
    actor: str
    action: str
    target_type: str | None
    details: dict[str, Any]
    request_id: str | None
    target: str | None = column(_TARGET)


ENTRY_BY_ID = Relation("audit_entry", AuditEntry, "audit_entry t", key="t.id")
AUDIT_LOG = Relation(
    "audit_log",
    AuditEntry,
    "audit_entry t",
    key="t.organization_id",
    orders=(("AT", Sort("t.at", "timestamptz")),),
    descending=True,
)


async def append(tx: Transaction, deed: Deed) -> None:
    """Tells what this transaction does; it is known if and only if it was done."""
    type_, identifier = deed.target or (None, None)
    await tx.run(
        """
        insert into audit_entry (organization_id, id, actor, action, target_type, target_id, details, request_id)
        values (:organization, :id, :actor, :action, :type, :target, :details, :request_id)
        """,
        id=new_id(),
        actor=deed.actor,
        action=deed.action,
        type=type_,
        target=identifier,
        details=dict(deed.details),
        request_id=deed.request_id,
    )


async def prune_audit(tx: Transaction, kept: timedelta, batch: int = 5_000) -> int:
    """Forgets the oldest entries of the organization, never those of the last 90 days; how many it were."""
    gone: int = await tx.value("select prune_audit(:kept, :batch)", kept=kept, batch=batch)
    return gone


def matching(
    *,
    actions: Sequence[str] | None = None,
    actor: str | None = None,
    target_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Statement | None:
    """Entries of which all that is said holds, from `since` and before `until`; None for all."""
    asked = [
        None if actions is None else sql("t.action = any(:actions::text[])", actions=list(actions)),
        None if actor is None else sql("t.actor = :actor", actor=actor),
        None if target_id is None else sql("t.target_id = :target", target=target_id),
        None if since is None else sql("t.at >= :since", since=since),
        None if until is None else sql("t.at < :until", until=until),
    ]
    given = [predicate for predicate in asked if predicate is not None]
    return join(" and ", given) if given else None
