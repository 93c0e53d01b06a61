"""Sending one campaign's messages in batches, each in groups that are marked, called and settled together."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from db import campaigns, deliveries, jobs
from db.campaigns import Campaign
from db.database import Transaction
from db.deliveries import Recipient, Settled
from db.jobs import LeaseLost
from db.points import point
from domain.campaigns import PAUSE, CampaignKind
from domain.consents import Channel
from domain.ids import new_id
from domain.live import BulkProgress, CampaignProgress, Event
from domain.messages import Answer, DeliveryPolicy, MessageStatus, Outcome, SkipReason, is_spent, verdict
from domain.refusals import Refused
from domain.suppressions import AddressKey
from workers.delivery import Delivery
from workers.jobs import Run
from workers.letters import Letter
from workers.parcels import Parcel
from workers.providers.provider import Provider, UnreachableError
from workers.watching import tell_messages

# About so many seconds a batch may take: only between batches is it seen that somebody else waits for the hand.
PATIENCE = 1.0


class HaltedError(Exception):
    """The campaign is not being sent any more: somebody paused or cancelled it, or the provider refuses the sender."""


class Sending:
    """One slice's work on one campaign. `batch` raises HaltedError, UnreachableError and LeaseLost."""

    def __init__(
        self,
        run: Run,
        campaign: Campaign,
        ways: Mapping[Channel, Provider],
        here: Delivery,
        ended: Counter[MessageStatus],
    ) -> None:
        """ways: the providers that can be used now; ended: counts what came of calls in this slice."""
        self._run, self._campaign, self._ways, self._sender = run, campaign, ways, here.sender
        self._key = AddressKey.of(here.secret, run.organization_id)
        self._token = new_id()
        self._letters: dict[tuple[int, Channel], Letter] = {}
        self._ended = ended
        self._progress: list[Event] = [CampaignProgress(campaign.id)]
        if campaign.kind == CampaignKind.BROADCAST:
            self._progress.append(BulkProgress(campaign.id))
        self._extended = asyncio.get_running_loop().time()
        self._rate = 0.0
        """Messages a second of the last batch, 0 before the first."""

    async def batch(self, lanes: int = 1) -> bool:
        """Claims and sends the next messages that are due; False when there are none.

        lanes: how many do so at a time and share the providers' widths.
        """
        began = asyncio.get_running_loop().time()
        size = batch_size([way.capabilities.width for way in self._ways.values()], lanes, self._rate)
        async with self._run.database.tenant(self._run.organization_id) as tx:
            recipients = await deliveries.claim(
                tx, self._campaign.id, self._token, channels=list(self._ways), size=size
            )
            await self._read_letters(tx, recipients)
        point("message.claimed")
        try:
            parcels = await self._written(recipients)
            for provider, group in self._groups(parcels, lanes):
                while group:
                    number = await provider.admit(len(group))
                    await self._group(provider, group[:number], recipients)
                    group = group[number:]
                    await self._extend()
        except (HaltedError, UnreachableError, LeaseLost, asyncio.CancelledError):
            await self._release()
            raise
        self._rate = len(recipients) / max(asyncio.get_running_loop().time() - began, 0.001)
        return bool(recipients)

    async def _read_letters(self, tx: Transaction, recipients: Sequence[Recipient]) -> None:
        for variant, channel in {(r.variant, Channel(r.channel)) for r in recipients} - self._letters.keys():
            letter = await Letter.read(tx, self._campaign, variant, channel, self._sender)
            self._letters[variant, channel] = letter

    def _groups(self, parcels: Sequence[Parcel], lanes: int) -> Iterator[tuple[Provider, list[Parcel]]]:
        """Those who go together: of one channel, as many as its provider takes at a time, in all lanes."""
        for channel, provider in self._ways.items():
            mine = [parcel for parcel in parcels if parcel.channel is channel]
            width = max(1, provider.capabilities.width // lanes)
            yield from ((provider, mine[first : first + width]) for first in range(0, len(mine), width))

    async def _extend(self) -> None:
        """Progress prolongs the job's lease, but not each group, or a third of all transactions would do only that."""
        now = asyncio.get_running_loop().time()
        if now - self._extended > jobs.LEASE.total_seconds() / 12:
            await self._run.advance()
            self._extended = now

    async def _written(self, recipients: Sequence[Recipient]) -> list[Parcel]:
        """The parcels; who cannot be written to because the template fails for them is skipped."""
        parcels, failed = [], {}
        for recipient in recipients:
            try:
                letter = self._letters[recipient.variant, Channel(recipient.channel)]
                parcels.append(letter.to(recipient, self._run.now))
            except Refused as refusal:
                # Not the message: it may quote the customer.
                failed[recipient.id] = f"the {refusal.field[0]} part cannot be rendered for this customer"
        if failed:
            async with self._run.database.tenant(self._run.organization_id) as tx:
                await deliveries.skip(tx, self._token, failed, SkipReason.RENDER_ERROR)
                tx.events += self._progress
            tell_messages(["render_error"] * len(failed))
        return parcels

    async def _group(self, provider: Provider, parcels: Sequence[Parcel], recipients: Sequence[Recipient]) -> None:
        going = asyncio.ensure_future(self._mark_and_call(provider, parcels, recipients))
        try:
            await asyncio.shield(going)
        except asyncio.CancelledError:
            # This process stops: what is marked is called and comes to its end, or nobody would know what came of it.
            with contextlib.suppress(HaltedError, UnreachableError):
                await going
            raise

    async def _mark_and_call(
        self, provider: Provider, parcels: Sequence[Parcel], recipients: Sequence[Recipient]
    ) -> None:
        async with self._run.database.tenant(self._run.organization_id) as tx:
            ids = [parcel.id for parcel in parcels]
            marked = await deliveries.mark_sending(tx, self._campaign, ids, self._token, self._key)
            point("message.marking")
        if marked is None:
            raise HaltedError
        point("message.marked")
        attempts = {recipient.id: recipient.attempts + 1 for recipient in recipients}
        allowed = set(marked)
        if allowed:
            await self._call(provider, [parcel for parcel in parcels if parcel.id in allowed], attempts)

    async def _call(self, provider: Provider, parcels: Sequence[Parcel], attempts: dict[UUID, int]) -> None:
        outcomes = await provider.send(parcels)
        point("message.answered")
        policy = DeliveryPolicy(self._campaign.delivery_policy)
        settled = [
            Settled(parcel.id, verdict(outcome, policy, attempts[parcel.id]), outcome.detail)
            for parcel, outcome in zip(parcels, outcomes, strict=True)
        ]
        async with self._run.database.tenant(self._run.organization_id) as tx:
            await self._pause_if_refused(tx, parcels, outcomes)
            spent = await self._pause_if_spent(tx, settled)
            await deliveries.settle(tx, self._token, settled, provider=provider.name, account_id=provider.account_id)
            tx.events += self._progress
            point("message.settling")
        point("message.settled")
        tell_messages(outcome.answer.value.lower() for outcome in outcomes)
        if spent:
            raise HaltedError
        for outcome in outcomes:
            if outcome.answer is Answer.SENDER_REFUSED:
                raise HaltedError
            if outcome.answer is Answer.UNREACHABLE:
                raise UnreachableError(outcome.detail)

    async def _pause_if_spent(self, tx: Transaction, settled: Sequence[Settled]) -> bool:
        """Whether too many were refused: the list, or the content, is bad, and each refusal costs a good name."""
        self._ended.update(one.verdict.status for one in settled)
        failed = self._ended[MessageStatus.FAILED]
        if not is_spent(failed, self._ended[MessageStatus.SENT]):
            return False
        error = f"The provider refused {failed} of the last {self._ended.total()} messages; resume it if that is right."
        await campaigns.move(tx, self._campaign.id, PAUSE, error=error)
        return True

    async def _pause_if_refused(self, tx: Transaction, parcels: Sequence[Parcel], outcomes: Sequence[Outcome]) -> None:
        for parcel, outcome in zip(parcels, outcomes, strict=True):
            if outcome.answer is Answer.SENDER_REFUSED:
                error = f"The provider refuses {parcel.sender}: {outcome.detail}"
                await campaigns.move(tx, self._campaign.id, PAUSE, error=error)
                return

    async def _release(self) -> None:
        async with self._run.database.tenant(self._run.organization_id) as tx:
            await deliveries.release(tx, self._campaign.id, self._token)


def batch_size(widths: Sequence[int], lanes: int, rate: float) -> int:
    """How many messages to claim at a time, so that a claim costs little for each and the batch is soon over.

    Two groups of the widest provider; fewer, but a lane's share of one group, where at this rate (messages a second; 0
    if it is not known yet) they would take longer than PATIENCE.
    """
    widest = max(widths, default=0)
    return max(deliveries.BATCH, widest // lanes, min(2 * widest, int(rate * PATIENCE)))
