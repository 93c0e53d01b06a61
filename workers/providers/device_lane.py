"""The account of one kind of device, with its pace and its quota."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from db.devices import Reached
from domain.messages import Answer, Outcome
from domain.providers import ProviderKind
from workers.parcels import Parcel
from workers.providers.account import Line
from workers.providers.answers import certain
from workers.providers.apns import Apns
from workers.providers.apple_wallet import AppleWallet, identity
from workers.providers.calls import Caller, NotSentError, UnansweredError
from workers.providers.carrier import Delivered, DeviceCarrier
from workers.providers.fcm import Fcm
from workers.providers.google_wallet import GoogleWallet
from workers.providers.inbox import Inbox
from workers.providers.outside import Outside
from workers.providers.provider import UnreachableError
from workers.providers.web_push import WebPush

CARRIERS: Mapping[ProviderKind, type[DeviceCarrier]] = {
    ProviderKind.FCM: Fcm,
    ProviderKind.APNS: Apns,
    ProviderKind.WEB_PUSH: WebPush,
}


@dataclass(slots=True)
class Found:
    """What is known of a parcel's customer before the first call."""

    devices: Sequence[Reached]
    may_notify: bool = False
    holders: Sequence[tuple[str, str]] = ()


class Lane:
    """The account of one kind of device."""

    def __init__(self, line: Line, outside: Outside) -> None:
        self.line, self.pace = line, line.pace(outside)
        self._outside = outside
        self._carrier: Any = None
        self._credit = 0
        self.refusal: UnreachableError | None = None

    async def open(self, stack: AsyncExitStack) -> None:
        """Raises NotSentError when its credentials cannot be used."""
        kind, known = self.line.known.kind, self.line.known
        shown = identity(known, self._outside) if kind is ProviderKind.APPLE_WALLET else None
        apple = kind in (ProviderKind.APNS, ProviderKind.APPLE_WALLET)
        caller = await stack.enter_async_context(Caller(self._outside, http2=apple, identity=shown))
        stack.push_async_callback(self.pace.close)
        wallets = {ProviderKind.GOOGLE_WALLET: GoogleWallet, ProviderKind.APPLE_WALLET: AppleWallet}
        self._carrier = {**CARRIERS, **wallets, ProviderKind.INBOX: Inbox}[kind](known, caller)

    async def admit(self, count: int) -> int:
        """How many messages may be marked; 0 while the account is left alone, which what goes to it is told."""
        self.refusal = None
        try:
            number = await self.pace.admit(count)
        except UnreachableError as error:
            self.refusal = error
            return 0
        self._credit += number
        return number

    async def _permitted(self) -> None:
        """One call more: of those that were let through before the marks, or beyond them, to a second device."""
        if self.refusal is not None:
            raise self.refusal
        if self._credit:
            self._credit -= 1
        else:
            await self.pace.admit(1)
        await self.line.granted(1)

    async def carry(self, parcel: Parcel, device: Reached, found: Found) -> tuple[Delivered, list[str]]:
        """What came of it, and of a pass the telephones that hold it no more."""
        try:
            await self._permitted()
        except UnreachableError as error:
            # The other kinds of devices need not wait for this one.
            after = error.after
            deferred = Outcome(Answer.DEFERRED, str(error))
            return Delivered(replace(deferred, retry_after=after) if after else deferred), []
        delivered, dropped = await self._called(parcel, device, found)
        hidden = replace(delivered.outcome, detail=self.line.known.hidden(delivered.outcome.detail))
        # Endpoints of browsers are what customers say they are: none of them may stop the account.
        if self.line.known.kind is not ProviderKind.WEB_PUSH:
            await self.pace.tell([hidden])
        return replace(delivered, outcome=_of_one(hidden)), dropped

    async def _called(self, parcel: Parcel, device: Reached, found: Found) -> tuple[Delivered, list[str]]:
        try:
            match self._carrier:
                case AppleWallet() as apple:
                    return await _nudged(apple, parcel, found)
                case GoogleWallet() as google:
                    return await google.carry(parcel, device, notifying=found.may_notify), []
                case Inbox() as inbox:
                    return Delivered(await certain(inbox.carry(parcel, list(found.devices)))), []
                case carrier:
                    return await carrier.carry(parcel, device), []
        except NotSentError as error:
            return Delivered(Outcome(Answer.UNREACHABLE, str(error))), []
        except UnansweredError as error:
            return Delivered(Outcome(Answer.UNKNOWN, str(error))), []
        except Exception as error:  # whatever a carrier trips over, the messages beside this one were sent
            return Delivered(Outcome(Answer.UNKNOWN, f"a fault: {type(error).__name__}")), []


async def _nudged(apple: AppleWallet, parcel: Parcel, found: Found) -> tuple[Delivered, list[str]]:
    """The pass shows it already; telephones that hold it are told to fetch it."""
    if not found.holders:
        return Delivered(Outcome(Answer.REJECTED, "no telephone holds this pass")), []
    told = await asyncio.gather(*(apple.nudge(token, str(parcel.id)) for _, token in found.holders))
    gone = [library for (library, _), one in zip(found.holders, told, strict=True) if one.gone]
    best = next((one for one in told if one.outcome.answer is Answer.ACCEPTED), told[0])
    return Delivered(best.outcome), gone


def _of_one(outcome: Outcome) -> Outcome:
    """A device whose provider cannot be reached waits by itself: there are others."""
    if outcome.answer is not Answer.UNREACHABLE:
        return outcome
    return replace(outcome, answer=Answer.DEFERRED)
