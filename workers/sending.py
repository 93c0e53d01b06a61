"""Sending one campaign's messages in batches, each in groups that are marked, called and settled together."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from db import campaigns, deliveries, jobs
from db.campaigns import Campaign
from db.database import Transaction
from db.deliveries import Recipient, Settled
from db.jobs import LeaseLost
from db.points import point
from domain.campaigns import PAUSE
from domain.ids import new_id
from domain.live import CampaignProgress
from domain.messages import Answer, DeliveryPolicy, Outcome, SkipReason, verdict
from domain.refusals import Refused
from domain.suppressions import AddressKey
from workers.jobs import Run
from workers.letters import Letter
from workers.parcels import Parcel
from workers.providers.provider import Provider, UnreachableError


class HaltedError(Exception):
    """The campaign is not being sent any more: somebody paused or cancelled it, or the provider refuses the sender."""


class Sending:
    """One slice's work on one campaign. `batch` raises HaltedError, UnreachableError and LeaseLost."""

    def __init__(self, run: Run, campaign: Campaign, letter: Letter, provider: Provider, key: AddressKey) -> None:
        self._run, self._campaign, self._letter, self._provider, self._key = run, campaign, letter, provider, key
        self._token = new_id()
        self._extended = asyncio.get_running_loop().time()

    async def batch(self) -> bool:
        """Claims and sends the next messages that are due; False when there are none."""
        async with self._run.database.tenant(self._run.organization_id) as tx:
            recipients = await deliveries.claim(tx, self._campaign.id, self._token)
        point("message.claimed")
        try:
            mails = await self._written(recipients)
            width = self._provider.capabilities.width
            for first in range(0, len(mails), width):
                group = mails[first : first + width]
                await self._provider.admit(len(group))
                await self._group(group, recipients)
                await self._extend()
        except (HaltedError, UnreachableError, LeaseLost, asyncio.CancelledError):
            await self._release()
            raise
        return bool(recipients)

    async def _extend(self) -> None:
        """Progress prolongs the job's lease, but not each group, or a third of all transactions would do only that."""
        now = asyncio.get_running_loop().time()
        if now - self._extended > jobs.LEASE.total_seconds() / 12:
            await self._run.extend()
            self._extended = now

    async def _written(self, recipients: Sequence[Recipient]) -> list[Parcel]:
        """The mails; who cannot be written to because the template fails for them is skipped."""
        mails, failed = [], {}
        for recipient in recipients:
            try:
                mails.append(self._letter.to(recipient, self._run.now))
            except Refused as refusal:
                # Not the message: it may quote the customer.
                failed[recipient.id] = f"the {refusal.field[0]} part cannot be rendered for this customer"
        if failed:
            async with self._run.database.tenant(self._run.organization_id) as tx:
                await deliveries.skip(tx, self._token, failed, SkipReason.RENDER_ERROR)
                tx.events.append(CampaignProgress(self._campaign.id))
        return mails

    async def _group(self, mails: Sequence[Parcel], recipients: Sequence[Recipient]) -> None:
        async with self._run.database.tenant(self._run.organization_id) as tx:
            ids = [mail.id for mail in mails]
            marked = await deliveries.mark_sending(tx, self._campaign, ids, self._token, self._key)
            point("message.marking")
        if marked is None:
            raise HaltedError
        point("message.marked")
        attempts = {recipient.id: recipient.attempts + 1 for recipient in recipients}
        calling = asyncio.ensure_future(self._call([mail for mail in mails if mail.id in marked], attempts))
        try:
            await asyncio.shield(calling)
        except asyncio.CancelledError:
            # This process stops: the calls come to their end, or nobody would ever know what came of them.
            await calling
            raise

    async def _call(self, mails: Sequence[Parcel], attempts: dict[UUID, int]) -> None:
        outcomes = await self._provider.send(mails)
        point("message.answered")
        policy = DeliveryPolicy(self._campaign.delivery_policy)
        settled = [
            Settled(mail.id, verdict(outcome, policy, attempts[mail.id]), outcome.detail)
            for mail, outcome in zip(mails, outcomes, strict=True)
        ]
        async with self._run.database.tenant(self._run.organization_id) as tx:
            await self._pause_if_refused(tx, outcomes)
            await deliveries.settle(tx, self._token, settled, provider=self._provider.name)
            tx.events.append(CampaignProgress(self._campaign.id))
            point("message.settling")
        point("message.settled")
        for outcome in outcomes:
            if outcome.answer is Answer.SENDER_REFUSED:
                raise HaltedError
            if outcome.answer is Answer.UNREACHABLE:
                raise UnreachableError(outcome.detail)

    async def _pause_if_refused(self, tx: Transaction, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.answer is Answer.SENDER_REFUSED:
                error = f"The mail server refuses {self._letter.sender}: {outcome.detail}"
                await campaigns.move(tx, self._campaign.id, PAUSE, error=error)
                return

    async def _release(self) -> None:
        async with self._run.database.tenant(self._run.organization_id) as tx:
            await deliveries.release(tx, self._campaign.id, self._token)
