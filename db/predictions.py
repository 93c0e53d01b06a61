"""Predictions: the orders that a model is fitted to, the model, and what it says of each buyer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.organizations import Organization
from db.records import columns_of
from db.relations import Relation
from db.segments.concerned import is_read
from db.slices import among
from db.statement import Statement, sql
from domain.conditions.dependencies import PREDICTIONS
from domain.predictions import Buyer, ModelState, Prediction
from domain.predictions.buying import Buying
from domain.predictions.spending import Spending

FIT_JOB = "predictions.fit"


@dataclass(frozen=True, slots=True)
class PurchaseModel:
    """buyers: all there were; sample: those it was fitted to. Without a fit the parameters are None."""

    state: str
    as_of: datetime
    buyers: int
    sample: int
    r: float | None
    alpha: float | None
    a: float | None
    b: float | None
    p: float | None
    q: float | None
    gamma: float | None

    @property
    def buying(self) -> Buying | None:
        found = (self.r, self.alpha, self.a, self.b)
        return Buying(*(value for value in found if value is not None)) if None not in found else None

    @property
    def spending(self) -> Spending | None:
        found = (self.p, self.q, self.gamma)
        return Spending(*(value for value in found if value is not None)) if None not in found else None


@dataclass(frozen=True, slots=True)
class CustomerPrediction:
    """expected_orders and predicted_value: of the 90 days from `predicted_at`."""

    probability_alive: Decimal
    expected_orders: Decimal
    predicted_value: Decimal | None
    predicted_at: datetime


PURCHASE_MODEL = Relation("purchase_model", PurchaseModel, "purchase_model t", key="t.organization_id")
PREDICTION_OF_CUSTOMER = Relation(
    "prediction_of_customer", CustomerPrediction, "customer_prediction t", key="t.customer_id"
)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to learn from: buyers, from the first to the last order, and since then until the instant."""

    buyers: int
    history: timedelta | None
    since_last: timedelta | None


async def extent(tx: Transaction, as_of: datetime) -> Extent:
    row = await tx.row(
        """
        select count(distinct customer_id), max(occurred_at) - min(occurred_at), :as_of - max(occurred_at)
        from fact
        where organization_id = :organization and kind = 'ORDER' and status = 'COMPLETED'
          and occurred_at < :as_of::timestamptz
        """,
        as_of=as_of,
    )
    assert row
    return Extent(*row)


async def sampled_buyers(tx: Transaction, organization: Organization, as_of: datetime, most: int) -> list[Buyer]:
    """At most `most` buyers, by chance but the same each time."""
    chosen = sql(
        """
        select customer_id from fact
        where organization_id = :organization and kind = 'ORDER' and status = 'COMPLETED'
          and occurred_at < :as_of::timestamptz
        group by customer_id order by hashtextextended(customer_id::text, 0) limit :most
        """,
        organization=organization.id,
        as_of=as_of,
        most=most,
    )
    return list((await buyers(tx, organization, chosen, as_of)).values())


async def buyers(
    tx: Transaction, organization: Organization, candidates: Statement, as_of: datetime
) -> Mapping[UUID, Buyer]:
    """How each candidate who bought at all did it, by the completed orders before the instant."""
    rows = await tx.rows(
        """
        with days as (
            select customer_id, (occurred_at at time zone :zone)::date as day, sum(amount) as amount
            from fact
            where organization_id = :organization and kind = 'ORDER' and status = 'COMPLETED'
              and occurred_at < :as_of::timestamptz and :among
            group by 1, 2
        ),
        firsts as (select days.*, min(day) over (partition by customer_id) as first_day from days)
        select customer_id, count(*)::integer - 1, (max(day) - first_day) / 7.0::float8,
               ((:as_of::timestamptz at time zone :zone)::date - first_day) / 7.0::float8,
               coalesce(avg(amount) filter (where day > first_day), 0)::float8
        from firsts group by customer_id, first_day order by customer_id
        """,
        zone=organization.timezone,
        as_of=as_of,
        among=among("customer_id", candidates),
    )
    return {customer_id: Buyer(*said) for customer_id, *said in rows}


async def store_model(
    tx: Transaction,
    state: ModelState,
    as_of: datetime,
    number: int,
    sample: int = 0,
    buying: Buying | None = None,
    spending: Spending | None = None,
) -> None:
    """Without a fit what was predicted before is forgotten: it followed from a model that no longer holds."""
    parameters = dict.fromkeys(("r", "alpha", "a", "b", "p", "q", "gamma"))
    parameters |= asdict(buying) if buying else {}
    parameters |= asdict(spending) if spending else {}
    names = ", ".join(parameters)
    await tx.run(
        f"""
        insert into purchase_model (organization_id, state, as_of, buyers, sample, {names})
        values (:organization, :state, :as_of, :buyers, :sample, {", ".join(f":{name}::float8" for name in parameters)})
        on conflict (organization_id) do update
        set (state, as_of, buyers, sample, {names})
            = (excluded.state, excluded.as_of, excluded.buyers, excluded.sample,
               {", ".join(f"excluded.{name}" for name in parameters)})
        """,
        state=state.value,
        as_of=as_of,
        buyers=number,
        sample=sample,
        **parameters,
    )
    if state is not ModelState.FITTED:
        await tx.run("delete from customer_prediction where organization_id = :organization")


async def find_model(tx: Transaction) -> PurchaseModel | None:
    return await tx.record(
        PurchaseModel,
        f"select {columns_of(PurchaseModel)} from purchase_model t where t.organization_id = :organization",
    )


async def store_predictions(
    tx: Transaction,
    candidates: Statement,
    customer_ids: Sequence[UUID],
    predictions: Sequence[Prediction],
    at: datetime,
) -> int:
    """Writes what differs and forgets what is said of candidates who are no buyers; returns how many rows it wrote.

    Whoever reads predictions is told of what changed.
    """
    rows = await tx.rows(
        """
        with told as materialized (
            select t.customer_id, round(t.alive::numeric, 4) as alive, round(t.orders::numeric, 4) as orders,
                   round(t.value::numeric, 2) as value
            from unnest(:customers::uuid[], :alive::float8[], :orders::float8[], :value::float8[])
                 as t (customer_id, alive, orders, value)
        ),
        gone as (
            delete from customer_prediction
            where organization_id = :organization and :among
              and customer_id not in (select customer_id from told)
            returning customer_id
        ),
        written as (
            insert into customer_prediction (organization_id, customer_id, probability_alive, expected_orders,
                                             predicted_value, predicted_at)
            select :organization, t.customer_id, t.alive, t.orders, t.value, :at
            from told t
            left join customer_prediction p on p.organization_id = :organization and p.customer_id = t.customer_id
            where (p.probability_alive, p.expected_orders, p.predicted_value)
                  is distinct from (t.alive, t.orders, t.value)
            order by t.customer_id
            on conflict (organization_id, customer_id) do update
            set probability_alive = excluded.probability_alive, expected_orders = excluded.expected_orders,
                predicted_value = excluded.predicted_value, predicted_at = excluded.predicted_at
            returning customer_id
        )
        select customer_id, true as written from written
        union all select customer_id, false from gone
        """,
        among=among("customer_id", candidates),
        customers=list(customer_ids),
        alive=[one.probability_alive for one in predictions],
        orders=[one.orders for one in predictions],
        value=[one.value for one in predictions],
        at=at,
    )
    if rows and await is_read(tx, PREDICTIONS):
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=[row[0] for row in rows]), at, {PREDICTIONS})
    return sum(row["written"] for row in rows)
