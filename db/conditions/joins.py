"""The tables that a compiled condition reads beside the customer, each joined once however often it is asked for."""

from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from db.conditions.scope import Scope
from db.slices import Range
from db.statement import Statement, join, sql


class Shared(Protocol):
    """A source whose columns are asked for one after another."""

    def statement(self) -> Statement: ...


S = TypeVar("S", bound=Shared)


class Joins:
    """Collects sources; each yields at most one row a customer, with the column customer_id."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._sources: list[Statement | Shared] = []
        self._shared: dict[str, int] = {}

    def add(self, source: Statement) -> Statement:
        """Joins the source and returns its alias; its columns are NULL for a customer it does not name."""
        if source not in self._sources:
            self._sources.append(source)
        return Statement(f"s{self._sources.index(source)}")

    def share(self, key: str, make: Callable[[], S]) -> tuple[Statement, S]:
        """The alias of the one source of this key, and the source itself, to which columns may be added."""
        if key not in self._shared:
            self._shared[key] = len(self._sources)
            self._sources.append(make())
        place = self._shared[key]
        return Statement(f"s{place}"), cast("S", self._sources[place])

    def has(self, source: Statement) -> Statement:
        """Whether the source names the customer."""
        return sql(":alias.customer_id is not null", alias=self.add(source))

    def lacks(self, source: Statement) -> Statement:
        return sql(":alias.customer_id is null", alias=self.add(source))

    def select(self, columns: Statement, where: Statement = Statement("true")) -> Statement:  # noqa: B008  # frozen
        """The columns for each customer c in scope for whom `where` holds."""
        scope = self.scope
        return sql(
            ":candidates select :columns from customer c :brand :joins "
            "where c.organization_id = :organization and :among and :where",
            candidates=_candidates(scope),
            columns=columns,
            brand=_brand(scope),
            joins=join(" ", [_left_join(i, source) for i, source in enumerate(self._sources)]),
            organization=scope.tenant,
            among=scope.among_candidates("c.id"),
            where=where,
        )


def _candidates(scope: Scope) -> Statement:
    # A range of ids is compared with (db/slices.py), never listed.
    if scope.candidates is None or isinstance(scope.candidates, Range):
        return Statement("")
    return sql("with candidate as materialized (:candidates)", candidates=scope.candidates)


def _brand(scope: Scope) -> Statement:
    if scope.brand_id is None:
        return Statement("")
    return sql(
        "join customer_brand cb on cb.organization_id = c.organization_id and cb.customer_id = c.id "
        "and cb.brand_id = :brand_id",
        brand_id=scope.brand_id,
    )


def _left_join(number: int, source: Statement | Shared) -> Statement:
    read = source if isinstance(source, Statement) else source.statement()
    return sql(f"left join (:source) s{number} on s{number}.customer_id = c.id", source=read)
