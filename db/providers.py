"""Provider accounts as they are stored: what they are told in the open, and their secrets, sealed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.names import named
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.statement import Statement, sql
from db.vault import PROVIDERS, Vault
from domain.provider_accounts import Draft

# Secrets sealed again in one transaction: those who use the others meanwhile do not wait.
BATCH = 100
# Days, for whoever wants to see what an account does.
USAGE_KEPT = 31
_USED = """
coalesce((select u.calls from provider_usage u
          where u.organization_id = t.organization_id and u.account_id = t.id
            and u.day = (clock_timestamp() at time zone 'UTC')::date), 0)
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Never the secret: `secret_names` says what is in it, `key_id` which key sealed it."""

    id: UUID
    brand_id: UUID | None
    channel: str
    kind: str
    name: str
    settings: dict[str, Any]
    secret_names: list[str]
    key_id: str | None
    rate_per_second: int | None
    daily_quota: int | None
    state: str
    test_status: str | None
    test_detail: str | None
    test_latency_ms: int | None
    tested_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    used_today: int = column(_USED)


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of trying an account."""

    status: str
    detail: str
    latency_ms: int


ACCOUNT_BY_ID = Relation("provider_account", Account, "provider_account t", key="t.id")
ACCOUNTS = Relation(
    "provider_accounts",
    Account,
    "provider_account t",
    key="t.organization_id",
    orders=(
        ("CREATED_AT", Sort("t.created_at", "timestamptz")),
        ("NAME", Sort('t.name collate "C"', "text")),
    ),
)


def matching_accounts(channel: str | None, state: str | None, search: str | None) -> Statement | None:
    """Accounts of which all that is said holds, whose name contains every word; None for all."""
    return named(
        search,
        None if channel is None else sql("t.channel = :channel", channel=channel),
        None if state is None else sql("t.state = :state", state=state),
    )


async def lock_accounts(tx: Transaction) -> list[Account]:
    """Every account of the organization; until the end of the transaction nobody else makes or changes any."""
    await tx.run(
        "select pg_advisory_xact_lock(hashtextextended('provider_account:' || :id, 0))", id=str(tx.organization_id)
    )
    return await tx.records(
        Account,
        f"select {columns_of(Account)} from provider_account t where t.organization_id = :organization order by t.id",
    )


async def find_account(tx: Transaction, account_id: UUID) -> Account | None:
    return await tx.record(
        Account,
        f"select {columns_of(Account)} from provider_account t where t.organization_id = :organization and t.id = :id",
        id=account_id,
    )


async def active_accounts(tx: Transaction, brand_id: UUID, channel: str) -> list[Account]:
    """The accounts that carry a brand's messages on a channel: its own, and of kinds it has none of, everybody's.

    More than one only of PUSH and WALLET, one for each kind of device.
    """
    return await tx.records(
        Account,
        f"""
        select {columns_of(Account)} from provider_account t
        where t.organization_id = :organization and t.channel = :channel and t.state = 'ACTIVE'
          and (t.brand_id = :brand_id or t.brand_id is null and not exists (
              select from provider_account o
              where o.organization_id = :organization and o.channel = :channel and o.state = 'ACTIVE'
                and o.brand_id = :brand_id and (o.kind = t.kind or t.channel not in ('PUSH', 'WALLET'))))
        order by t.kind
        """,
        brand_id=brand_id,
        channel=channel,
    )


async def add_account(tx: Transaction, account_id: UUID, draft: Draft) -> None:
    """Stores an active account without secrets."""
    await tx.run(
        """
        insert into provider_account (organization_id, id, brand_id, channel, kind, name, settings, rate_per_second,
                                      daily_quota)
        values (:organization, :id, :brand_id::uuid, :channel, :kind, :name, :settings, :rate::integer,
                :quota::integer)
        """,
        id=account_id,
        channel=draft.channel.value,
        kind=draft.kind.value,
        **_told(draft),
    )


async def change_account(tx: Transaction, account_id: UUID, draft: Draft, state: str) -> None:
    """Overwrites what is open; what a test said before counts no more."""
    await tx.run(
        """
        update provider_account
        set brand_id = :brand_id::uuid, name = :name, settings = :settings, rate_per_second = :rate::integer,
            daily_quota = :quota::integer, state = :state, test_status = null, test_detail = null,
            test_latency_ms = null, tested_at = null, version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=account_id,
        state=state,
        **_told(draft),
    )


def _told(draft: Draft) -> dict[str, Any]:
    return {
        "brand_id": draft.brand_id,
        "name": draft.name,
        "settings": dict(draft.settings),
        "rate": draft.rate_per_second,
        "quota": draft.daily_quota,
    }


async def delete_account(tx: Transaction, account_id: UUID) -> bool:
    """Deletes an account; what it sent stays in the ledger under its id."""
    return bool(
        await tx.run("delete from provider_account where organization_id = :organization and id = :id", id=account_id)
    )


async def seal_secrets(tx: Transaction, vault: Vault, account_id: UUID, secrets: Mapping[str, str]) -> None:
    """Keeps these secrets and no others."""
    sealing = vault.of(PROVIDERS)
    sealed = sealing.seal(tx.organization_id, account_id, json.dumps(dict(secrets))) if secrets else None
    await tx.run(
        """
        update provider_account
        set secret = :secret::bytea, key_id = :key_id::text, secret_names = :names::text[]
        where organization_id = :organization and id = :id
        """,
        id=account_id,
        secret=sealed,
        key_id=sealing.key_id if sealed else None,
        names=sorted(secrets),
    )


async def open_secrets(tx: Transaction, vault: Vault, account_id: UUID) -> dict[str, str]:
    """The secrets of an account in the clear, for whoever calls its provider; raises SealedError."""
    sealed: bytes | None = await tx.value(
        "select secret from provider_account where organization_id = :organization and id = :id", id=account_id
    )
    if sealed is None:
        return {}
    opened: dict[str, str] = json.loads(vault.of(PROVIDERS).open(tx.organization_id, account_id, sealed))
    return opened


async def seal_again(tx: Transaction, vault: Vault, size: int = BATCH) -> int:
    """Seals with the vault's first key what another one sealed, at most so many; returns how many that were."""
    sealing = vault.of(PROVIDERS)
    rows = await tx.rows(
        """
        select id, secret from provider_account
        where organization_id = :organization and key_id <> :key_id order by id limit :size for no key update
        """,
        key_id=sealing.key_id,
        size=size,
    )
    await tx.run(
        """
        update provider_account a set secret = n.secret, key_id = :key_id
        from unnest(:ids::uuid[], :secrets::bytea[]) n (id, secret)
        where a.organization_id = :organization and a.id = n.id
        """,
        key_id=sealing.key_id,
        ids=[row["id"] for row in rows],
        secrets=[_anew(tx, sealing, row["id"], row["secret"]) for row in rows],
    )
    return len(rows)


def _anew(tx: Transaction, sealing: Vault, account_id: UUID, sealed: bytes) -> bytes:
    return sealing.seal(tx.organization_id, account_id, sealing.open(tx.organization_id, account_id, sealed))


async def keep_test(tx: Transaction, account_id: UUID, version: int, tested: Tested) -> None:
    """Remembers what a test of this version said; nothing of an account that was changed meanwhile."""
    await tx.run(
        """
        update provider_account
        set test_status = :status, test_detail = :detail, test_latency_ms = :latency_ms, tested_at = clock_timestamp()
        where organization_id = :organization and id = :id and version = :version
        """,
        id=account_id,
        version=version,
        status=tested.status,
        detail=tested.detail,
        latency_ms=tested.latency_ms,
    )


async def spend(tx: Transaction, account_id: UUID, calls: int, quota: int) -> tuple[int, datetime]:
    """How many of these calls fit into the quota of today (UTC), which are counted; and when the day ends."""
    await tx.run(
        """
        insert into provider_usage (organization_id, account_id, day)
        values (:organization, :account_id, (clock_timestamp() at time zone 'UTC')::date) on conflict do nothing
        """,
        account_id=account_id,
    )
    row = await tx.row(
        """
        with present as (
            select day, calls from provider_usage
            where organization_id = :organization and account_id = :account_id order by day desc limit 1 for update)
        update provider_usage u set calls = greatest(p.calls, least(p.calls + :calls::integer, :quota::integer))
        from present p
        where u.organization_id = :organization and u.account_id = :account_id and u.day = p.day
        returning u.calls - p.calls as granted, (u.day + 1)::timestamp at time zone 'UTC' as ends
        """,
        account_id=account_id,
        calls=calls,
        quota=quota,
    )
    assert row is not None
    return row["granted"], row["ends"]


async def prune_usage(tx: Transaction) -> int:
    """Forgets how many calls were made a month ago: a quota asks for today alone."""
    return await tx.run(
        """
        delete from provider_usage
        where organization_id = :organization and day < (clock_timestamp() at time zone 'UTC')::date - :kept::integer
        """,
        kept=USAGE_KEPT,
    )
