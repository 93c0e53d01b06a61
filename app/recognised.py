"""Callers who asked a moment ago, so that a busy client is not looked up for each of its requests."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.access import Caller

# How long a key, a session or a role that has ended somewhere else may still count here.
LIFE = timedelta(seconds=1)
# Of LIFE, when a busy client is looked up again.
_LATE = LIFE / 2
MOST = 10_000


@dataclass(slots=True)
class _Known:
    caller: Caller
    until: datetime
    renewed: bool = False
    """Whether somebody is on the way to look them up again."""


class Recognised:
    """By what they presented, of which only a hash is kept. A write through this process forgets everybody."""

    def __init__(self) -> None:
        self._callers: dict[bytes, _Known] = {}

    def find(self, authorization: str, organization: str | None, now: datetime) -> Caller | None:
        """The caller, if they were looked up within LIFE.

        Late in LIFE one request is told None, so that it looks them up: at the end everything under way would at once.
        """
        known = self._callers.get(_hash(authorization, organization))
        if known is None or known.until <= now:
            return None
        if not known.renewed and known.until - now < _LATE:
            known.renewed = True
            return None
        return known.caller

    def note(self, authorization: str, organization: str | None, caller: Caller, now: datetime) -> None:
        """Remembers who was found just now."""
        if len(self._callers) >= MOST:
            self._callers.clear()
        self._callers[_hash(authorization, organization)] = _Known(caller, now + LIFE)

    def forget(self) -> None:
        """What was written may have changed what somebody may do."""
        self._callers.clear()


def _hash(authorization: str, organization: str | None) -> bytes:
    return hashlib.sha256(f"{organization or ''} {authorization}".encode(errors="surrogatepass")).digest()
