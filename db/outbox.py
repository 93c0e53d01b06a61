"""The outbox: what happened, for those who asked to be told, written in the transaction in which it happened.

An event is written only if an active webhook of the organization asks for its type, together with a delivery to each
that does. Whoever changes something calls `record` with the rows that say so, or splices `recording` into the
statement that makes the change; where nobody listens both cost one small look per transaction and write nothing.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from db.database import Transaction
from db.jobs import Request, request_jobs
from db.statement import Statement, sql
from domain.events import EventType

DELIVER_JOB = "webhooks.deliver"
WEBHOOK = "webhookId"

_NOTHING = Statement("")
# Key share: a webhook that is deleted meanwhile waits for us, or is passed over.
_RECORD = """,
    listening as materialized (
        select w.id, w.event_types from webhook w
        where w.organization_id = :organization and w.state = 'ACTIVE' and w.event_types && :types::text[]
        for key share),
    emitted as (
        insert into outbox_event (organization_id, id, type, data, occurred_at)
        select :organization, uuid7(), e.type, e.data, e.at from (:rows) e (type, data, at)
        where e.type = any(:types::text[])
        returning id, type),
    addressed as (
        insert into webhook_delivery (organization_id, id, webhook_id, event_id)
        select :organization, uuid7(), l.id, e.id
        from emitted e join listening l on e.type = any(l.event_types))
"""


async def recording(tx: Transaction, types: Collection[EventType], rows: str | Statement) -> Statement:
    """CTEs to follow those of a statement, with a leading comma, that record events; nothing if nobody listens.

    rows: a select of (type, data, at) that may use the CTEs before; data: a jsonb object with bare uuids under the
    keys of `domain.events`.
    """
    wanted = (await _listeners(tx)).keys() & {type_.value for type_ in types}
    if not wanted:
        return _NOTHING
    _owe_deliveries(tx, wanted)
    given = sql(rows) if isinstance(rows, str) else rows
    return sql(_RECORD, organization=tx.organization_id, types=sorted(wanted), rows=given)


async def record(tx: Transaction, types: Collection[EventType], rows: str, **parts: object) -> None:
    """Records events in a statement of their own; `parts` are bound in `rows`, see `recording`."""
    events = await recording(tx, types, "select type, data, at from given")
    if events is not _NOTHING:
        given = sql(rows, organization=tx.organization_id, **parts)
        await tx.run("with given (type, data, at) as (:given):events select 1", given=given, events=events)


async def _listeners(tx: Transaction) -> Mapping[str, list[UUID]]:
    """The active webhooks that ask for each event type; read once in a transaction."""
    if tx.listeners is None:
        rows = await tx.rows(
            """
            select t.type, array_agg(w.id) from webhook w, unnest(w.event_types) t (type)
            where w.organization_id = :organization and w.state = 'ACTIVE' group by 1
            """
        )
        tx.listeners = {row[0]: row[1] for row in rows}
    return tx.listeners


def _owe_deliveries(tx: Transaction, types: Collection[str]) -> None:
    """One job for each webhook, as the very last statement: everybody who requests it waits for its row."""
    assert tx.listeners is not None
    webhooks = {webhook for type_ in types for webhook in tx.listeners[type_]}
    if not tx.told:
        tx.at_end.append(_request)
    tx.told |= webhooks


async def _request(tx: Transaction) -> None:
    await request_deliveries(tx, tx.told)


async def request_deliveries(tx: Transaction, webhook_ids: Collection[UUID]) -> None:
    """Owes each of these webhooks the delivery of what waits for it."""
    await request_jobs(tx, [Request(DELIVER_JOB, str(id_), {WEBHOOK: str(id_)}) for id_ in webhook_ids])
