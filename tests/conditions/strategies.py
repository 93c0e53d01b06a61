"""Random worlds and random conditions over the same small pools of values, so that edges meet often."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from domain.conditions import FACT_FIELDS, FIELDS, Field, FieldType
from domain.conditions.fields import OPERATORS
from tests.conditions.storage import BRANDS, CAMPAIGNS, SEGMENTS, STAGES, identity
from tests.oracle.world import Consent, Customer, Fact, Item, Message, Spell, World

Json = dict[str, Any]

# Zones and instants where days are odd: no midnight, two midnights, half hours, a skipped day, year ends, leap days.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Australia/Lord_Howe",
)
NOWS = (
    datetime(2011, 12, 31, 9, 59, tzinfo=UTC),
    datetime(2018, 11, 5, 2, 30, tzinfo=UTC),
    datetime(2023, 11, 6, 4, 0, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2024, 3, 1, 0, 0, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 0, tzinfo=UTC),
    datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
    datetime(2024, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2025, 2, 28, 5, 0, tzinfo=UTC),
)
DAYS = (0, 1, 2, 7, 29, 30, 31, 89, 90, 91, 180, 364, 365, 366, 400)
TEXTS = (
    "",
    "a",
    "A",
    "ab",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "$1",
    "100%",
    "ß",
    "SS",
    "İ",
    "i",
    "ı",
    "é",
    "e\u0301",
    "É",
    "ΑΣ",
)
NUMBERS = ("0", "1", "2", "3", "0.5", "0.3333", "10", "10.01", "33.33", "99.99", "100", "365", "-1")
REACTIONS = ("CLICK", "INBOUND_MESSAGE")
NAMES = ("signed_up", "%", "Ünicode")

texts = st.sampled_from(TEXTS)
some_text = st.none() | texts
amounts = st.sampled_from([Decimal(n).quantize(Decimal("0.01")) for n in ("0", "1", "10", "10.01", "33.33", "100")])
scores = st.none() | st.sampled_from([Decimal("0.000"), Decimal("0.500"), Decimal("1.000")])


@dataclass(frozen=True)
class Setting:
    """What a world and the conditions on it share: instant, zone and the few distances in days that occur."""

    now: datetime
    zone: str
    distances: tuple[int, ...]

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    @property
    def day_counts(self) -> st.SearchStrategy[int]:
        return st.sampled_from(self.distances)

    @property
    def days(self) -> st.SearchStrategy[date]:
        """Local days at those distances, and days that return around today."""
        near = [self.today + timedelta(days=ahead) for ahead in (-1, 0, 1, 7)]
        born = [day.replace(year=1996) for day in near]
        then = [self.today - timedelta(days=distance) for distance in self.distances]
        return st.sampled_from([*then, *near, *born, date(2000, 2, 29)])

    @property
    def instants(self) -> st.SearchStrategy[datetime]:
        """Around now, around the beginnings of local days; now and then in the future."""
        starts = [_start(self.today - timedelta(days=distance), self.zone) for distance in self.distances]
        bases = [self.now, *starts, *[start + timedelta(hours=13) for start in starts], self.now + timedelta(days=2)]
        shifts = [timedelta(microseconds=shift) for shift in (-1, 0, 0, 1, 3_600_000_000)]
        return st.sampled_from([base + shift for base in bases for shift in shifts])


def _start(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


settings = st.builds(
    Setting,
    st.sampled_from(NOWS),
    st.sampled_from(ZONES),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True).map(tuple),
)


attribute_values: st.SearchStrategy[Any] = st.one_of(
    texts,
    st.sampled_from([None, True, False, -1, 0, 1, 3, 0.5, 10.01, {"a": 1}]),
    st.sampled_from(["2024-02-29", "2023-02-29", "2024-1-1", "2024-02-30"]),
    st.lists(st.one_of(texts, st.integers(0, 1)), max_size=3),
)
KEYS = ("plan", "it's", "a'}' or '1", "ключ")
attributes = st.dictionaries(st.sampled_from(KEYS), attribute_values, max_size=3)
items = st.builds(Item, texts.filter(bool), some_text, some_text)


@st.composite
def facts(draw: st.DrawFn, setting: Setting) -> Fact:
    kind = draw(
        st.sampled_from(
            ["ORDER", "ORDER", "ORDER", "REFUND", "APPOINTMENT", "CALL", "VISIT", "TICKET", *REACTIONS, "CUSTOM"]
        )
    )
    status = {
        "ORDER": ["COMPLETED", "COMPLETED", "CANCELLED", "PENDING"],
        "APPOINTMENT": ["REQUESTED", "COMPLETED", "NO_SHOW", "CANCELLED"],
        "TICKET": ["OPEN", "RESOLVED"],
    }.get(kind, [None])
    money = kind in ("ORDER", "REFUND")
    return Fact(
        kind=kind,
        occurred_at=draw(setting.instants),
        status=draw(st.sampled_from(status)),
        amount=draw(amounts if money else st.none() | amounts),
        duration_seconds=draw(st.none() | st.integers(0, 100)) if kind == "CALL" else None,
        name=draw(st.sampled_from(NAMES)) if kind == "CUSTOM" else None,
        source=draw(st.sampled_from(["shop", "till"])),
        brand=draw(st.sampled_from([None, *BRANDS])),
        properties=draw(attributes),
        items=draw(st.lists(items, max_size=3)) if kind == "ORDER" else [],
    )


@st.composite
def spells(draw: st.DrawFn, setting: Setting) -> list[Spell]:
    entries = sorted(draw(st.lists(setting.instants, max_size=3)))
    first = draw(st.integers(0, 2))
    ends: list[datetime | None] = [*entries[1:], None]
    return [Spell(STAGES[(first + i) % 3], at, end) for i, (at, end) in enumerate(zip(entries, ends, strict=False))]


@st.composite
def messages(draw: st.DrawFn, setting: Setting) -> list[Message]:
    found = []
    for brand in draw(st.lists(st.sampled_from(BRANDS), unique=True, max_size=2)):
        status = draw(st.sampled_from(["QUEUED", "SENT", "FAILED", "SKIPPED", "UNCERTAIN"]))
        at = draw(setting.instants)
        sent_at = at if status == "SENT" else None
        seen = [draw(st.none() | setting.instants) if sent_at else None for _ in range(2)]
        found.append(Message(CAMPAIGNS[brand], brand, draw(st.sampled_from(CHANNELS)), status, sent_at, at, *seen))
    return found


CHANNELS = ("EMAIL", "SMS")
TOPICS = ("news", "%")
STATES = ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "NEVER")
consents = st.lists(
    st.builds(Consent, st.sampled_from(BRANDS), *map(st.sampled_from, (CHANNELS, TOPICS, STATES))),
    unique_by=lambda c: (c.brand, c.channel, c.topic),
    max_size=3,
)


@st.composite
def customers(draw: st.DrawFn, number: int, setting: Setting) -> Customer:
    return Customer(
        id=identity(f"customer {number}"),
        acquired_at=draw(setting.instants),
        kind=draw(st.sampled_from(["PERSON", "BUSINESS"])),
        name=draw(some_text),
        email=None if number % 3 == 0 else f"a{number}@example.com",
        city=draw(some_text),
        state=draw(some_text),
        country=draw(some_text),
        loyalty_level=draw(some_text),
        locale=draw(some_text),
        timezone=draw(st.none() | st.sampled_from(ZONES)),
        date_of_birth=draw(st.none() | setting.days),
        attributes=draw(attributes),
        engagement_score=draw(scores),
        risk_score=draw(scores),
        tags=draw(st.sets(texts.filter(bool), max_size=3)),
        brands=draw(st.sets(st.sampled_from(BRANDS))),
        segments=draw(st.sets(st.sampled_from(SEGMENTS))),
        facts=draw(st.lists(facts(setting), max_size=6)),
        spells=draw(spells(setting)),
        messages=draw(messages(setting)),
        consents=draw(consents),
    )


@st.composite
def worlds(draw: st.DrawFn, setting: Setting) -> World:
    size = draw(st.integers(1, 8))
    return World(setting.zone, setting.now, [draw(customers(number, setting)) for number in range(size)])


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, list[Json]]:
    """A world and some conditions to ask about it."""
    setting = draw(settings)
    return draw(worlds(setting)), draw(st.lists(conditions(setting), min_size=1, max_size=8))


# conditions

numbers = st.sampled_from(NUMBERS)


def _ordered(pair: tuple[str, str]) -> Json:
    low, high = sorted(pair, key=Decimal)
    return {"min": low, "max": high}


number_ranges = st.tuples(numbers, numbers).map(_ordered)


def day_ranges(setting: Setting) -> st.SearchStrategy[Json]:
    return st.tuples(setting.days.map(str), setting.days.map(str)).map(sorted).map(lambda r: {"min": r[0], "max": r[1]})


def operands(field: Field, operator: str, setting: Setting) -> st.SearchStrategy[Any]:
    if operator == "isNull":
        return st.booleans()
    if operator == "between":
        return number_ranges if field.type is FieldType.NUMBER else day_ranges(setting)
    if operator in ("withinDays", "olderThanDays"):
        return setting.day_counts
    if operator == "anniversaryWithinDays":
        return st.sampled_from([0, 1, 7, 31, 365])
    if operator in ("before", "after"):
        return setting.days.map(str)
    if field.type is FieldType.NUMBER:
        several = st.lists(numbers, min_size=1, max_size=3, unique=True)
        return several if operator in ("in", "notIn") else numbers
    known = st.sampled_from(field.values) if field.values else texts
    if operator in ("in", "notIn", "anyOf", "noneOf", "allOf"):
        return st.lists(known, min_size=1, max_size=3, unique=True)
    return known if operator in ("eq", "ne") else texts.filter(bool)


def field_leaves(registry: dict[str, Field], prefix: str, kinds: str, setting: Setting) -> st.SearchStrategy[Json]:
    own = [Field(f"{prefix}{key}", FieldType(kind.upper()), key) for key in KEYS for kind in kinds.split()]

    def compared(field: Field) -> st.SearchStrategy[Json]:
        tests = [
            st.fixed_dictionaries({str(operator): operands(field, operator, setting)}) for operator in field.operators
        ]
        return st.one_of(tests).map(lambda test: {field.type.lower(): {"field": field.key, "is": test}})

    return st.sampled_from([*registry.values(), *own, *own]).flatmap(compared)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def present(members: Json) -> Json:
    return {key: value for key, value in members.items() if value is not None}


@st.composite
def fact_leaves(draw: st.DrawFn, setting: Setting) -> Json:
    kind = draw(
        st.sampled_from(["ORDER", "ORDER", "REFUND", "APPOINTMENT", "CALL", "VISIT", "TICKET", *REACTIONS, "CUSTOM"])
    )
    window = draw(st.sampled_from(["withinDays", "between", "none"]))
    filters = field_leaves(FACT_FIELDS, "properties.", "number text", setting)
    number = Field("", FieldType.NUMBER, "")
    operator = draw(st.sampled_from(OPERATORS[FieldType.NUMBER]))
    leaf = {
        "kind": kind,
        "name": draw(optional(st.sampled_from(NAMES))) if kind == "CUSTOM" else None,
        "aggregate": draw(st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MAX", "DISTINCT_DAYS"])),
        "of": draw(st.sampled_from([None, "DURATION_SECONDS"])) if kind == "CALL" else None,
        "where": draw(st.lists(filters, max_size=2)) or None,
        "withinDays": draw(setting.day_counts) if window == "withinDays" else None,
        "between": draw(day_ranges(setting)) if window == "between" else None,
        "is": {str(operator): draw(operands(number, operator, setting))},
    }
    return {"fact": present(leaf)}


def spell_leaves(setting: Setting) -> st.SearchStrategy[Json]:
    keys = st.lists(st.sampled_from(STAGES), min_size=1, max_size=2, unique=True)
    return _leaf("stage", {"in": keys}, {"enteredWithinDays": setting.day_counts})


def message_leaves(setting: Setting) -> st.SearchStrategy[Json]:
    return _leaf(
        "message",
        {"was": st.sampled_from(["SENT", "FAILED", "SKIPPED", "OPENED", "CLICKED", "NOT_OPENED", "NOT_CLICKED"])},
        {
            "channel": st.sampled_from(CHANNELS),
            "campaign": st.sampled_from([str(id_) for id_ in CAMPAIGNS.values()]),
            "withinDays": setting.day_counts,
        },
    )


def _leaf(kind: str, members: Json, optional_members: Json) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(members, optional=optional_members).map(lambda leaf: {kind: leaf})


consent_leaves = _leaf(
    "consent",
    {"channel": st.sampled_from(CHANNELS), "topic": st.sampled_from(TOPICS), "state": st.sampled_from(STATES)},
    {"brand": st.sampled_from([str(brand) for brand in BRANDS])},
)
percentile_leaves = st.builds(
    lambda field, top: {"percentile": {"field": field, "top": top}},
    st.sampled_from([field.key for field in FIELDS.values() if field.type is FieldType.NUMBER]),
    st.sampled_from(["0.5", "20", "33.4", "50", "99.99", "100"]),
)
bucket_leaves = st.builds(
    lambda salt, ends: {"bucket": {"salt": salt, "from": min(ends), "to": max(ends)}},
    texts.filter(bool),
    st.tuples(*[st.integers(0, 10_000)] * 2).filter(lambda ends: ends[0] != ends[1]),
)


@cache
def conditions(setting: Setting) -> st.SearchStrategy[Json]:
    """Trees of every leaf kind; fields and facts more often, because they have the most to say."""
    fields = field_leaves(FIELDS, "attributes.", "number text date set", setting)
    leaves: st.SearchStrategy[Json] = st.one_of(
        fields,
        fields,
        fields,
        fact_leaves(setting),
        fact_leaves(setting),
        st.just({"everyone": True}),
        st.sampled_from([{"inSegment": str(segment)} for segment in SEGMENTS]),
        spell_leaves(setting),
        message_leaves(setting),
        consent_leaves,
        percentile_leaves,
        bucket_leaves,
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"not": inner}),
        ),
        max_leaves=4,
    )
