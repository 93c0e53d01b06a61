"""The past of the demo's journeys: evaluated at the end of each month, as a clock would have done."""

from datetime import UTC, datetime
from uuid import UUID

from app.demo.loading import Loading
from app.demo.progress import Progress
from db.database import Database
from db.journeys import evaluate
from db.organizations import current_organization
from db.statistics import keep_statistics

ACTOR = "system:demo"
MONTHS = 24


def month_ends(now: datetime, pace: int) -> list[datetime]:
    """Ends of every `pace`-th month of the two years before `now`, oldest first, as first instants of the next one."""
    last = now.year * 12 + now.month - 1
    months = range(last - MONTHS + pace, last + 1, pace)
    return [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in months]


async def replay(database: Database, organization_id: UUID, loading: Loading, progress: Progress) -> None:
    """Evaluates everybody's journey at each month's end and at last now; what was evaluated before stays."""
    instants: list[datetime | None] = [*month_ends(loading.now, loading.size.pace), None]
    for done, as_of in enumerate(instants):
        progress(done, len(instants), "Two years of journeys")
        async with database.tenant(organization_id) as tx:
            await evaluate(tx, await current_organization(tx), as_of=as_of, now=loading.now, actor=ACTOR)
        await keep_statistics(database)
    progress(len(instants), len(instants), "Two years of journeys")
