"""What comes back of messages, later: events that waited for their message, conversions and money counted anew."""

from datetime import timedelta

from db.database import Transaction
from db.points import point
from db.results.attribution import attribute
from db.results.conversions import count_conversions
from db.results.due import RESULTS_JOB, owe_entered, settle_due, take_due
from db.results.events import WAITING_JOB, settle_waiting
from db.results.receipts import prune_receipts
from domain.suppressions import AddressKey
from workers.delivery import delivery
from workers.jobs import Again, Run, handles
from workers.providers.provider import UnreachableError

# Seconds pass between a provider's answer and its mark in the ledger; the rest will never be known.
PAUSE = timedelta(minutes=2)
SLICE = 1_000


@handles(WAITING_JOB)
async def settle(run: Run) -> Again | None:
    """Takes in what waited, again until nothing waits."""
    key = address_key(run)

    async def work(tx: Transaction) -> bool:
        waits = await settle_waiting(tx, key)
        point("results.settling")
        return waits

    return Again(after=PAUSE) if await run.database.attempt(run.organization_id, work) else None


@handles(RESULTS_JOB)
async def count(run: Run) -> Again | None:
    """Conversions and attributed money of the customers who are owed a count, a slice at a time."""
    async with run.database.tenant(run.organization_id) as tx:
        customers = await take_due(tx, SLICE)
        if customers:
            await count_conversions(tx, customers)
            await attribute(tx, customers)
            await settle_due(tx, customers)
        point("results.counting")
    return Again() if len(customers) == SLICE else None


@handles("results.sweep")
async def sweep(run: Run) -> None:
    """What nobody tells as it happens: who entered a segment that counts; and forgets callbacks that are long past."""
    async with run.database.tenant(run.organization_id) as tx:
        await owe_entered(tx)
    async with run.database.tenant(run.organization_id) as tx:
        await prune_receipts(tx)


def address_key(run: Run) -> AddressKey | None:
    """What suppressed addresses are hashed with; None where this process has no secret."""
    try:
        return AddressKey.of(delivery().secret, run.organization_id)
    except UnreachableError:
        return None
