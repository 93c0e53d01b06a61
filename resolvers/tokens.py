"""Access tokens of our own: signed by the newest of our keys, read with any of them."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import jwt
from jwt.types import Options

from domain.sessions import Access, claims_of, read_access

# One algorithm, and never the one that a token says: docs/decisions/0013-people.md.
ALGORITHM = "HS256"
MAX_TOKEN = 2048
REMEMBERED = 10_000
# The claims are read by domain/sessions.py, which also looks at their types.
UNREAD = Options(
    verify_exp=False,
    verify_nbf=False,
    verify_iat=False,
    verify_aud=False,
    verify_iss=False,
    verify_sub=False,
    verify_jti=False,
)


class TokenKeys:
    """The keys behind the installation's secrets; each is known by an id that tells nothing of it."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        derived = [hmac.digest(secret, b"wayfare access tokens", "sha256") for secret in secrets]
        self._keys = {hashlib.sha256(key).hexdigest()[:16]: key for key in derived}
        self._newest = next(iter(self._keys))
        # What a text says when its signature is good never changes; finding that out costs more than the look-up.
        self._genuine: dict[str, dict[str, Any]] = {}

    def sign(self, access: Access, now: datetime) -> str:
        """The text of a token that lasts ACCESS_LIFE."""
        return jwt.encode(claims_of(access, now), self._keys[self._newest], ALGORITHM, {"kid": self._newest})

    def read(self, presented: str, now: datetime) -> Access | None:
        """What a token of ours is about; None for every way in which it is not good."""
        claims = self._genuine.get(presented)
        if claims is None:
            claims = self._verified(presented)
            if claims is None:
                return None
            if len(self._genuine) >= REMEMBERED:
                self._genuine.clear()
            self._genuine[presented] = claims
        return read_access(claims, now)

    def _verified(self, presented: str) -> dict[str, Any] | None:
        try:
            key = self._keys.get(jwt.get_unverified_header(presented).get("kid", ""))
            if key is None or len(presented) > MAX_TOKEN:
                return None
            return jwt.decode(presented, key, [ALGORITHM], UNREAD)
        except jwt.PyJWTError:
            return None
