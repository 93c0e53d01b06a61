"""An account as sending uses it: its carrier, kept to its pace and quota, left alone while it fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from uuid import UUID

from db import providers
from db.clock import database_time
from db.database import Database
from db.vault import SealedError
from domain.messages import Answer, Outcome
from domain.providers import KINDS, Capabilities, ProviderKind
from workers.parcels import Parcel
from workers.providers.answers import certain
from workers.providers.calls import Caller
from workers.providers.carrier import Carrier, Known
from workers.providers.inbox import Inbox
from workers.providers.mail_server import MailServer
from workers.providers.mailgun import Mailgun
from workers.providers.outside import Outside
from workers.providers.pacing import Pace
from workers.providers.provider import UnreachableError
from workers.providers.sendgrid import SendGrid
from workers.providers.sns import Sns
from workers.providers.twilio import Twilio
from workers.providers.webhook import Webhook

CARRIERS: dict[ProviderKind, type[Carrier]] = {
    ProviderKind.SMTP: MailServer,
    ProviderKind.SENDGRID: SendGrid,
    ProviderKind.MAILGUN: Mailgun,
    ProviderKind.TWILIO: Twilio,
    ProviderKind.SNS: Sns,
    ProviderKind.WEBHOOK: Webhook,
    ProviderKind.INBOX: Inbox,
}


@dataclass(frozen=True, slots=True)
class Line:
    """An account that is about to be used: who it is, with its secrets, and how quickly it may be called."""

    database: Database
    organization_id: UUID
    known: Known
    rate: int | None
    quota: int | None

    @property
    def capabilities(self) -> Capabilities:
        return KINDS[self.known.kind].capabilities

    @property
    def account_id(self) -> UUID | None:
        """None for what is nobody's account, as the inbox of development."""
        return self.known.id if self.known.version else None

    def pace(self, outside: Outside) -> Pace:
        rate = self.rate or self.capabilities.max_per_second
        return Pace(self.known.id, self.known.name, rate, outside.redis_url)

    async def granted(self, count: int) -> int:
        """How many of these calls the quota of today lets through; raises UnreachableError when it lets none."""
        if self.quota is None:
            return count
        async with self.database.tenant(self.organization_id) as tx:
            granted, end = await providers.spend(tx, self.known.id, count, self.quota)
            now = await database_time(tx)
        if not granted:
            message = f"{self.known.name} has made the {self.quota:,} calls that it may make in a day (UTC)."
            raise UnreachableError(message, max(end - now, timedelta(seconds=1)))
        return granted


async def opened(database: Database, organization_id: UUID, outside: Outside, account: providers.Account) -> Line:
    """An account with its secrets in the clear; raises UnreachableError when no key opens them."""
    try:
        async with database.tenant(organization_id) as tx:
            secrets = await providers.open_secrets(tx, outside.vault, account.id)
    except SealedError as error:
        message = f"The key that sealed the secrets of {account.name} is not among WAYFARE_ENCRYPTION_KEYS."
        raise UnreachableError(message) from error
    kind = ProviderKind(account.kind)
    place = outside.public_url and f"{outside.public_url.rstrip('/')}/callbacks/{organization_id}/{account.id}"
    known = Known(account.id, account.version, kind, account.name, account.settings, secrets, place)
    return Line(database, organization_id, known, account.rate_per_second, account.daily_quota)


class Account:
    """One account for as long as the block runs; see Provider."""

    def __init__(self, line: Line, outside: Outside) -> None:
        self._line, self._pace = line, line.pace(outside)
        self._caller = Caller(outside)
        self._carrier = CARRIERS[line.known.kind](line.known, self._caller)

    @property
    def name(self) -> str:
        return self._line.known.kind.lower()

    @property
    def account_id(self) -> UUID | None:
        return self._line.account_id

    @property
    def capabilities(self) -> Capabilities:
        able = self._line.capabilities
        rate = self._line.rate or able.max_per_second or able.width
        return replace(able, width=1 if self._pace.trying else min(able.width, rate))

    async def __aenter__(self) -> "Account":
        self._pace.require_open()
        await self._caller.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._carrier, MailServer):
            await self._carrier.leave()
        await self._caller.__aexit__(kind, error, trace)
        await self._pace.close()

    async def admit(self, count: int) -> int:
        return await self._line.granted(await self._pace.admit(count))

    async def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        outcomes = await asyncio.gather(*(self._sent(parcel) for parcel in parcels))
        await self._pace.tell(outcomes)
        return list(outcomes)

    async def _sent(self, parcel: Parcel) -> Outcome:
        try:
            outcome = await certain(self._carrier.carry(parcel))
        except Exception as error:  # whatever a carrier trips over, the messages beside this one were sent
            outcome = Outcome(Answer.UNKNOWN, f"a fault: {type(error).__name__}")
        return replace(outcome, detail=self._line.known.hidden(outcome.detail))
