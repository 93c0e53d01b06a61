"""Two years of real purchases replayed month by month: whole histories, never backwards, the same when repeated."""

from datetime import UTC, datetime
from itertools import chain, pairwise
from uuid import UUID

from db.database import Database
from db.facts import record_facts
from db.journeys import evaluate
from db.organizations import current_organization
from tests.cdnow import MONTH_ENDS, orders
from tests.db.journeys.people import assert_chains, everything, spells, stage_ids
from tests.lives import STAGES, Walk

NOW = datetime(2026, 6, 1, tzinfo=UTC)


async def test_monthly_replay_of_1997_and_1998(database: Database, organization: UUID) -> None:
    lives = orders(sample=True)
    assert len(lives) == 2357
    async with database.tenant(organization) as tx:
        facts = list(chain.from_iterable(lives.values()))
        for first in range(0, len(facts), 5000):
            await record_facts(tx, facts[first : first + 5000], NOW, create_missing=True)
        found = await current_organization(tx)
        for at in MONTH_ENDS:
            await evaluate(tx, found, as_of=at, now=NOW, actor="test", lapsed=True)
        await assert_chains(tx)
        before = await everything(tx)
        for at in MONTH_ENDS:
            assert await evaluate(tx, found, as_of=at, now=NOW, actor="test", lapsed=True) == []
        assert await everything(tx) == before
        histories, keys = await spells(tx), {stage_id: key for key, stage_id in (await stage_ids(tx)).items()}
        names = dict(
            map(tuple, await tx.rows("select id, external_id from customer where organization_id = :organization"))
        )
    assert len(histories) == 2357
    for customer_id, history in histories.items():
        walk = Walk()
        for at in MONTH_ENDS:
            walk.evaluate(lives[names[customer_id]], at)
        assert [(spell.entered_at, keys[spell.to_stage_id]) for spell in history] == walk.history
        earned = [STAGES[key].position for _, key in walk.history if STAGES[key].kind == "PROGRESSION"]
        assert all(before <= after for before, after in pairwise(earned))
