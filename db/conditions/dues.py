"""When time alone may next change what a condition says: each leaf that counts days, as the instant of its next flip.

A flip may be told too early or in vain, never too late: who is due is evaluated, and that says what is true.

Nearly all flips come with the days of the organization, so whole days are compared, the day of each field is computed
once however many leaves ask for it, and only the earliest flip becomes an instant.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from math import ceil, floor

from db.conditions import fields, sources
from db.conditions.awaiting import Awaiting
from db.conditions.comparisons import customers_own
from db.conditions.joins import Joins
from db.conditions.scope import Scope
from db.statement import Statement, join, sql
from domain.conditions import tree
from domain.conditions.tree import Comparison, Condition, Operator, Span

# Beyond a hundred years nothing is due.
_LATEST = 40_000
# Fields that count days since a day.
_AGES = {"tenureDays": "acquiredAt", "daysSinceLastOrder": "lastOrderAt"}


def dues(conditions: Iterable[Condition], scope: Scope, *, soon: bool = False) -> Statement | None:
    """customer_id and due_at, the earliest flip after now, of those in scope who have one; None without such leaves.

    soon: a window of facts is said to flip with the next day, which costs no look at them.
    """
    flips = _Flips(Joins(scope), soon)
    for condition in conditions:
        for leaf in tree.leaves(condition):
            flips.add(leaf)
    return flips.statement()


@dataclass
class _Flips:
    """ages: of a day, at how many days after it something may change. days, instants: flips themselves."""

    joins: Joins
    soon: bool
    ages: list[tuple[Statement, set[int]]] = field(default_factory=list)
    days: list[Statement] = field(default_factory=list)
    instants: list[Statement] = field(default_factory=list)

    def add(self, leaf: tree.Leaf) -> None:
        match leaf:
            case tree.DateLeaf(key, Comparison(Operator.ANNIVERSARY_WITHIN_DAYS, days)):
                self._once(self.instants, self._anniversary(key, days))
            case tree.DateLeaf(key, Comparison(Operator.WITHIN_DAYS | Operator.OLDER_THAN_DAYS, int(days))):
                self._aging(self._day(key), [days + 1])
            case tree.NumberLeaf(key, comparison) if key in _AGES:
                self._aging(self._day(_AGES[key]), _thresholds(comparison))
            case tree.NumberLeaf("purchaseFrequency", _):
                self._once(self.days, self._month())
            case tree.FactLeaf():
                self._facts(leaf)
            case tree.StageLeaf(_, int(days)):
                spell = self.joins.add(sources.current_stage(self.joins.scope))
                self._aging(self._local(sql(":s.entered_at", s=spell)), [days + 1])
            case tree.MessageLeaf(within_days=int(days)):
                said = self.joins.add(sources.messaged(leaf, self.joins.scope))
                self._aging(self._local(sql(":m.at", m=said)), [days + 1])
            case _:
                pass

    def statement(self) -> Statement | None:
        """`offset 0` keeps what is computed below from being computed again at each place where it is used."""
        if not (self.ages or self.days or self.instants):
            return None
        bases = [sql(f":day as b{n}", day=day) for n, (day, _) in enumerate(self.ages)]
        days = [sql(f":day as d{n}", day=day) for n, day in enumerate(self.days)]
        instants = [sql(f":at as i{n}", at=at) for n, at in enumerate(self.instants)]
        scope = self.joins.scope
        aged = [_aged(f"b{n}", sorted(ages), scope) for n, (_, ages) in enumerate(self.ages)]
        day = join(", ", [*aged, *(Statement(f"d{n}") for n in range(len(days))), Statement("null::date")])
        at = join(", ", [Statement(f"i{n}") for n in range(len(instants))] + [Statement("null::timestamptz")])
        return sql(
            """
            select customer_id, due_at from (
                select customer_id, least(start_of_day(day, :zone), at) as due_at from (
                    select customer_id, least(:day) as day, least(:at) as at from (:read offset 0) r offset 0
                ) l where day is not null or at is not null offset 0
            ) f where due_at >= :now::timestamptz
            """,
            zone=self._zone(),
            day=day,
            at=at,
            read=self.joins.select(join(", ", [Statement("c.id as customer_id"), *bases, *days, *instants])),
            now=scope.now,
        )

    def _aging(self, day: Statement, ages: Iterable[int]) -> None:
        sound = {age for age in ages if 0 <= age <= _LATEST}
        for known, already in self.ages:
            if known == day:
                already |= sound
                return
        if sound:
            self.ages.append((day, sound))

    def _facts(self, leaf: tree.FactLeaf) -> None:
        alias, awaiting = self.joins.share("awaiting", lambda: Awaiting(self.joins.scope))
        awaiting.leaves.append(leaf)
        self._once(self.instants, sql(":f.at", f=alias))
        if leaf.within_days is None:
            return
        if self.soon:
            self._once(self.days, sql(":tomorrow::date", tomorrow=self.joins.scope.today + timedelta(days=1)))
        else:
            awaiting.windows.append((leaf, leaf.within_days))
            self._once(self.days, sql(":f.day", f=alias))

    @staticmethod
    def _once(flips: list[Statement], flip: Statement) -> None:
        # Statements with lists have no hash.
        if flip not in flips:
            flips.append(flip)

    def _zone(self) -> Statement:
        return sql(":zone::text", zone=self.joins.scope.zone)

    def _local(self, instant: Statement) -> Statement:
        return sql("(:x at time zone :zone)::date", x=instant, zone=self._zone())

    def _day(self, key: str) -> Statement:
        return fields.day(key) if fields.is_day(key) else self._local(fields.instant(key, self.joins))

    def _anniversary(self, key: str, days: object) -> Statement:
        """Where the customer lives: the day before which the window opens or after which it closes."""
        own = customers_own(self.joins.scope)
        there = (
            sql("(:x at time zone :zone)::date", x=fields.instant(key, self.joins), zone=own["own_zone"])
            if (not fields.is_day(key))
            else fields.day(key)
        )
        return sql(
            "start_of_day(anniversary_flip(:day, :today, :days::integer), :zone)",
            day=there,
            today=own["own_today"],
            days=days,
            zone=own["own_zone"],
        )

    def _month(self) -> Statement:
        """The months since the first order grow with its day of the month, or on the first where that is none."""
        return sql(
            """
            case when :first > :today::date - 400 then least(
                (date_trunc('month', :today::date) + interval '1 month')::date,
                case when date_trunc('month', :today::date)::date + extract(day from :first)::integer - 1
                          > :today::date
                     then date_trunc('month', :today::date)::date + extract(day from :first)::integer - 1 end) end
            """,
            first=self._day("firstOrderAt"),
            today=self.joins.scope.today,
        )


def _aged(day: str, ages: list[int], scope: Scope) -> Statement:
    """The next of the ages that the day is yet to have, as a day."""
    choices = " ".join(f"when {day} + {age} > :today::date then {day} + {age}" for age in ages)
    return sql(f"case {choices} end", today=scope.today)


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
