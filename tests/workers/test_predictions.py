"""The model as a job: fitted to real purchases, the same as in memory; nothing said where there is too little."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import pytest

from db.database import Database, Transaction
from db.facts import record_facts
from db.jobs import request_job
from db.predictions import FIT_JOB, find_model
from domain.predictions import ModelState, state
from tests.api import Api
from tests.cdnow import orders
from tests.facts import told
from tests.jobs import drain

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CUT = datetime(1997, 9, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


async def request(tx: Transaction, at: datetime) -> None:
    await request_job(tx, FIT_JOB, dedupe_key="test", args={"asOf": at.isoformat()})


async def test_real_purchases_of_39_weeks(api: Api, database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        facts = list(chain.from_iterable(orders(sample=True).values()))
        for first in range(0, len(facts), 5000):
            await record_facts(tx, facts[first : first + 5000], NOW, create_missing=True)
        await tx.run("delete from job")
        await request(tx, CUT)
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        model = await find_model(tx)
        assert model is not None
        assert model.buying is not None
        assert model.spending is not None
        found = (round(model.buying.r, 3), round(model.buying.alpha, 3), round(model.buying.a, 3))
        assert (model.state, model.buyers, model.sample, found) == ("FITTED", 2357, 2357, (0.243, 4.414, 0.793))
        rows = await tx.rows(
            """
            select c.external_id, p.probability_alive, p.expected_orders, p.predicted_value
            from customer_prediction p join customer c on c.id = p.customer_id
            """
        )
        written = await tx.rows("select xmin::text from customer_prediction order by customer_id")
        await request(tx, CUT)
    assert len(rows) == 2357
    assert all(0 <= alive <= 1 and 0 <= expected < 50 and value >= 0 for _, alive, expected, value in rows)
    # Nobody leaves before the first repeat.
    assert sum(alive == 1 for _, alive, _, _ in rows) >= 1_000
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        assert await tx.rows("select xmin::text from customer_prediction order by customer_id") == written
    query = """{ purchaseModel { state buyers r alpha a b p q gamma }
      segmentPreview(condition: {number: {field: "probabilityAlive", is: {lt: "0.5"}}}) { count { value } }
      customers(first: 1) { nodes { prediction { probabilityAlive expectedOrders90Days predictedValue } } } }"""
    data = (await api(query))["data"]
    assert data["purchaseModel"]["state"] == "FITTED"
    assert data["segmentPreview"]["count"]["value"] == sum(alive < 0.5 for _, alive, _, _ in rows)
    assert set(data["customers"]["nodes"][0]["prediction"]) == {
        *("probabilityAlive", "expectedOrders90Days", "predictedValue")
    }


async def test_too_few_buyers_say_nothing(api: Api, database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record_facts(tx, [told("ORDER", "o", "ann", amount="1.00")], NOW, create_missing=True)
        await request(tx, NOW)
    await drain(database, organization)
    data = (await api("{ purchaseModel { state buyers r } customers { nodes { prediction { probabilityAlive } } } }"))[
        "data"
    ]
    assert data["purchaseModel"] == {"state": "TOO_FEW_BUYERS", "buyers": 1, "r": None}
    assert data["customers"]["nodes"] == [{"prediction": None}]


@pytest.mark.parametrize(
    ("buyers", "history", "since", "expected"),
    [
        (499, 400, 1, ModelState.TOO_FEW_BUYERS),
        (500, 179, 1, ModelState.SHORT_HISTORY),
        (500, 180, 31, ModelState.NO_RECENT_ORDERS),
        (500, 180, 30, ModelState.FITTED),
    ],
)
def test_what_a_fit_needs(buyers: int, history: int, since: int, expected: ModelState) -> None:
    assert state(buyers, history * DAY, since * DAY) is expected
