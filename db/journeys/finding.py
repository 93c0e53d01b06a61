"""Finding stays in stages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from db.statement import Statement, all_of, sql
from domain.journeys import Trigger


def matching(
    *,
    stage_id: UUID | None = None,
    trigger: Sequence[Trigger] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Statement | None:
    """Stays of which all that is said holds, entered from `since` and before `until`; None for all."""
    asked = [
        None if stage_id is None else sql("t.to_stage_id = :stage_id", stage_id=stage_id),
        None if trigger is None else sql("t.trigger = any(:triggers::text[])", triggers=list(trigger)),
        None if since is None else sql("t.entered_at >= :since", since=since),
        None if until is None else sql("t.entered_at < :until", until=until),
    ]
    return all_of([predicate for predicate in asked if predicate is not None])
