"""Messages to devices: by the account of each kind of device, to the newest that takes it and then to the others.

What a provider says of the newest decides; the others only hear it too. A device that a provider knows nothing of any
more is disabled, and the next one is tried.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
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
from workers.providers.calls import NotSentError
from workers.providers.device_lane import Found, Lane
from workers.providers.outside import Outside
from workers.providers.provider import UnreachableError


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
