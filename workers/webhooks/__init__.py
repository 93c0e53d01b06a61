"""Sending webhooks: one job for each endpoint takes what waits for it in batches, a slice at a time."""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from db import webhooks
from db.outbox import DELIVER_JOB, WEBHOOK
from db.points import point
from db.webhooks import Attempted, Due, SealedError, Webhook
from domain.webhooks import DeliveryState, WebhookState, asked_to_wait, rest
from workers.jobs import Again, Run, handles
from workers.webhooks.outbound import Outbound, Sending, outbound
from workers.webhooks.posting import Answer, Poster, opened

SLICE = 20.0
# At a time to one endpoint, so that a slow one does not take long and a quick one is not flooded.
WIDTH = 8
UNCONFIGURED_PAUSE = timedelta(minutes=1)

logger = logging.getLogger(__name__)


@handles(DELIVER_JOB)
async def deliver(run: Run) -> Again | None:
    """One slice: batches that are due, oldest first, until nothing is due or the endpoint is to be left alone."""
    webhook_id = UUID(run.args[WEBHOOK])
    out = outbound()
    if out is None:
        return Again(after=UNCONFIGURED_PAUSE)
    until = asyncio.get_running_loop().time() + SLICE
    try:
        async with opened(out) as poster:
            while asyncio.get_running_loop().time() < until:
                if not await _batch(run, out, poster, webhook_id):
                    break
    except SealedError:
        logger.error("webhook %s: this process does not know the key that sealed its secret", webhook_id)
        return Again(after=UNCONFIGURED_PAUSE)
    async with run.database.tenant(run.organization_id) as tx:
        after = await webhooks.next_wake(tx, webhook_id)
    return None if after is None else Again(after=after)


async def _batch(run: Run, out: Outbound, poster: Poster, webhook_id: UUID) -> bool:
    """Sends the next ones that are due; False when there are none, or the webhook does not want any now."""
    async with run.database.tenant(run.organization_id) as tx:
        webhook = await webhooks.find_webhook(tx, webhook_id)
        if webhook is None or webhook.state != WebhookState.ACTIVE:
            return False
        batch = await webhooks.due(tx, webhook_id, WIDTH)
        sealed = await webhooks.sealed_secrets(tx, webhook_id)
    if not batch:
        return False
    secrets = [out.vault.open(run.organization_id, webhook_id, secret) for secret in sealed]
    sending = Sending(run.database, run.organization_id, webhook, secrets, run.now)
    answers = await asyncio.gather(*(poster.post(sending, due) for due in batch))
    point("webhook.posted")
    async with run.database.tenant(run.organization_id) as tx:
        attempted = [_attempted(due, answer) for due, answer in zip(batch, answers, strict=True)]
        await webhooks.settle(tx, webhook_id, attempted, _rest(webhook, attempted, answers))
        point("webhook.settling")
        await run.checkpoint(tx, {})
    return True


def _attempted(due: Due, answer: Answer) -> Attempted:
    return Attempted(
        due.id,
        answer.at,
        answer.latency_ms,
        answer.status,
        answer.error,
        answer.response,
        answer.verdict(due.attempt_count + 1),
    )


def _rest(webhook: Webhook, attempted: list[Attempted], answers: list[Answer]) -> timedelta:
    """An endpoint of which every answer was a failure is left alone the longer the longer it fails."""
    asked = max(asked_to_wait(answer.status, answer.retry_after) for answer in answers)
    if any(a.verdict.state is DeliveryState.DELIVERED for a in attempted):
        return asked
    since = webhook.failing_since or attempted[0].at
    return max(asked, rest(attempted[0].at - since))


@handles("webhooks.prune")
async def prune(run: Run) -> Again | None:
    """Forgets the log of a month ago, and sees to it that nothing waits without a job."""
    async with run.database.tenant(run.organization_id) as tx:
        if await webhooks.prune(tx):
            return Again()
        await webhooks.owe_waiting(tx)
    return None
