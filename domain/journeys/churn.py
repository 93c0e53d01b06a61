"""When a customer will churn, judged by those who did: what the prediction says and what it is based on."""

from enum import StrEnum

MIN_STAYS = 20
"""With fewer stays that ended in churn the median says nothing."""


class ChurnBasis(StrEnum):
    HISTORY = "HISTORY"
    INSUFFICIENT_HISTORY = "INSUFFICIENT_HISTORY"
    CHURNED = "CHURNED"
