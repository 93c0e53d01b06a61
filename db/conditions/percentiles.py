"""The top n percent of a population: a source that looks at everybody in scope, whoever the candidates are."""

from dataclasses import replace

from db.conditions import fields
from db.conditions.joins import Joins
from db.conditions.scope import Scope
from db.statement import Statement, sql
from domain.conditions.tree import Percentile


def in_top(leaf: Percentile, scope: Scope) -> Statement:
    """Customers in the top of the population (domain/conditions/tree.py has the definition)."""
    return sql(
        "select p.customer_id from (:ranked) p where p.at_least * 100 <= :top::numeric * p.size",
        ranked=ranked(leaf, scope),
        top=leaf.top,
    )


def ranked(leaf: Percentile, scope: Scope) -> Statement:
    """Each customer of the population with `at_least`, how many have such a value or a higher one, of `size`."""
    population = Joins(replace(scope, candidates=None))
    value = fields.number(leaf.field, population)
    return sql(
        """
        select v.customer_id, count(*) over (order by v.value desc) as at_least, count(*) over () as size
        from (:values) v where v.value > 0
        """,
        values=population.select(sql("c.id as customer_id, :value as value", value=value)),
    )
