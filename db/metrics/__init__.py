"""Metrics of customers: their definition from facts, and the maintained rows that follow it."""

from db.metrics.adding import add_facts
from db.metrics.definition import COMPUTED, computed_metrics
from db.metrics.keeping import is_stale, recompute, recompute_stale
from db.metrics.records import METRICS_BY_BRAND, METRICS_OF_CUSTOMER, CustomerMetrics

__all__ = [
    "COMPUTED",
    "METRICS_BY_BRAND",
    "METRICS_OF_CUSTOMER",
    "CustomerMetrics",
    "add_facts",
    "computed_metrics",
    "is_stale",
    "recompute",
    "recompute_stale",
]
