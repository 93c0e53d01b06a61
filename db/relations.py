"""Relations as data, and the statements that read them for many parents at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from db.records import columns_of, names_of
from db.statement import Statement, sql

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Sort:
    """A sortable expression over the relation's source; never NULL, because a keyset cannot step over NULL.

    type: uuid, text, timestamptz, numeric, integer or bigint; it types the cursor.
    """

    expression: str
    type: str


@dataclass(frozen=True, slots=True, eq=False)
class Relation(Generic[Record]):
    """From a parent's key to records: declared once, read by the loaders and by compiled plans alike.

    source: FROM clause whose main alias is `t`; key: the expression that equals the parent's key (uuid);
    orders: what a connection may be ordered by, the first being the default; tie: the unique last word of each order.
    branches: the parts of a source that is a union, each a FROM clause like it; a page takes no more of any than it has
    room for, however many rows Postgres expects there to be.
    meant: of a relation that is read for one record, what its key equals, where that is not the parent's key `:key`
    itself: a function of it and of `:organization`.
    """

    name: str
    record: type[Record]
    source: str
    key: str
    orders: tuple[tuple[str, Sort], ...] = ()
    tie: Sort = Sort("t.id", "uuid")
    descending: bool = False
    branches: tuple[str, ...] = ()
    meant: str = ":key"

    def sort(self, order: str | None) -> Sort:
        return dict(self.orders)[order] if order else self.orders[0][1]


@dataclass(slots=True)  # not frozen, as a Statement
class Keyset:
    """One page's worth of a relation: `limit` rows after `after` in the given order, those that match `where`."""

    sort: Sort
    descending: bool
    limit: int
    after: tuple[Any, Any] | None = None
    where: Statement | None = None

    @property
    def direction(self) -> str:
        return "desc" if self.descending else "asc"


_PARENTHESES = re.compile(r"\([^()]*\)")
_TENANT = "t.organization_id = :organization"
EVERYTHING = Statement("true")
# Counting further than this tells a person nothing and costs a scan.
COUNT_CAP = 10_000


def each(relation: Relation[Any], keys: Sequence[Any], organization: Any) -> Statement:
    """The record of each key: rows `(ordinal from 1, *record)`; a key without a record has no row."""
    return sql(
        f"""
        select k.ordinal, {columns_of(relation.record)}
        from {_KEYS if relation.meant == ":key" else _meant(relation)}
        join {_joined(relation.source)} on {relation.key} = k.key
        where {_TENANT}
        """,
        keys=list(keys),
        organization=organization,
    )


_KEYS = "unnest(:keys::uuid[]) with ordinality as k(key, ordinal)"


def _meant(relation: Relation[Any]) -> str:
    """Known before the records are looked up: Postgres asks no index for what a function of a row says."""
    return f"(select {relation.meant.replace(':key', 'k.key')}, k.ordinal from {_KEYS} offset 0) as k(key, ordinal)"


def _joined(source: str) -> str:
    """`a t join b on ...` may stand after JOIN only in parentheses, and `(select ...) t` only without more of them."""
    outside = source
    while (inner := _PARENTHESES.search(outside)) is not None:
        outside = outside[: inner.start()] + outside[inner.end() :]
    return f"({source})" if " join " in outside else source


def page_each(relation: Relation[Any], keys: Sequence[Any], keyset: Keyset, organization: Any) -> Statement:
    """A page for each key: rows `(ordinal, sort key, tie key, *record)`, pages in order, the two keys as text."""
    direction = keyset.direction
    predicate = f"where {_TENANT} and {relation.key} = k.key and :where and :after"
    return sql(
        f"""
        select k.ordinal, (p.sort_key)::text, (p.tie_key)::text, {names_of(relation.record, "p")}
        from unnest(:keys::uuid[]) with ordinality as k(key, ordinal)
        cross join lateral (
            select {keyset.sort.expression} as sort_key, {relation.tie.expression} as tie_key,
                   {columns_of(relation.record)}
            {_merged(relation, keyset, predicate) if relation.branches else f"from {relation.source} {predicate}"}
            order by 1 {direction}, 2 {direction}
            limit :limit
        ) p
        order by k.ordinal, p.sort_key {direction}, p.tie_key {direction}
        """,
        keys=list(keys),
        organization=organization,
        where=keyset.where or EVERYTHING,
        after=after(relation, keyset),
        limit=keyset.limit,
    )


def _merged(relation: Relation[Any], keyset: Keyset, predicate: str) -> str:
    order = f"order by {keyset.sort.expression} {keyset.direction}, {relation.tie.expression} {keyset.direction}"
    pages = (f"(select t.* from {branch} {predicate} {order} limit :limit)" for branch in relation.branches)
    return f"from ({' union all '.join(pages)}) t"


def after(relation: Relation[Any], keyset: Keyset) -> Statement:
    """The predicate that steps past the keyset's cursor; true when there is none."""
    if keyset.after is None:
        return EVERYTHING
    return sql(
        f"({keyset.sort.expression}, {relation.tie.expression}) {'<' if keyset.descending else '>'} "
        f"(:value::{keyset.sort.type}, :tie::{relation.tie.type})",
        value=keyset.after[0],
        tie=keyset.after[1],
    )


def count_each(
    relation: Relation[Any], keys: Sequence[Any], where: Statement | None, cap: int, organization: Any
) -> Statement:
    """How many records each key has, counting no further than `cap`: rows `(ordinal, count)`."""
    return sql(
        f"""
        select k.ordinal, c.number
        from unnest(:keys::uuid[]) with ordinality as k(key, ordinal)
        cross join lateral (
            select count(*) as number from (
                select from {relation.source}
                where {_TENANT} and {relation.key} = k.key and :where
                limit :cap
            ) counted
        ) c
        """,
        keys=list(keys),
        organization=organization,
        where=where or EVERYTHING,
        cap=cap,
    )
