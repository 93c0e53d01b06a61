"""API keys as they are stored: a public prefix and the SHA-256 of the secret."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Database, Transaction
from db.organizations import Brand
from db.records import column
from db.relations import Relation, Sort
from domain.ids import new_id


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was presented with the right secret and is neither revoked nor expired."""

    organization_id: UUID
    id: UUID
    slug: str
    prefix: str
    scopes: frozenset[str]
    brand_ids: frozenset[UUID] | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its organization sees it: never the secret."""

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    created_by: str | None
    trusted_documents_only: bool
    limited_to_brands: bool = column("t.brand_ids is not null")


_KEY = re.compile(r"wf_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")

KEY_BY_ID = Relation("api_key", ApiKey, "api_key t", key="t.id")
KEYS = Relation(
    "api_keys",
    ApiKey,
    "api_key t",
    key="t.organization_id",
    orders=(("CREATED_AT", Sort("t.created_at", "timestamptz")),),
)

BRANDS_OF_KEY = Relation(
    "brands_of_key",
    Brand,
    "(select b.*, k.id as key_id from api_key k join brand b on b.organization_id = k.organization_id "
    "and (k.brand_ids is null or b.id = any(k.brand_ids))) t",
    key="t.key_id",
    orders=(("NAME", Sort('t.name collate "C"', "text")),),
)


async def create_key(
    tx: Transaction,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    brand_ids: list[UUID] | None = None,
    created_by: str | None = None,
) -> str:
    """Stores a new key and returns its full text `wf_<prefix>_<secret>`, which is never readable again."""
    made = await add_key(
        tx, name=name, scopes=scopes, expires_at=expires_at, brand_ids=brand_ids, created_by=created_by
    )
    return made[1]


async def add_key(
    tx: Transaction,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    brand_ids: list[UUID] | None = None,
    created_by: str | None = None,
    trusted_documents_only: bool = False,
) -> tuple[UUID, str]:
    """As create_key, with the new row's id."""
    key_id = new_id()
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    await tx.run(
        """
        insert into api_key (organization_id, id, name, prefix, secret_hash, scopes, expires_at, brand_ids, created_by,
                             trusted_documents_only)
        values (:organization, :id, :name, :prefix, :secret_hash, :scopes, :expires_at, :brand_ids, :created_by,
                :trusted_documents_only)
        """,
        id=key_id,
        name=name,
        prefix=prefix,
        secret_hash=_hash(secret),
        scopes=scopes,
        expires_at=expires_at,
        brand_ids=brand_ids,
        created_by=created_by,
        trusted_documents_only=trusted_documents_only,
    )
    return key_id, f"wf_{prefix}_{secret}"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a stored key may, as rules and its successor need it; `live` unless revoked or expired."""

    name: str
    scopes: frozenset[str]
    brand_ids: frozenset[UUID] | None
    live: bool
    trusted_documents_only: bool


async def lock_key(tx: Transaction, key_id: UUID, now: datetime) -> Grant | None:
    """The key, locked until the transaction ends."""
    row = await tx.row(
        """
        select name, scopes, brand_ids, revoked_at is null and (expires_at is null or expires_at > :now) as live,
               trusted_documents_only
        from api_key where organization_id = :organization and id = :id for update
        """,
        id=key_id,
        now=now,
    )
    if row is None:
        return None
    brands = row["brand_ids"]
    limit = None if brands is None else frozenset(brands)
    return Grant(row["name"], frozenset(row["scopes"]), limit, row["live"], row["trusted_documents_only"])


async def update_key(tx: Transaction, key_id: UUID, name: str | None, trusted_documents_only: bool | None) -> None:
    """Changes what is given."""
    await tx.run(
        "update api_key set name = coalesce(:name, name), "
        "trusted_documents_only = coalesce(:trusted, trusted_documents_only) "
        "where organization_id = :organization and id = :id",
        id=key_id,
        name=name,
        trusted=trusted_documents_only,
    )


async def end_key(tx: Transaction, key_id: UUID, at: datetime) -> None:
    """The key expires at this instant, if it does not sooner."""
    await tx.run(
        "update api_key set expires_at = least(expires_at, :at) where organization_id = :organization and id = :id",
        id=key_id,
        at=at,
    )


async def revoke_key(tx: Transaction, key_id: UUID, now: datetime) -> UUID | None:
    """Makes a key useless from now on; None when there is none. Revoking again changes nothing."""
    revoked: UUID | None = await tx.value(
        "update api_key set revoked_at = coalesce(revoked_at, :now) "
        "where organization_id = :organization and id = :id returning id",
        id=key_id,
        now=now,
    )
    return revoked


async def find_key(database: Database, presented: str, now: datetime) -> Key | None:
    """The key, or None for every way in which it is not good; the comparison takes the same time for all of them.

    What cannot be a key is not looked up at all.
    """
    written = _KEY.fullmatch(presented)
    if written is None:
        return None
    prefix, secret = written.groups()
    row = await database.look_up("select * from find_api_key(:prefix)", prefix=prefix)
    stored = row["secret_hash"] if row else b"\0" * 32
    genuine = hmac.compare_digest(_hash(secret), stored)
    if row is None or not genuine or row["revoked_at"] or (row["expires_at"] and row["expires_at"] <= now):
        return None
    brand_ids = row["brand_ids"]
    return Key(
        row["organization_id"],
        row["id"],
        row["slug"],
        prefix,
        frozenset(row["scopes"]),
        None if brand_ids is None else frozenset(brand_ids),
    )


async def note_use(database: Database, key: Key, now: datetime) -> None:
    """Remembers when a key was last used, to the minute, so that a busy key does not write on each request."""
    async with database.tenant(key.organization_id) as tx:
        await tx.run(
            "update api_key set last_used_at = :now where organization_id = :organization and id = :id "
            "and (last_used_at is null or last_used_at < :now::timestamptz - interval '1 minute')",
            id=key.id,
            now=now,
        )


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).digest()
