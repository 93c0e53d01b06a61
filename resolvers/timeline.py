"""How the timeline of a customer is read: as much of it as the caller may see."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from db import timeline
from domain.timeline import EntryKind, shown
from resolvers.context import Context
from resolvers.paging import Page, PageArguments
from resolvers.readings import Reading


def page(
    context: Context,
    customer_id: UUID,
    arguments: PageArguments,
    kinds: Collection[EntryKind] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Reading[Page[timeline.Entry]]:
    """Entries of these kinds (None: of all) that the caller's scopes let through, from `since` on, before `until`."""
    where = timeline.matching(shown(context.caller.scopes, kinds), since, until)
    return context.loaders.page(timeline.TIMELINE, customer_id, replace(arguments, where=where))


def subject(context: Context, entry: timeline.Entry) -> Any:
    """What the entry is about: read with those of its kind on all pages at hand, or in the entry itself."""
    if entry.kind in timeline.RECORDS:
        return timeline.subject(entry)
    return context.loaders.one(timeline.SUBJECTS[entry.kind], entry.id)
