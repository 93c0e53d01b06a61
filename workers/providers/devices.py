"""Messages to devices: by the account of each kind of device, to the newest that takes it and then to the others.

What a provider says of the newest decides; the others only hear it too. A device that a provider knows nothing of any
more is disabled, and the next one is tried.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any
from uuid import UUID

from db import devices
from db.database import Database
from db.devices import Reached
from domain.messages import Answer, Outcome
from domain.providers import Capabilities, ProviderKind
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


class Devices:
    """The accounts of a brand for PUSH or WALLET, for as long as the block runs; see Provider."""

    def __init__(self, database: Database, organization_id: UUID, lines: Sequence[Line], outside: Outside) -> None:
        self._database, self._organization_id = database, organization_id
        self._lanes = {line.known.kind: Lane(line, outside) for line in lines}
        self._stack = AsyncExitStack()

    @property
    def name(self) -> str:
        return ",".join(kind.lower() for kind in self._lanes)

    @property
    def account_id(self) -> UUID | None:
        """The account, if there is only one."""
        return next(iter(self._lanes.values())).line.account_id if len(self._lanes) == 1 else None

    @property
    def capabilities(self) -> Capabilities:
        every = [lane.line.capabilities for lane in self._lanes.values()]
        able = min(every, key=lambda one: one.width)
        return replace(able, idempotent=all(one.idempotent for one in every))

    async def __aenter__(self) -> "Devices":
        try:
            for lane in self._lanes.values():
                await lane.open(self._stack)
        except NotSentError as error:
            await self._stack.aclose()
            raise UnreachableError(str(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def admit(self, count: int) -> int:
        """Each account is asked for all, because nobody knows yet which of them a customer's device is of.

        Raises UnreachableError when every account is left alone.
        """
        lanes = list(self._lanes.values())
        admitted = [number for lane in lanes if (number := await lane.admit(count))]
        if admitted:
            return min(admitted)
        raise next(lane.refusal for lane in lanes if lane.refusal)

    async def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        found = await self._found(parcels)
        gone: dict[UUID, str] = {}
        dropped: list[tuple[UUID, str]] = []
        outcomes = await asyncio.gather(*(self._sent(p, found[p.id], gone, dropped) for p in parcels))
        if gone or dropped:
            async with self._database.tenant(self._organization_id) as tx:
                await devices.disable(tx, gone)
                await devices.drop_holders(tx, dropped)
        return list(outcomes)

    async def _found(self, parcels: Sequence[Parcel]) -> dict[UUID, Found]:
        """The devices of each parcel's customer, after what their passes show was changed."""
        addresses = {parcel.id: UUID(parcel.address) for parcel in parcels}
        async with self._database.tenant(self._organization_id) as tx:
            owners = await devices.customers_at(tx, list(addresses.values()))
            every = await devices.reached(tx, list(addresses.values()))
            found = {p.id: Found([d for d in every if d.customer_id == owners.get(addresses[p.id])]) for p in parcels}
            if parcels[0].channel == "WALLET":
                await _prepare(tx, parcels, found)
        return found

    async def _sent(
        self, parcel: Parcel, found: Found, gone: dict[UUID, str], dropped: list[tuple[UUID, str]]
    ) -> Outcome:
        outcome: Outcome | None = None
        for device, lane in self._reachable(found):
            if outcome is not None and outcome.answer is not Answer.ACCEPTED:
                break
            delivered, libraries = await lane.carry(parcel, device, found)
            dropped += [(device.id, library) for library in libraries]
            if delivered.gone:
                gone[device.id] = delivered.outcome.detail
            elif outcome is None:
                outcome = delivered.outcome
        if outcome is None and gone.keys() & {device.id for device in found.devices}:
            return Outcome(Answer.REJECTED, "the provider knows none of the customer's devices any more")
        return outcome or Outcome(Answer.REJECTED, "the customer has no device for which there is an account")

    def _reachable(self, found: Found) -> Iterator[tuple[Reached, Lane]]:
        inbox = self._lanes.get(ProviderKind.INBOX)
        if inbox is not None and found.devices:
            yield found.devices[0], inbox
            return
        for device in found.devices:
            if lane := self._lanes.get(ProviderKind(device.kind)):
                yield device, lane


async def _prepare(tx: Any, parcels: Sequence[Parcel], found: Mapping[UUID, Found]) -> None:
    """Passes show what the message says; who may be notified is decided, and counted, before the call."""
    passes = {device.id: parcel for parcel in parcels for device in found[parcel.id].devices}
    google = [d.id for one in found.values() for d in one.devices if d.kind == ProviderKind.GOOGLE_WALLET]
    apple = [d.id for one in found.values() for d in one.devices if d.kind == ProviderKind.APPLE_WALLET]
    heard = await devices.may_notify(tx, google) if google else set()
    if apple:
        await devices.show(tx, {id_: _shown(passes[id_]) for id_ in apple})
    holders = await devices.holders(tx, apple) if apple else {}
    for one in found.values():
        one.may_notify = any(device.id in heard for device in one.devices)
        one.holders = [holder for device in one.devices for holder in holders.get(device.id, ())]


def _shown(parcel: Parcel) -> dict[str, Any]:
    return {**(parcel.content.data or {}), "message": parcel.content.text or parcel.content.subject}
