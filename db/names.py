"""Finding things by words of their name."""

from collections.abc import Sequence
from uuid import UUID

from db.statement import Statement, join, sql


def named(search: str | None, *further: Statement | None) -> Statement | None:
    """Rows of `t` whose name contains every word, without case and accents, and of which all else holds; None = all."""
    words = (search or "").split()
    by_name = sql(
        "(select bool_and(strpos(fold(t.name), fold(word)) > 0) from unnest(:words::text[]) word)", words=words
    )
    predicates = [predicate for predicate in (by_name if words else None, *further) if predicate is not None]
    return join(" and ", predicates) if predicates else None


def of_brand(brand_id: UUID | None) -> Statement | None:
    """Rows of `t` that are this brand's."""
    return None if brand_id is None else sql("t.brand_id = :brand_id", brand_id=brand_id)


def in_status(statuses: Sequence[str] | None) -> Statement | None:
    """Rows of `t` in one of these."""
    return None if statuses is None else sql("t.status = any(:statuses::text[])", statuses=list(statuses))
