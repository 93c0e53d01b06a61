"""The end of an experiment: noted when it is due, decided once, and the rest of the audience released."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.deliveries.waiting import DUE, under_way
from db.jobs import request_job
from db.outbox import record
from db.planning import in_index_order
from domain.events import EventType
from domain.live import CampaignProgress

CONCLUDE_JOB = "experiments.conclude"
CAMPAIGN = "campaignId"
CHUNK = 10_000
FIRST = UUID(int=0)
# How often people are told that an experiment waits for them.
REMINDER = timedelta(days=1)


async def note_sent(tx: Transaction, campaign_id: UUID) -> None:
    """Once everything but the rest is sent: notes when the figures are read, and owes that; without effect later."""
    await in_index_order(tx)
    at: datetime | None = await tx.value(
        """
        update experiment e set evaluate_at = clock_timestamp() + e.wait
        where e.organization_id = :organization and e.campaign_id = :id and e.evaluate_at is null
          and e.concluded_at is null and e.wait is not null
          and not exists (select from (:under_way) w)
          and (select id from message
               where organization_id = :organization and campaign_id = :id and status = 'QUEUED' and :due < 'infinity'
               order by :due, id limit 1) is null
        returning e.evaluate_at
        """,
        id=campaign_id,
        under_way=under_way(tx.organization_id, campaign_id),
        due=DUE,
    )
    if at is not None:
        await request_conclusion(tx, campaign_id, at)


async def request_conclusion(tx: Transaction, campaign_id: UUID, at: datetime | None = None) -> None:
    """Owes the decision, or, once there is one, the rest's release."""
    await request_job(tx, CONCLUDE_JOB, dedupe_key=str(campaign_id), args={CAMPAIGN: str(campaign_id)}, run_at=at)


async def conclude(tx: Transaction, campaign_id: UUID, winner: int | None, figures: dict[str, Any], *, by: str) -> bool:
    """Decides, once and for all; False when it was decided before. None: a split that proved nothing."""
    concluded = await tx.run(
        """
        update experiment set winner = :winner, outcome = :figures, concluded_by = :by,
                              concluded_at = clock_timestamp()
        where organization_id = :organization and campaign_id = :id and concluded_at is null
        """,
        id=campaign_id,
        winner=winner,
        figures=figures,
        by=by,
    )
    if not concluded:
        return False
    await tx.run(
        "update campaign set version = version + 1, updated_at = clock_timestamp() "
        "where organization_id = :organization and id = :id",
        id=campaign_id,
    )
    tx.events.append(CampaignProgress(campaign_id))
    await _tell(tx, EventType.EXPERIMENT_CONCLUDED, campaign_id)
    return True


async def remind(tx: Transaction, campaign_id: UUID) -> None:
    """Tells whoever listens that a person has to decide, once a day."""
    told = await tx.run(
        """
        update experiment set reminded_at = clock_timestamp()
        where organization_id = :organization and campaign_id = :id and concluded_at is null
          and (reminded_at is null or reminded_at <= clock_timestamp() - :pause::interval)
        """,
        id=campaign_id,
        # A little less than the pause between two looks.
        pause=REMINDER * 0.9,
    )
    if told:
        tx.events.append(CampaignProgress(campaign_id))
        await _tell(tx, EventType.EXPERIMENT_UNDECIDED, campaign_id)


async def release(tx: Transaction, campaign_id: UUID, after: UUID, *, size: int = CHUNK) -> UUID | None:
    """Gives the next of those who waited the winner; returns after whom to go on, None when nobody is left.

    What bounds a deferral begins to run now.
    """
    last: UUID | None = await tx.value(
        """
        with rest as (
            select w.id from message w
            where w.organization_id = :organization and w.campaign_id = :id and w.status = 'QUEUED'
              and w.variant is null and w.id > :after
            order by w.id limit :size for update),
        released as (
            update message m
            set variant = e.winner, next_attempt_at = null, updated_at = clock_timestamp(),
                expires_at = clock_timestamp() + (m.expires_at - m.queued_at)
            from experiment e, rest
            where e.organization_id = :organization and e.campaign_id = :id and e.winner is not null
              and m.organization_id = :organization and m.id = rest.id)
        select id from rest order by id desc limit 1
        """,
        id=campaign_id,
        after=after,
        size=size,
    )
    return last


async def _tell(tx: Transaction, type_: EventType, campaign_id: UUID) -> None:
    await record(
        tx,
        [type_],
        "select :type::text, jsonb_build_object('campaignId', :id::uuid), clock_timestamp()",
        type=type_.value,
        id=campaign_id,
    )
