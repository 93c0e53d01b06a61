"""Finding bulk operations."""

from collections.abc import Sequence
from datetime import datetime

from db.names import worded
from db.statement import Statement, all_of, sql
from domain.bulk import BulkKind, BulkState


def matching(
    *,
    kind: Sequence[BulkKind] | None = None,
    state: Sequence[BulkState] | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    search: str | None = None,
) -> Statement | None:
    """Operations of which all that is said holds, started from `since` and before `until`; None for all.

    search: every word is in the error, the name of the file or who started it.
    """
    asked = [
        None if kind is None else sql("t.kind = any(:kinds::text[])", kinds=list(kind)),
        None if state is None else sql("t.state = any(:states::text[])", states=list(state)),
        None if actor is None else sql("t.actor = :actor", actor=actor),
        None if since is None else sql("t.created_at >= :since", since=since),
        None if until is None else sql("t.created_at < :until", until=until),
        worded(search, "concat_ws(' ', t.error, t.result_name, t.actor)"),
    ]
    return all_of([predicate for predicate in asked if predicate is not None])
