"""API keys as they are stored: a public prefix and the SHA-256 of a secret that only its holder has."""

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from db.database import Transaction
from domain.ids import new_id

_TEXT = re.compile("wf_([0-9a-f]{12})_([0-9a-f]{48})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that may be used now."""

    organization_id: UUID
    id: UUID
    prefix: str
    scopes: frozenset[str]
    brand_ids: tuple[UUID, ...] | None


async def create_api_key(
    tx: Transaction, *, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> str:
    """Stores a new key and returns its text, `wf_<prefix>_<secret>`, which is shown once and kept nowhere."""
    prefix, secret = secrets.token_hex(6), secrets.token_hex(24)
    await tx.run(
        "insert into api_key (organization_id, id, name, prefix, secret_hash, scopes, expires_at) "
        "values (:organization, :id, :name, :prefix, :secret_hash, :scopes, :expires_at)",
        id=new_id(),
        name=name,
        prefix=prefix,
        secret_hash=_digest(secret),
        scopes=sorted(scopes),
        expires_at=expires_at,
    )
    return f"wf_{prefix}_{secret}"


async def find_api_key(tx: Transaction, presented: str, now: datetime) -> ApiKey | None:
    """The key with this text, or None when it is unknown, revoked or expired. Needs no organization."""
    parts = _TEXT.fullmatch(presented)
    if parts is None:
        return None
    prefix, secret = parts.groups()
    found = await tx.row("select * from find_api_key(:prefix)", prefix=prefix)
    if found is None or not hmac.compare_digest(found["secret_hash"], _digest(secret)):
        return None
    if found["revoked_at"] or (found["expires_at"] and found["expires_at"] <= now):
        return None
    brands = found["brand_ids"]
    return ApiKey(
        found["organization_id"],
        found["id"],
        prefix,
        frozenset(found["scopes"]),
        None if brands is None else tuple(brands),
    )


def _digest(secret: str) -> bytes:
    """A plain hash is enough: the secret is 192 random bits, not something a person chose."""
    return sha256(secret.encode()).digest()
