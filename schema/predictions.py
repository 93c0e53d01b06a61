"""What customers are expected to buy, and the model that says so."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from db import predictions
from domain.predictions import ModelState
from schema.enums import described
from schema.fields import Info, column, own_key, scoped

VIEW = "journeys:view"

described(
    ModelState,
    "Whether there is a model, or why not.",
    {
        "FITTED": "There is one.",
        "NO_RECENT_ORDERS": "Nobody has ordered in the last 30 days.",
        "SHORT_HISTORY": "There are less than 180 days between the first and the last order.",
        "TOO_FEW_BUYERS": "There are fewer than 500 buyers.",
    },
    name="PurchaseModelState",
)


@strawberry.type(description="What a customer is expected to buy in the 90 days after predictedAt.")
class CustomerPrediction:
    probability_alive: Decimal = column("How likely they are a customer still, 0 to 1.")
    expected_orders: Decimal = strawberry.field(name="expectedOrders90Days", description="How many orders.")
    predicted_value: Decimal | None = column("What these bring, in the organization's currency; null if unknown.")
    predicted_at: datetime = column("As of when: the last fit that changed what is said.")


@strawberry.type(description="The BG/NBD model of how often and the gamma-gamma model of how much customers buy.")
class PurchaseModel:
    state: ModelState = column("Whether there is a model.")
    as_of: datetime = column("It was fitted to the orders before this instant.")
    buyers: int = column("How many buyers there were.")
    sample: int = column("To how many of them it was fitted, at most 10,000 drawn by chance.")
    r: float | None = column("Shape of the gamma distribution of rates.")
    alpha: float | None = column("Scale of the gamma distribution of rates, in weeks.")
    a: float | None = column("First parameter of the beta distribution of leaving after a purchase.")
    b: float | None = column("Second parameter of the beta distribution of leaving after a purchase.")
    p: float | None = column("Shape of the gamma distribution of a purchase's value; null when nobody repeated.")
    q: float | None = column("Shape of the gamma distribution of customers' scales.")
    gamma: float | None = column("Scale of the gamma distribution of customers' scales.")


@strawberry.type
class PredictionQueries:
    @strawberry.field(
        description=scoped("How customers buy, fitted every week; null before the first time.", VIEW),
        graphql_type=PurchaseModel | None,
    )
    def purchase_model(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.one(predictions.PURCHASE_MODEL, own_key(info))
