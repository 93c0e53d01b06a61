"""Sending one campaign's messages: the next ones are read, then written, marked, called and settled in groups."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from db import campaigns, deliveries, jobs
from db.campaigns import Campaign
from db.database import Transaction
from db.deliveries import Marked, Recipient, Settled
from db.points import point
from db.results.refusals import suppress_addresses
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

# A message as it was read, and what is written to its customer.
Written = tuple[Recipient, Parcel]


class HaltedError(Exception):
    """The campaign is not being sent any more: somebody paused or cancelled it, or the provider refuses the sender."""


class Sending:
    """One slice's work on one campaign. Its steps raise HaltedError, UnreachableError and LeaseLost."""

    def __init__(self, run: Run, campaign: Campaign, ways: Mapping[Channel, Provider], here: Delivery) -> None:
        """ways: the providers that can be used now."""
        self._run, self._campaign, self._ways, self._sender = run, campaign, ways, here.sender
        self._key = AddressKey.of(here.secret, run.organization_id)
        self._token = new_id()
        self._letters: dict[tuple[int, str], Letter] = {}
        self._ended: Counter[MessageStatus] = Counter()
        """What came of calls in this slice."""
        self._progress: list[Event] = [CampaignProgress(campaign.id)]
        if campaign.kind == CampaignKind.BROADCAST:
            self._progress.append(BulkProgress(campaign.id))
        self._extended = asyncio.get_running_loop().time()
        self._last: Recipient | None = None
        """Behind whom to read on; None: from the first one that is due."""

    @property
    def goes_on(self) -> bool:
        """Whether there may be more behind what was read last."""
        return self._last is not None

    async def read(self, size: int) -> list[Recipient]:
        """The next messages that are due, behind those that were read last, or from the first one when those were the
        last."""
        found = await self._read(size)
        self._last = found[-1] if len(found) == size else None
        point("message.read")
        return found

    async def _read(self, size: int) -> list[Recipient]:
        async with self._run.database.tenant(self._run.organization_id) as tx:
            recipients = await deliveries.next_due(
                tx, self._campaign.id, channels=list(self._ways), after=self._last, size=size
            )
            for variant, channel in {(one.variant, one.channel) for one in recipients} - self._letters.keys():
                letter = await Letter.read(tx, self._campaign, variant, Channel(channel), self._sender)
                self._letters[variant, channel] = letter
        return recipients

    async def send(self, provider: Provider, recipients: Sequence[Recipient]) -> None:
        """Sends to those who go together, as many at a time as the provider admits."""
        group = await self._written(recipients)
        while group:
            number = await provider.admit(len(group))
            await self._unbroken(provider, group[:number])
            group = group[number:]
            await self._extend()

    async def _extend(self) -> None:
        """Progress prolongs the job's lease, but not each group, or a third of all transactions would do only that."""
        now = asyncio.get_running_loop().time()
        if now - self._extended > jobs.LEASE.total_seconds() / 12:
            self._extended = now
            await self._run.advance()

    async def _written(self, recipients: Sequence[Recipient]) -> list[Written]:
        """The parcels; who cannot be written to because the template fails for them is skipped."""
        written, failed = [], {}
        for recipient in recipients:
            try:
                letter = self._letters[recipient.variant, recipient.channel]
                written.append((recipient, letter.to(recipient, self._run.now)))
            except Refused as refusal:
                # Not the message: it may quote the customer.
                failed[recipient.id] = f"the {refusal.field[0]} part cannot be rendered for this customer"
        if failed:
            async with self._run.database.tenant(self._run.organization_id) as tx:
                await deliveries.skip(tx, failed, SkipReason.RENDER_ERROR)
                tx.events += self._progress
            tell_messages(["render_error"] * len(failed))
        return written

    async def _unbroken(self, provider: Provider, group: Sequence[Written]) -> None:
        going = asyncio.ensure_future(self._mark_and_call(provider, group))
        try:
            await asyncio.shield(going)
        except asyncio.CancelledError:
            # This process stops: what is marked is called and comes to its end, or nobody would know what came of it.
            with contextlib.suppress(HaltedError, UnreachableError):
                await going
            raise

    async def _mark_and_call(self, provider: Provider, group: Sequence[Written]) -> None:
        recipients = [recipient for recipient, _ in group]
        async with self._run.database.tenant(self._run.organization_id) as tx:
            marked = await deliveries.mark_sending(tx, self._campaign, recipients, self._token, self._key)
            point("message.marking")
        if marked is None:
            raise HaltedError
        point("message.marked")
        if marked:
            await self._call(provider, [parcel for _, parcel in group if parcel.id in marked], marked)

    async def _call(self, provider: Provider, parcels: Sequence[Parcel], marked: Mapping[UUID, Marked]) -> None:
        outcomes = await provider.send(parcels)
        point("message.answered")
        settled = self._judged(parcels, outcomes, marked)
        async with self._run.database.tenant(self._run.organization_id) as tx:
            await self._pause_if_refused(tx, parcels, outcomes)
            spent = await self._pause_if_spent(tx, settled)
            await self._settle(tx, provider, settled, outcomes)
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

    async def _settle(
        self, tx: Transaction, provider: Provider, settled: Sequence[Settled], outcomes: Sequence[Outcome]
    ) -> None:
        nobody = [one.id for one, outcome in zip(settled, outcomes, strict=True) if outcome.is_nobody]
        account = provider.account_id
        await deliveries.settle(tx, self._token, settled, provider=provider.name, account_id=account, last=not nobody)
        if nobody:
            # What the answers say at once that a returned mail would say later.
            await suppress_addresses(tx, self._key, sorted(nobody))

    def _judged(
        self, parcels: Sequence[Parcel], outcomes: Sequence[Outcome], marked: Mapping[UUID, Marked]
    ) -> list[Settled]:
        policy = DeliveryPolicy(self._campaign.delivery_policy)
        settled = []
        for parcel, outcome in zip(parcels, outcomes, strict=True):
            mark = marked[parcel.id]
            settled.append(Settled(parcel.id, verdict(outcome, policy, mark.attempts), outcome.detail, mark.place))
        return settled

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
