"""Webhooks as people make and change them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.outbox import request_deliveries
from db.records import columns_of
from db.vault import Vault
from db.webhooks.records import Webhook

_HINT = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person says about a webhook."""

    name: str
    url: str
    event_types: list[str]
    scopes: list[str]
    selection: str | None


async def find_webhook(tx: Transaction, webhook_id: UUID, *, lock: bool = False) -> Webhook | None:
    return await tx.record(
        Webhook,
        f"select {columns_of(Webhook)} from webhook t where t.organization_id = :organization and t.id = :id "
        f"{'for no key update' if lock else ''}",
        id=webhook_id,
    )


async def count_webhooks(tx: Transaction) -> int:
    number: int = await tx.value("select count(*) from webhook where organization_id = :organization")
    return number


async def add_webhook(tx: Transaction, webhook_id: UUID, draft: Draft, secret: str, vault: Vault) -> None:
    """Stores an active webhook; `secret` as people are shown it."""
    await tx.run(
        """
        insert into webhook (organization_id, id, name, url, event_types, scopes, selection, secret, secret_hint)
        values (:organization, :id, :name, :url, :event_types, :scopes, :selection, :secret, right(:clear, :hint))
        """,
        id=webhook_id,
        name=draft.name,
        url=draft.url,
        event_types=draft.event_types,
        scopes=draft.scopes,
        selection=draft.selection,
        secret=vault.seal(tx.organization_id, webhook_id, secret),
        clear=secret,
        hint=_HINT,
    )


async def change_webhook(tx: Transaction, webhook_id: UUID, draft: Draft, state: str) -> None:
    """Overwrites a webhook; what waited for one that is active now goes on at once."""
    await tx.run(
        """
        update webhook
        set name = :name, url = :url, event_types = :event_types, scopes = :scopes, selection = :selection,
            state = :state, disabled_reason = case when :state = state then disabled_reason end,
            resume_at = null, failing_since = null, version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=webhook_id,
        name=draft.name,
        url=draft.url,
        event_types=draft.event_types,
        scopes=draft.scopes,
        selection=draft.selection,
        state=state,
    )
    if state == "ACTIVE":
        await request_deliveries(tx, [webhook_id])


async def delete_webhook(tx: Transaction, webhook_id: UUID) -> bool:
    """Deletes a webhook with its log; events nobody else waits for are pruned later."""
    return bool(await tx.run("delete from webhook where organization_id = :organization and id = :id", id=webhook_id))


async def rotate_secret(
    tx: Transaction, webhook_id: UUID, secret: str, vault: Vault, *, now: datetime, until: datetime
) -> None:
    """Signs with a new secret from now on, and until `until` with the present one as well."""
    await tx.run(
        """
        update webhook
        set previous_secret = case when :until::timestamptz > :now::timestamptz then secret end,
            previous_secret_until = case when :until::timestamptz > :now::timestamptz then :until::timestamptz end,
            secret = :secret, secret_hint = right(:clear, :hint), secret_set_at = :now::timestamptz,
            version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=webhook_id,
        until=until,
        now=now,
        secret=vault.seal(tx.organization_id, webhook_id, secret),
        clear=secret,
        hint=_HINT,
    )


async def sealed_secrets(tx: Transaction, webhook_id: UUID) -> list[bytes]:
    """The secrets that sign now, the newest first."""
    row = await tx.row(
        """
        select secret, case when previous_secret_until > clock_timestamp() then previous_secret end
        from webhook where organization_id = :organization and id = :id
        """,
        id=webhook_id,
    )
    return [sealed for sealed in row or () if sealed is not None]


async def seal_again(tx: Transaction, vault: Vault) -> int:
    """Seals every secret of the organization with the vault's first secret; returns how many webhooks that were."""
    rows = await tx.rows(
        "select id, secret, previous_secret from webhook where organization_id = :organization order by id for update"
    )

    def again(id_: UUID, sealed: bytes | None) -> bytes | None:
        organization = tx.organization_id
        return None if sealed is None else vault.seal(organization, id_, vault.open(organization, id_, sealed))

    await tx.run(
        """
        update webhook w set secret = n.secret, previous_secret = n.previous
        from unnest(:ids::uuid[], :secrets::bytea[], :previous::bytea[]) n (id, secret, previous)
        where w.organization_id = :organization and w.id = n.id
        """,
        ids=[row["id"] for row in rows],
        secrets=[again(row["id"], row["secret"]) for row in rows],
        previous=[again(row["id"], row["previous_secret"]) for row in rows],
    )
    return len(rows)


async def owe_waiting(tx: Transaction) -> int:
    """Owes a job to each active webhook for which something waits, in case one was given up; returns how many."""
    rows = await tx.rows(
        """
        select w.id from webhook w
        where w.organization_id = :organization and w.state = 'ACTIVE' and exists (
            select from webhook_delivery d
            where d.organization_id = w.organization_id and d.webhook_id = w.id and d.state = 'PENDING')
          and not exists (
            select from job j
            where j.organization_id = w.organization_id and j.kind = 'webhooks.deliver'
              and j.dedupe_key = w.id::text and j.state in ('ready', 'running'))
        """
    )
    await request_deliveries(tx, [row[0] for row in rows])
    return len(rows)
