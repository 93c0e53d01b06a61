"""What journeys say as a whole: each figure is one statement over the spells, recomputable for any past day."""

from db.journeys.analytics.daily import DailyMetric, daily_metrics
from db.journeys.analytics.durations import TimeInStage, time_in_stages
from db.journeys.analytics.flows import JourneyFlow, flows
from db.journeys.analytics.funnel import FunnelStep, funnel
from db.journeys.analytics.health import Finding, health

__all__ = [
    "DailyMetric",
    "Finding",
    "FunnelStep",
    "JourneyFlow",
    "TimeInStage",
    "daily_metrics",
    "flows",
    "funnel",
    "health",
    "time_in_stages",
]
