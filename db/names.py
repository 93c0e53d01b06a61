"""Finding things by words of their name."""

from collections.abc import Sequence
from uuid import UUID

from db.statement import Statement, join, sql
from domain.searches import words_of


def named(search: str | None, *further: Statement | None) -> Statement | None:
    """Rows of `t` whose name contains every word, without case and accents, and of which all else holds; None = all."""
    predicates = [predicate for predicate in (worded(search, "t.name"), *further) if predicate is not None]
    return join(" and ", predicates) if predicates else None


def worded(search: str | None, text: str) -> Statement | None:
    """Rows of `t` of which `text`, an expression, contains every word, without case and accents; None without words."""
    words = words_of(search)
    if not words:
        return None
    return sql(f"(select bool_and(strpos(fold({text}), fold(word)) > 0) from unnest(:words::text[]) word)", words=words)


def of_brand(brand_id: UUID | None) -> Statement | None:
    """Rows of `t` that are this brand's."""
    return None if brand_id is None else sql("t.brand_id = :brand_id", brand_id=brand_id)


def in_status(statuses: Sequence[str] | None) -> Statement | None:
    """Rows of `t` in one of these."""
    return None if statuses is None else sql("t.status = any(:statuses::text[])", statuses=list(statuses))
