"""When time alone may next change what a condition says: each leaf that counts days, as the instant of its next flip.

A flip may be told too early or in vain, never too late: who is due is evaluated, and that says what is true.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from math import ceil, floor

from db.conditions import facts, fields, sources
from db.conditions.comparisons import customers_own
from db.conditions.joins import Joins
from db.conditions.scope import Scope
from db.statement import Statement, join, sql
from domain.conditions import tree
from domain.conditions.tree import Comparison, Condition, Operator, Span

# Beyond a hundred years nothing is due.
_LATEST = 40_000


def dues(conditions: Iterable[Condition], scope: Scope) -> Statement | None:
    """customer_id and due_at, the earliest flip after now, of those in scope who have one; None without such leaves."""
    joins = Joins(scope)
    leaves = [leaf for condition in conditions for leaf in tree.leaves(condition)]
    flips: list[Statement] = []
    for leaf in leaves:
        flip = _flip(leaf, joins)
        # Statements with lists have no hash.
        if flip is not None and flip not in flips:
            flips.append(flip)
    if not flips:
        return None
    due_at = sql("least(:flips)", flips=join(", ", flips))
    return joins.select(
        sql("c.id as customer_id, :due_at as due_at", due_at=due_at), sql(":due_at is not null", due_at=due_at)
    )


def _flip(leaf: tree.Leaf, joins: Joins) -> Statement | None:
    match leaf:
        case tree.DateLeaf():
            return _date(leaf, joins)
        case tree.NumberLeaf(key, comparison) if key in _AGES:
            return _age(_AGES[key], comparison, joins)
        case tree.NumberLeaf("purchaseFrequency", _):
            return _month(joins)
        case tree.FactLeaf():
            return _later(sql(":f.due_at", f=joins.add(facts.due(leaf, joins.scope))), joins.scope)
        case tree.StageLeaf(_, int(days)):
            stage = joins.add(sources.current_stage(joins.scope))
            return _after_days(sql("(:s.entered_at at time zone :zone)::date", s=stage, zone=_zone(joins)), days, joins)
        case tree.MessageLeaf(within_days=int(days)):
            said = joins.add(sources.messaged(leaf, joins.scope))
            return _after_days(sql("(:m.at at time zone :zone)::date", m=said, zone=_zone(joins)), days, joins)
        case _:
            return None


def _date(leaf: tree.DateLeaf, joins: Joins) -> Statement | None:
    operator, days = leaf.comparison.operator, leaf.comparison.operand
    if operator is Operator.ANNIVERSARY_WITHIN_DAYS:
        return _anniversary(leaf.field, days, joins)
    if operator in (Operator.WITHIN_DAYS, Operator.OLDER_THAN_DAYS) and isinstance(days, int):
        return _after_days(_day(leaf.field, _zone(joins), joins), days, joins)
    return None


def _anniversary(key: str, days: object, joins: Joins) -> Statement:
    """Where the customer lives: the day before which the window opens or after which it closes."""
    own = customers_own(joins.scope)
    return sql(
        "start_of_day(anniversary_flip(:day, :today, :days::integer), :zone)",
        day=_day(key, own["own_zone"], joins),
        today=own["own_today"],
        days=days,
        zone=own["own_zone"],
    )


def _day(key: str, zone: Statement, joins: Joins) -> Statement:
    if fields.is_day(key):
        return fields.day(key)
    return sql("(:x at time zone :zone)::date", x=fields.instant(key, joins), zone=zone)


# Fields that count days since a day.
_AGES: Mapping[str, Callable[[Joins], Statement]] = {
    "tenureDays": lambda joins: _day("acquiredAt", _zone(joins), joins),
    "daysSinceLastOrder": lambda joins: _day("lastOrderAt", _zone(joins), joins),
}


def _age(day: Callable[[Joins], Statement], comparison: Comparison, joins: Joins) -> Statement | None:
    """The next age at which the comparison may change its mind."""
    ages = sorted({age for age in _thresholds(comparison) if 0 <= age <= _LATEST})
    if not ages:
        return None
    began = day(joins)
    next_age = sql(
        "(select min(age) from unnest(:ages::integer[]) age where age > :today::date - :began)",
        ages=ages,
        today=joins.scope.today,
        began=began,
    )
    return sql("start_of_day(:began + :next_age, :zone)", began=began, next_age=next_age, zone=_zone(joins))


def _thresholds(comparison: Comparison) -> list[int]:
    """Ages at which the comparison may be another than the day before; 0 is when the age becomes known."""
    match comparison.operand:
        case Span(Decimal() as low, Decimal() as high):
            return [0, ceil(low), floor(high) + 1]
        case tuple(numbers):
            return [0, *(age for number in numbers for age in _around(Decimal(number)))]
        case Decimal() as number if comparison.operator in (Operator.GTE, Operator.LT):
            return [0, ceil(number)]
        case Decimal() as number if comparison.operator in (Operator.GT, Operator.LTE):
            return [0, floor(number) + 1]
        case Decimal() as number:
            return [0, *_around(number)]
        case _:
            return [0]


def _around(number: Decimal) -> list[int]:
    """At and right after the number."""
    return [ceil(number), floor(number) + 1]


def _month(joins: Joins) -> Statement:
    """The months since the first order grow with its day of the month, or on the first where that does not exist."""
    first = _day("firstOrderAt", _zone(joins), joins)
    today = joins.scope.today
    return sql(
        """
        case when :first > :today::date - 400 then start_of_day(least(
            (date_trunc('month', :today::date) + interval '1 month')::date,
            case when date_trunc('month', :today::date)::date + extract(day from :first)::integer - 1 > :today::date
                 then date_trunc('month', :today::date)::date + extract(day from :first)::integer - 1 end), :zone) end
        """,
        first=first,
        today=today,
        zone=_zone(joins),
    )


def _after_days(day: Statement, days: int, joins: Joins) -> Statement:
    """When the day is more than so many days ago."""
    return _later(
        sql("start_of_day(:day + :days::integer, :zone)", day=day, days=days + 1, zone=_zone(joins)), joins.scope
    )


def _later(at: Statement, scope: Scope) -> Statement:
    return sql("case when :at > :now::timestamptz then :at end", at=at, now=scope.now)


def _zone(joins: Joins) -> Statement:
    return sql(":zone::text", zone=joins.scope.zone)
