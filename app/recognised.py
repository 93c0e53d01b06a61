"""Callers who asked a moment ago, so that a busy client is not looked up for each of its requests."""

import hashlib
from datetime import datetime, timedelta

from domain.access import Caller

# How long a key, a session or a role that has ended somewhere else may still count here.
LIFE = timedelta(seconds=1)
MOST = 10_000


class Recognised:
    """By what they presented, of which only a hash is kept. A write through this process forgets everybody."""

    def __init__(self) -> None:
        self._callers: dict[bytes, tuple[Caller, datetime]] = {}

    def find(self, authorization: str, organization: str | None, now: datetime) -> Caller | None:
        """The caller, if they were looked up within LIFE."""
        caller, until = self._callers.get(_hash(authorization, organization), (None, now))
        return caller if until > now else None

    def note(self, authorization: str, organization: str | None, caller: Caller, now: datetime) -> None:
        """Remembers who was found just now."""
        if len(self._callers) >= MOST:
            self._callers.clear()
        self._callers[_hash(authorization, organization)] = caller, now + LIFE

    def forget(self) -> None:
        """What was written may have changed what somebody may do."""
        self._callers.clear()


def _hash(authorization: str, organization: str | None) -> bytes:
    return hashlib.sha256(f"{organization or ''} {authorization}".encode(errors="surrogatepass")).digest()
