"""What comes back of messages, later: events that waited for the ledger to know their message."""

from datetime import timedelta

from db.points import point
from db.results.events import WAITING_JOB, settle_waiting
from domain.suppressions import AddressKey
from workers.delivery import delivery
from workers.jobs import Again, Run, handles
from workers.providers.provider import UnreachableError

# Seconds pass between a provider's answer and its mark in the ledger; the rest will never be known.
PAUSE = timedelta(minutes=2)


@handles(WAITING_JOB)
async def settle(run: Run) -> Again | None:
    """Takes in what waited, again until nothing waits."""
    async with run.database.tenant(run.organization_id) as tx:
        waits = await settle_waiting(tx, address_key(run))
        point("results.settling")
    return Again(after=PAUSE) if waits else None


def address_key(run: Run) -> AddressKey | None:
    """What suppressed addresses are hashed with; None where this process has no secret."""
    try:
        return AddressKey.of(delivery().secret, run.organization_id)
    except UnreachableError:
        return None
