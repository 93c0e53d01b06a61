"""Finding facts of a customer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from db.names import of_brand, worded
from db.statement import Statement, all_of, sql
from domain.facts import FactKind


def matching(
    *,
    kind: Sequence[FactKind] | None = None,
    name: Sequence[str] | None = None,
    status: Sequence[str] | None = None,
    source: str | None = None,
    brand_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    search: str | None = None,
) -> Statement | None:
    """Facts of which all that is said holds, that happened from `since` and before `until`; None for all.

    search: every word is in the name, the key or the source.
    """
    asked = [
        None if kind is None else sql("t.kind = any(:kinds::text[])", kinds=list(kind)),
        None if name is None else sql("t.name = any(:names::text[])", names=list(name)),
        None if status is None else sql("t.status = any(:statuses::text[])", statuses=list(status)),
        None if source is None else sql("t.source = :source", source=source),
        of_brand(brand_id),
        None if since is None else sql("t.occurred_at >= :since", since=since),
        None if until is None else sql("t.occurred_at < :until", until=until),
        worded(search, "concat_ws(' ', t.name, t.key, t.source)"),
    ]
    return all_of([predicate for predicate in asked if predicate is not None])
