"""Predictions: the model is fitted anew every week, and then says of everybody what it expects, in slices."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db import predictions as stored
from db.database import Database, Transaction
from db.organizations import current_organization
from db.planning import many_rows
from db.predictions import FIT_JOB, PurchaseModel
from db.slices import Slice
from domain.predictions import HORIZON_WEEKS, MAX_SAMPLE, Buyer, ModelState, Prediction, state
from domain.predictions.buying import Buying
from domain.predictions.buying import fit as fit_buying
from domain.predictions.spending import Spending
from domain.predictions.spending import fit as fit_spending
from workers.everybody import as_of, is_first, work_through
from workers.jobs import Again, Run, handles


@dataclass(frozen=True, slots=True)
class Learned:
    """What a fit found: of `buyers` it read `sample`; without a fit only why."""

    state: ModelState
    at: datetime
    buyers: int
    sample: int = 0
    buying: Buying | None = None
    spending: Spending | None = None


@handles(FIT_JOB)
async def run_fit(run: Run) -> Again | None:
    """First the fit, in a thread of its own; then a slice of everybody in each transaction."""
    if is_first(run):
        learned = await learn(run.database, run.organization_id, as_of(run) or run.now)
        await run.extend()
        await store(run.database, run.organization_id, learned)
    async with run.database.tenant(run.organization_id) as tx:
        model = await stored.find_model(tx)
    if model is None or model.state != ModelState.FITTED:
        return None

    async def work(tx: Transaction, some: Slice, _at: datetime) -> Mapping[str, int]:
        return {"predicted": await predict_slice(tx, some, model)}

    return await work_through(run, work)


async def learn(database: Database, organization_id: UUID, at: datetime) -> Learned:
    """The model that the orders before `at` make most likely, or why there is none."""
    async with database.tenant(organization_id) as tx, many_rows(tx):
        known = await stored.extent(tx, at)
        found = state(known.buyers, known.history, known.since_last)
        organization = await current_organization(tx)
        sample = await stored.sampled_buyers(tx, organization, at, MAX_SAMPLE) if found is ModelState.FITTED else []
    if not sample:
        return Learned(found, at, known.buyers)
    # No transaction is open and no job of others waits while it is computed.
    buying = await asyncio.to_thread(fit_buying, sample)
    spending = await asyncio.to_thread(fit_spending, sample)
    return Learned(found, at, known.buyers, len(sample), buying, spending)


async def store(database: Database, organization_id: UUID, learned: Learned) -> None:
    async with database.tenant(organization_id) as tx:
        await stored.store_model(
            tx, learned.state, learned.at, learned.buyers, learned.sample, learned.buying, learned.spending
        )


async def predict_slice(tx: Transaction, some: Slice, model: PurchaseModel) -> int:
    """What the model says of a slice, as of the instant of its fit; returns how many rows differ from before."""
    found = await stored.buyers(tx, await current_organization(tx), some.candidates, model.as_of)
    told = [predicted(model, buyer) for buyer in found.values()]
    return await stored.store_predictions(tx, some.candidates, list(found), told, model.as_of)


def predicted(model: PurchaseModel, buyer: Buyer) -> Prediction:
    buying, spending = model.buying, model.spending
    assert buying
    orders = buying.expected_orders(buyer, HORIZON_WEEKS)
    each = spending.expected_value(buyer) if spending else None
    return Prediction(buying.probability_alive(buyer), orders, None if each is None else each * orders)
