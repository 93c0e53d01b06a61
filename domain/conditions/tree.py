"""The nodes of a condition tree: groups, leaves and what a leaf compares with."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from domain.consents import Channel as Channel
from domain.consents import ConsentState as ConsentState
from domain.facts import FactKind


class Operator(StrEnum):
    """How a field is compared; the value is its key in JSON."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    BETWEEN = "between"
    IN = "in"
    NOT_IN = "notIn"
    CONTAINS = "contains"
    NOT_CONTAINS = "notContains"
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    BEFORE = "before"
    AFTER = "after"
    WITHIN_DAYS = "withinDays"
    OLDER_THAN_DAYS = "olderThanDays"
    ANNIVERSARY_WITHIN_DAYS = "anniversaryWithinDays"
    ANY_OF = "anyOf"
    NONE_OF = "noneOf"
    ALL_OF = "allOf"
    IS_NULL = "isNull"


@dataclass(frozen=True, slots=True)
class Span:
    """A range whose ends belong to it."""

    min: Decimal | date
    max: Decimal | date


Operand: TypeAlias = Decimal | Span | str | tuple[str, ...] | tuple[Decimal, ...] | date | int | bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator with its operand, e.g. at least 1000.

    Decimal for numbers, str for texts, date for days, int for numbers of days, bool for isNull, tuple for lists.
    """

    operator: Operator
    operand: Operand

    @property
    def texts(self) -> tuple[str, ...]:
        """The operand of a comparison with a list of texts."""
        assert isinstance(self.operand, tuple)
        return tuple(map(str, self.operand))


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them holds; never empty."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them holds; never empty."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Everyone:
    """All customers, said on purpose."""


@dataclass(frozen=True, slots=True)
class NumberLeaf:
    field: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class TextLeaf:
    """EQ and IN are exact; the rest ignore letter case and take every character literally."""

    field: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class DateLeaf:
    field: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class SetLeaf:
    field: str
    comparison: Comparison


class Aggregate(StrEnum):
    """COUNT, SUM and DISTINCT_DAYS (local days) of nothing are 0; AVG, MIN and MAX of nothing are unknown."""

    COUNT = "COUNT"
    SUM = "SUM"
    AVG = "AVG"
    MIN = "MIN"
    MAX = "MAX"
    DISTINCT_DAYS = "DISTINCT_DAYS"


class Measure(StrEnum):
    """What SUM, AVG, MIN and MAX are taken of."""

    AMOUNT = "AMOUNT"
    DURATION_SECONDS = "DURATION_SECONDS"


FieldLeaf: TypeAlias = NumberLeaf | TextLeaf | DateLeaf | SetLeaf
FactFilter: TypeAlias = NumberLeaf | TextLeaf | SetLeaf


@dataclass(frozen=True, slots=True)
class FactLeaf:
    """An aggregate over a customer's facts, compared with a number.

    name: of a CUSTOM fact. where: all of them hold for a fact that counts. At most one of within_days and between
    (local days) is set. Of orders only the completed ones count, unless `where` asks for a status.
    """

    kind: FactKind
    aggregate: Aggregate
    comparison: Comparison
    of: Measure = Measure.AMOUNT
    name: str | None = None
    where: tuple[FactFilter, ...] = ()
    within_days: int | None = None
    between: Span | None = None


@dataclass(frozen=True, slots=True)
class InSegment:
    """Is a member of another segment, as that one was last refreshed."""

    segment_id: UUID


@dataclass(frozen=True, slots=True)
class StageLeaf:
    """Is in one of these lifecycle stages at the evaluation instant, and entered it within so many days."""

    keys: tuple[str, ...]
    entered_within_days: int | None = None


class MessageOutcome(StrEnum):
    SENT = "SENT"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    BOUNCED = "BOUNCED"
    REPLIED = "REPLIED"
    # Sent, and nobody has opened it by then.
    NOT_OPENED = "NOT_OPENED"
    NOT_CLICKED = "NOT_CLICKED"


@dataclass(frozen=True, slots=True)
class MessageLeaf:
    """At least one message to the customer ended so."""

    was: MessageOutcome
    channel: Channel | None = None
    campaign_id: UUID | None = None
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class ConsentLeaf:
    """The consent recorded for this brand; without one, the scope's brand or else any brand."""

    channel: Channel
    topic: str
    state: ConsentState
    brand_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Percentile:
    """Is among the top so many percent by a number field.

    The population is everybody in scope whose value is above 0, n customers. One is in the top p percent when at
    most p percent of n have a value at least as high as theirs: a tie across the cut leaves all of the tied out.
    """

    field: str
    top: Decimal


@dataclass(frozen=True, slots=True)
class Bucket:
    """sha256("salt:customer id") mod 10,000 is in [start, end): a lasting random share of the customers."""

    salt: str
    start: int
    end: int


Leaf: TypeAlias = FieldLeaf | FactLeaf | InSegment | StageLeaf | MessageLeaf | ConsentLeaf | Percentile | Bucket
Condition: TypeAlias = All | AnyOf | Not | Everyone | Leaf


def leaves(condition: Condition) -> list[Leaf]:
    """Every leaf, from left to right."""
    match condition:
        case All(conditions) | AnyOf(conditions):
            return [leaf for inner in conditions for leaf in leaves(inner)]
        case Not(inner):
            return leaves(inner)
        case Everyone():
            return []
        case leaf:
            return [leaf]
