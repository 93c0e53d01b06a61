"""A callback of a provider as it came, and what one may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.consents import Channel
from domain.providers import ProviderKind
from domain.results.returns import Returned

# Older ones, and those of the future, are somebody's repetition.
FRESH = timedelta(minutes=5)
# Amazon signs a notification once, and delivers it again for an hour.
FRESH_NOTIFICATION = timedelta(hours=1)
MOST_EVENTS = 1_000
LARGEST = 1024 * 1024


# Whose callbacks are understood.
TELLING = frozenset(
    {
        ProviderKind.SMTP,
        ProviderKind.SENDGRID,
        ProviderKind.MAILGUN,
        ProviderKind.TWILIO,
        ProviderKind.SNS,
        ProviderKind.WEBHOOK,
    }
)


class UnreadableError(Exception):
    """It is genuine, and not of the form that its provider describes."""


@dataclass(frozen=True, slots=True)
class Callback:
    """headers: by lower-case name; url: as the provider called it, with its query.

    body: of a large form what comes first. digest: SHA-256 of the time that it says it was signed at, and all of it.
    """

    body: bytes
    headers: Mapping[str, str]
    url: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Inbound:
    """What somebody wrote to us. text: for its keywords, never stored; message_ids: what it answers, if it says so."""

    provider: str
    event_id: str
    channel: Channel
    address: str
    at: datetime
    text: str = ""
    message_ids: tuple[UUID, ...] = ()
    provider_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a genuine callback says."""

    events: tuple[Returned, ...] = ()
    inbound: tuple[Inbound, ...] = ()


def is_fresh(at: datetime, now: datetime, window: timedelta = FRESH) -> bool:
    return abs(now - at) <= window


def callback_url(base: str, organization_id: UUID, account_id: UUID) -> str:
    """What a provider is told to call; base: PUBLIC_URL."""
    return f"{base.rstrip('/')}/callbacks/{organization_id}/{account_id}"
