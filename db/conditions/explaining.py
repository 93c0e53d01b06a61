"""A condition explained for one customer: the compiler's own predicates and values, each as a column of one row."""

from uuid import UUID

from db.conditions.actual import actual
from db.conditions.compiler import predicate
from db.conditions.joins import Joins
from db.conditions.scope import Scope
from db.database import Transaction
from db.statement import Statement, join, sql
from domain.conditions import tree
from domain.conditions.explanation import Explained, explained, nodes
from domain.conditions.tree import Condition


async def explain(tx: Transaction, condition: Condition, scope: Scope) -> Explained | None:
    """The condition for the scope's only candidate; None when they are not in scope (not the brand's customer)."""
    every = nodes(condition)
    joins = Joins(scope)
    verdicts = [predicate(node, joins) for node in every]
    actuals = [_actual(node, joins) for node in every]
    row = await tx.row(joins.select(join(", ", [*verdicts, *actuals])))
    if row is None:
        return None
    values = list(row)
    return explained(condition, values[: len(every)], values[len(every) :])


def only(customer_id: UUID) -> Statement:
    """One customer as a candidate set."""
    return sql("select :id::uuid as customer_id", id=customer_id)


def _actual(node: Condition, joins: Joins) -> Statement:
    match node:
        case tree.All() | tree.AnyOf() | tree.Not() | tree.Everyone():
            return Statement("null::jsonb")
        case leaf:
            return actual(leaf, joins)
