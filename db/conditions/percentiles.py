"""The top n percent of a population: everybody in scope, whoever the candidates are."""

from collections.abc import Iterable
from dataclasses import replace

from db.conditions import fields
from db.conditions.comparisons import holds
from db.conditions.joins import Joins
from db.conditions.scope import Scope
from db.database import Transaction
from db.planning import many_rows
from db.statement import Statement, sql
from domain.conditions import tree
from domain.conditions.tree import Condition, Percentile


def in_top(leaf: Percentile, joins: Joins) -> Statement:
    """Whether the customer is in the top of the population (domain/conditions/tree.py has the definition).

    By the scope's cutoff, if it has one for the leaf; else everybody is ranked.
    """
    scope = joins.scope
    if _key(leaf, scope) not in scope.cutoffs:
        top = sql("select r.customer_id from (:ranked) r where :in_top", ranked=ranked(leaf, scope), in_top=_top(leaf))
        return joins.has(top)
    value = fields.number(leaf.field, joins)
    return holds(sql(":value >= :cutoff::numeric", value=value, cutoff=scope.cutoffs[_key(leaf, scope)]))


def ranked(leaf: Percentile, scope: Scope) -> Statement:
    """Each customer of the population with `at_least`, how many have such a `value` or a higher one, of `size`."""
    population = Joins(replace(scope, candidates=None))
    value = fields.number(leaf.field, population)
    return sql(
        """
        select v.customer_id, v.value, count(*) over (order by v.value desc) as at_least, count(*) over () as size
        from (:values) v where v.value > 0
        """,
        values=population.select(sql("c.id as customer_id, :value as value", value=value)),
    )


async def find_cutoffs(tx: Transaction, conditions: Iterable[Condition], scope: Scope) -> dict[str, str | None]:
    """The lowest value in the top of each percentile of these conditions, None where nobody is: as `Scope.cutoffs`.

    Ranks everybody once for each. Work on slices of everybody begins with it, or each slice would rank all of them.
    """
    leaves = {leaf for condition in conditions for leaf in tree.leaves(condition) if isinstance(leaf, Percentile)}
    async with many_rows(tx):
        return {
            _key(leaf, scope): await tx.value(_LOWEST, ranked=ranked(leaf, scope), top=_top(leaf)) for leaf in leaves
        }


_LOWEST = "select min(r.value)::text from (:ranked) r where :top"


def _top(leaf: Percentile) -> Statement:
    return sql("r.at_least * 100 <= :top::numeric * r.size", top=leaf.top)


def _key(leaf: Percentile, scope: Scope) -> str:
    return f"{leaf.field} {leaf.top} {scope.brand_id}"
