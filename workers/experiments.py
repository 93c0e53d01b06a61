"""Deciding experiments when their time has come, and releasing the rest of the audience to the winner."""

from datetime import timedelta
from uuid import UUID

from db import campaigns
from db.campaigns import Campaign
from db.database import Transaction
from db.experiments import conclusion
from db.experiments.conclusion import CAMPAIGN, CONCLUDE_JOB
from db.experiments.records import Experiment, figures_of, find_experiment
from db.jobs import Claim
from db.points import point
from domain.campaigns import CampaignStatus
from domain.experiments.decision import SYSTEM, decide
from domain.experiments.design import Fallback, Mode
from domain.experiments.figures import control_of, outcome_of
from workers.jobs import Again, Run, handles, when_dead

ENDED = (CampaignStatus.CANCELLED, CampaignStatus.FAILED)


@handles(CONCLUDE_JOB)
async def conclude(run: Run) -> Again | None:
    """Decides if nobody has, then releases chunk after chunk; each step may be made again and changes nothing then."""
    campaign_id = UUID(run.args[CAMPAIGN])
    async with run.database.tenant(run.organization_id) as tx:
        after = await _decide(tx, run, campaign_id)
        point("experiment.deciding")
    point("experiment.decided")
    if after is not None:
        return Again(after=after)
    last: UUID | None = conclusion.FIRST
    while last is not None:
        last = await _release(run, campaign_id, last)
        point("experiment.released")
        await run.extend()
    return None


@when_dead(CONCLUDE_JOB)
async def give_up(tx: Transaction, claim: Claim) -> None:
    error = (
        "The experiment could not be concluded; the workers' log says why. Conclude it by hand (experimentConclude)."
    )
    await campaigns.note_trouble(tx, UUID(claim.args[CAMPAIGN]), error)


async def _decide(tx: Transaction, run: Run, campaign_id: UUID) -> timedelta | None:
    """How long to wait for the time, or for a person; None when there is nothing (more) to decide."""
    campaign = await campaigns.find_campaign(tx, campaign_id, lock=True)
    experiment = await find_experiment(tx, campaign_id, lock=True)
    if campaign is None or experiment is None or campaign.status in ENDED or experiment.concluded_at is not None:
        return None
    if experiment.evaluate_at is None:
        # Owed anew when the test part is sent.
        return None
    if experiment.evaluate_at > run.now:
        return experiment.evaluate_at - run.now
    return await _evaluate(tx, campaign, experiment)


async def _evaluate(tx: Transaction, campaign: Campaign, experiment: Experiment) -> timedelta | None:
    figures = await figures_of(tx, campaign.id)
    decision = decide(outcome_of(figures), Mode(experiment.mode), Fallback(experiment.fallback), control_of(figures))
    if decision.waits:
        await conclusion.remind(tx, campaign.id)
        return conclusion.REMINDER
    await conclusion.conclude(tx, campaign.id, decision.winner, figures, by=SYSTEM)
    return None


async def _release(run: Run, campaign_id: UUID, after: UUID) -> UUID | None:
    async with run.database.tenant(run.organization_id) as tx:
        last = await conclusion.release(tx, campaign_id, after)
        if last is not None:
            await campaigns.request_sending(tx, campaign_id)
        point("experiment.releasing")
    return last
