"""An issuer of OpenID Connect tokens: its keys, fetched when they are needed, and whom its tokens are about."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt

from domain.sessions import Identity, read_identity
from resolvers.tokens import UNREAD

# By the kind of key, never by what the token says alone; a shared secret is no key of an issuer's.
ALGORITHMS = {"RSA": ("RS256", "PS256", "RS384", "RS512"), "EC": ("ES256", "ES384"), "OKP": ("EdDSA",)}
MAX_TOKEN = 8192
# Keys are taken anew this often, and for a key id that is not known, but not more often than that.
KEPT = timedelta(hours=1)
PAUSE = timedelta(seconds=30)
_KEY_ID = re.compile(r"[\x21-\x7e]{1,200}")

Fetch = Callable[[], Awaitable[bytes]]


@dataclass
class Issuer:
    """url and audience: what tokens must say in `iss` and `aud`; fetch: gets the key set, raising OSError."""

    url: str
    audience: str
    fetch: Fetch
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _fetched: datetime | None = None
    _tried: datetime | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self, presented: str, now: datetime) -> Identity | None:
        """Whom a token is about; None for every way in which it is not good, or when its key cannot be had."""
        try:
            header = jwt.get_unverified_header(presented)
            key_id, algorithm = header.get("kid"), header.get("alg")
            if len(presented) > MAX_TOKEN or not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
                return None
            key = await self._key(key_id, now)
            if key is None or algorithm not in ALGORITHMS.get(key.key_type or "", ()):
                return None
            claims = jwt.decode(presented, key, [algorithm], UNREAD)
        except jwt.PyJWTError:
            return None
        return read_identity(claims, self.url, self.audience, now)

    async def _key(self, key_id: str, now: datetime) -> jwt.PyJWK | None:
        if key_id not in self._keys and (self._may_try(now) or self._lock.locked()):
            # Whoever waited finds it done.
            await self._renew_once(now)
        elif self._is_stale(now) and self._may_try(now):
            await self._renew_once(now)
        return self._keys.get(key_id)

    async def _renew_once(self, now: datetime) -> None:
        async with self._lock:
            if self._may_try(now):
                self._tried = now
                await self._renew(now)

    def _is_stale(self, now: datetime) -> bool:
        return self._fetched is None or now - self._fetched > KEPT

    def _may_try(self, now: datetime) -> bool:
        return self._tried is None or now - self._tried > PAUSE

    async def _renew(self, now: datetime) -> None:
        """The issuer's keys of today; those of before while it does not answer."""
        try:
            read = json.loads(await self.fetch())
            if not isinstance(read, dict):
                return
            keys = jwt.PyJWKSet.from_dict(read).keys
        except (OSError, ValueError, jwt.PyJWTError):
            return
        usable = [key for key in keys if key.key_type in ALGORITHMS and key.public_key_use in (None, "sig")]
        self._keys = {key.key_id: key for key in usable if key.key_id}
        self._fetched = now
