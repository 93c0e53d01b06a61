"""Customers by words: few are found by an index, in the statement that reads them; many by comparing each of them."""

from dataclasses import dataclass, replace
from uuid import UUID

from db.database import Database
from db.statement import Statement, join, sql
from domain.searches import words_of

# Beyond so many, a page is found sooner by reading in its order and comparing than by sorting all that match.
FEW = 1000
OF_CUSTOMER = "t.id"
OF_THEIRS = "t.customer_id"
# One row: the ids of the customers, one more than `most` at most. The offset keeps Postgres from asking for them twice.
SOURCE = "select find_customers($1::text[], $2::integer + 1) as ids, $2::integer as most offset 0"
_FEW_OR_NONE = f"select (select case when cardinality(ids) <= most then ids end from ({SOURCE}) looked)"


@dataclass(frozen=True, slots=True)
class Search:
    """Customers whose name, e-mail, external id or phone contains every word, without case and accents.

    key: of the rows `t` that are looked for, the id of the customer they are about.
    """

    words: tuple[str, ...]
    key: str

    @classmethod
    def of(cls, text: str, key: str = OF_CUSTOMER) -> "Search | None":
        """None for a text without words; raises BAD_USER_INPUT for too many."""
        words = words_of(text)
        return cls(tuple(words), key) if words else None

    @property
    def looked_up(self) -> Statement:
        """A predicate for a statement that has SOURCE as `looked` and answers nothing where `most` are too few."""
        return Statement(f"{self.key} = any(looked.ids)", steady=True, search=self)

    @property
    def values(self) -> tuple[list[str], int]:
        """Of the parameters of SOURCE."""
        return list(self.words), FEW

    @property
    def compared(self) -> Statement:
        """A predicate that needs no index, for however many."""
        if self.key == OF_CUSTOMER:
            return self._containing("t")
        return sql(
            f"exists (select from customer c where c.organization_id = t.organization_id and c.id = {self.key} "
            "and :words)",
            words=self._containing("c"),
        )

    async def settled(self, database: Database, organization_id: UUID, brands: frozenset[UUID] | None) -> Statement:
        """The predicate for any statement, by asking first how many there are."""
        found = await database.answer(organization_id, Statement(_FEW_OR_NONE, self.values), brands)
        if found is None:
            return self.compared
        return replace(sql(f"{self.key} = any(:found::uuid[])", found=found), steady=True)

    def _containing(self, alias: str) -> Statement:
        # Each word is folded once, in a sub-select of its own, and not again for every row.
        words = [sql(f"strpos({alias}.search_text, (select fold(:word::text))) > 0", word=word) for word in self.words]
        return join(" and ", words)
