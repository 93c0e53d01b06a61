"""Every table of Wayfare, by noun; importing this package completes `metadata`."""

from db.tables import (
    audit,
    campaigns,
    contacts,
    customers,
    events,
    facts,
    jobs,
    journeys,
    members,
    merges,
    messages,
    organizations,
    providers,
    requests,
    results,
    segments,
)
from db.tables.columns import metadata

__all__ = [
    "audit",
    "campaigns",
    "contacts",
    "customers",
    "events",
    "facts",
    "jobs",
    "journeys",
    "members",
    "merges",
    "messages",
    "metadata",
    "organizations",
    "providers",
    "requests",
    "results",
    "segments",
]
