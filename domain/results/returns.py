"""What comes back of a message: something that happened to it, told by a provider or seen by ourselves."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

# Who tells what we see ourselves: pixels, links and answers.
OURS = "wayfare"
# A provider's clock may be this far ahead of ours; what it says of the future is taken for now.
AHEAD = timedelta(minutes=5)
_ADDRESS = re.compile(r"\S*@\S*|\+?\d[\d\s()-]{6,}\d")
LONGEST_ID = 500


class ReturnType(StrEnum):
    """What happened. Every one of them proves that the provider took the message."""

    ACCEPTED = "ACCEPTED"
    # The next server said: later. It goes on.
    DEFERRED = "DEFERRED"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    REPLIED = "REPLIED"


class BounceKind(StrEnum):
    """HARD: nobody will ever get anything there. SOFT: not this time."""

    HARD = "HARD"
    SOFT = "SOFT"


@dataclass(frozen=True, slots=True)
class Returned:
    """One thing that happened. (provider, event_id) names it for good; one of the two message ids says to what.

    message_id: ours, which providers carry for us; provider_message_id: theirs, where they carry nothing.
    is_machine: no person did it, by what is known at once; clicks are judged again by when they came.
    """

    provider: str
    event_id: str
    type: ReturnType
    at: datetime
    message_id: UUID | None = None
    provider_message_id: str | None = None
    is_machine: bool = False
    link_id: UUID | None = None
    bounce_kind: BounceKind | None = None
    detail: str | None = None


def harmless(words: str | None, limit: int = 200) -> str | None:
    """A server's words without what may be an address or a telephone number in them: nobody erases them later."""
    if not words:
        return None
    # A lone surrogate cannot be stored.
    storable = words[:10_000].replace("\0", "").encode(errors="replace").decode()
    return _ADDRESS.sub("…", storable)[:limit].strip() or None


def not_ahead(at: datetime, now: datetime) -> datetime:
    """The instant as told, unless it is of the future or of a clock that was never set."""
    return at if datetime(2000, 1, 1, tzinfo=now.tzinfo) < at <= now + AHEAD else now
