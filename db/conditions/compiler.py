"""The compiler: a condition tree becomes one SQL predicate over the customer c and the sources joined to it."""

from collections.abc import Mapping
from typing import assert_never

from db.conditions import facts, fields, sources
from db.conditions.aggregates import aggregate
from db.conditions.comparisons import compare_day, compare_instant, compare_number, compare_text
from db.conditions.joins import Joins
from db.conditions.percentiles import in_top
from db.conditions.scope import Scope
from db.statement import Statement, join, sql
from domain.conditions import tree
from domain.conditions.fields import ATTRIBUTE
from domain.conditions.tree import Condition, Operator


def matching(condition: Condition, scope: Scope) -> Statement:
    """The ids, as customer_id, of the customers in scope whom the condition matches; each once, in no order."""
    joins = Joins(scope)
    where = predicate(condition, joins)
    return joins.select(Statement("c.id as customer_id"), where)


def verdicts(conditions: Mapping[str, Condition], scope: Scope) -> Statement:
    """One pass for many: customer_id of everybody in scope and a boolean column, never NULL, for each name.

    names: lower case letters, digits and _ only; they become column names.
    """
    joins = Joins(scope)
    columns = [sql(f":verdict as {_column(name)}", verdict=predicate(conditions[name], joins)) for name in conditions]
    return joins.select(join(", ", [Statement("c.id as customer_id"), *columns]))


def _column(name: str) -> str:
    if not (name.isascii() and name.isidentifier() and name.islower()) or name == "customer_id":
        message = f"{name!r} cannot be a column"
        raise ValueError(message)
    return f'"{name}"'


def predicate(condition: Condition, joins: Joins) -> Statement:
    """True or false for every customer, never NULL."""
    match condition:
        case tree.All(conditions):
            return _group(" and ", conditions, joins)
        case tree.AnyOf(conditions):
            return _group(" or ", conditions, joins)
        case tree.Not(inner):
            return sql("not (:inner)", inner=predicate(inner, joins))
        case tree.Everyone():
            return Statement("true")
        case leaf:
            return _leaf(leaf, joins)


def _group(separator: str, conditions: tuple[Condition, ...], joins: Joins) -> Statement:
    return sql("(:inner)", inner=join(separator, [predicate(inner, joins) for inner in conditions]))


def _leaf(leaf: tree.Leaf, joins: Joins) -> Statement:
    scope = joins.scope
    match leaf:
        case tree.NumberLeaf() | tree.TextLeaf() | tree.DateLeaf() | tree.SetLeaf():
            return _field(leaf, joins)
        case tree.FactLeaf():
            return compare_number(aggregate(leaf, joins), leaf.comparison)
        case tree.InSegment(segment_id):
            return joins.has(sources.members(segment_id, scope))
        case tree.StageLeaf():
            return joins.has(sources.in_stage(leaf, scope))
        case tree.MessageLeaf():
            return joins.has(sources.messaged(leaf, scope))
        case tree.ConsentLeaf(_, _, state, _):
            source = sources.consented(leaf, scope)
            return joins.lacks(source) if state is tree.ConsentState.NEVER else joins.has(source)
        case tree.Percentile():
            return in_top(leaf, joins)
        case tree.Bucket(salt, start, end):
            return sql("int4range(:start, :end) @> bucket_of(:salt::text, c.id)", salt=salt, start=start, end=end)
        case _:
            assert_never(leaf)


def _field(leaf: tree.FieldLeaf, joins: Joins) -> Statement:
    match leaf:
        case tree.NumberLeaf(key, comparison):
            return compare_number(fields.number(key, joins), comparison)
        case tree.TextLeaf(key, comparison):
            return compare_text(fields.text(key), comparison)
        case tree.DateLeaf(key, comparison) if fields.is_day(key):
            return compare_day(fields.day(key), comparison, joins.scope)
        case tree.DateLeaf(key, comparison):
            return compare_instant(fields.instant(key, joins), comparison, joins.scope)
        case tree.SetLeaf():
            return _set(leaf, joins)
        case _:
            assert_never(leaf)


def _set(leaf: tree.SetLeaf, joins: Joins) -> Statement:
    """noneOf is the complement of anyOf: it never means "some other one"."""
    operator, values = leaf.comparison.operator, leaf.comparison.texts
    if leaf.field.startswith(ATTRIBUTE):
        return _attribute_set(leaf.field, operator, values)
    if leaf.field == "tags":
        source = sources.tagged(values, joins.scope, all_of=operator is Operator.ALL_OF)
    else:
        source = facts.purchased(leaf, joins.scope)
    return joins.lacks(source) if operator is Operator.NONE_OF else joins.has(source)


def _attribute_set(key: str, operator: Operator, values: tuple[str, ...]) -> Statement:
    """A list of texts in the customer's attributes; anything else is unknown."""
    inside = sql(
        f"case jsonb_typeof(:list) when 'array' then :list {'?&' if operator is Operator.ALL_OF else '?|'} "
        ":values::text[] end",
        list=fields.attribute(key),
        values=list(values),
    )
    return sql("(:inside) is not true" if operator is Operator.NONE_OF else "(:inside) is true", inside=inside)
