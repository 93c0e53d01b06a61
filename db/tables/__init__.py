"""Every table of Wayfare, by noun; importing this package completes `metadata`."""

from db.tables import campaigns, customers, facts, jobs, journeys, messages, organizations, segments
from db.tables.columns import metadata

__all__ = [
    "campaigns",
    "customers",
    "facts",
    "jobs",
    "journeys",
    "messages",
    "metadata",
    "organizations",
    "segments",
]
