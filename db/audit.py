"""The audit log as it is written and read: rows are added in the transaction of what they tell, and stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import column
from db.relations import Relation, Sort
from db.statement import Statement, all_of, sql
from domain.audit import Deed
from domain.ids import new_id
from domain.searches import words_of

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
    search: str | None = None,
) -> Statement | None:
    """Entries of which all that is said holds, from `since` and before `until`; None for all.

    search: every word is in the action, the target's type, the request's id, or in what the actor is called.
    """
    asked = [
        None if actions is None else sql("t.action = any(:actions::text[])", actions=list(actions)),
        None if actor is None else sql("t.actor = :actor", actor=actor),
        None if target_id is None else sql("t.target_id = :target", target=target_id),
        None if since is None else sql("t.at >= :since", since=since),
        None if until is None else sql("t.at < :until", until=until),
        *(sql(_WORD, word=word) for word in words_of(search)),
    ]
    return all_of([predicate for predicate in asked if predicate is not None])


# Who is called so is looked up once for each word, not for each entry.
_WORD = """
(strpos(lower(concat_ws(' ', t.action, t.target_type, t.actor, t.request_id)), (select fold(:word::text))) > 0
 or t.actor = any(array(
    select 'member:' || m.id from member m
    where strpos(fold(concat_ws(' ', m.name, m.email)), fold(:word::text)) > 0
      and m.organization_id = current_organization()
    union all
    select 'key:wf_' || k.prefix from api_key k
    where strpos(fold(k.name), fold(:word::text)) > 0 and k.organization_id = current_organization())))
"""
