"""Says a condition in plain English."""

from collections.abc import Mapping
from datetime import date
from typing import assert_never
from uuid import UUID

from domain.conditions import tree
from domain.conditions.canonical import decimal_text
from domain.conditions.fields import FIELDS, Field, FieldType, fact_field, field
from domain.conditions.phrases import compared, last_days, listed, quoted
from domain.conditions.tree import Condition, FactLeaf, Leaf
from domain.facts import FactKind

Names = Mapping[UUID, str]


def sentence(condition: Condition, names: Names | None = None) -> str:
    """E.g. "lifetime value is at least 1000 and (city is "Berlin" or tags include any of "vip")".

    names: of the segments, brands and campaigns that the condition refers to; an id stands for a missing one.
    """
    return _sentence(condition, names or {})


def _sentence(condition: Condition, names: Names) -> str:
    match condition:
        case tree.All(conditions):
            return " and ".join(_inner(inner, names) for inner in conditions)
        case tree.AnyOf(conditions):
            return " or ".join(_inner(inner, names) for inner in conditions)
        case tree.Not(inner):
            return f"not ({_sentence(inner, names)})"
        case tree.Everyone():
            return "every customer"
        case leaf:
            return _leaf(leaf, names)


def _inner(condition: Condition, names: Names) -> str:
    """Inside a group, another group of several needs parentheses."""
    text = _sentence(condition, names)
    several = isinstance(condition, tree.All | tree.AnyOf) and len(condition.conditions) > 1
    return f"({text})" if several else text


def _leaf(leaf: Leaf, names: Names) -> str:
    match leaf:
        case tree.NumberLeaf() | tree.TextLeaf() | tree.DateLeaf() | tree.SetLeaf():
            return compared(field(leaf.field, _TYPES[type(leaf)]), leaf.comparison)
        case tree.FactLeaf():
            return _fact(leaf)
        case tree.InSegment(segment_id):
            return f"is in segment {_named(segment_id, names)}"
        case tree.StageLeaf(keys, within):
            since = "" if within is None else f", entered {last_days(within)}"
            return f"is in stage {listed(keys, 'or')}{since}"
        case tree.MessageLeaf():
            return _message(leaf, names)
        case tree.ConsentLeaf(channel, topic, state, brand_id):
            brand = "" if brand_id is None else f" of brand {_named(brand_id, names)}"
            return f"consent to {quoted(topic)} by {_CHANNELS[channel]}{brand} is {state.lower()}"
        case tree.Percentile(key, top):
            return f"is in the top {decimal_text(top)} % by {FIELDS[key].label}"
        case tree.Bucket(salt, start, end):
            return f"is in buckets {start:,} to {end - 1:,} of 10,000 by {quoted(salt)}"
        case _:
            assert_never(leaf)


_TYPES: dict[type, FieldType] = {
    tree.NumberLeaf: FieldType.NUMBER,
    tree.TextLeaf: FieldType.TEXT,
    tree.DateLeaf: FieldType.DATE,
    tree.SetLeaf: FieldType.SET,
}
_CHANNELS = {
    tree.Channel.EMAIL: "e-mail",
    tree.Channel.SMS: "SMS",
    tree.Channel.PUSH: "push",
    tree.Channel.WALLET: "wallet",
    tree.Channel.WEBHOOK: "webhook",
}
_OUTCOMES = {
    tree.MessageOutcome.SENT: "was sent",
    tree.MessageOutcome.FAILED: "could not be sent",
    tree.MessageOutcome.SKIPPED: "was left out of",
    tree.MessageOutcome.DELIVERED: "got",
    tree.MessageOutcome.OPENED: "opened",
    tree.MessageOutcome.CLICKED: "followed a link of",
    tree.MessageOutcome.BOUNCED: "did not get, because it came back,",
    tree.MessageOutcome.REPLIED: "answered",
    tree.MessageOutcome.NOT_OPENED: "was sent and did not open",
    tree.MessageOutcome.NOT_CLICKED: "was sent and followed no link of",
}
_FACTS = {
    FactKind.ORDER: "orders",
    FactKind.REFUND: "refunds",
    FactKind.APPOINTMENT: "appointments",
    FactKind.CALL: "calls",
    FactKind.VISIT: "visits",
    FactKind.TICKET: "tickets",
    FactKind.CLICK: "clicks",
    FactKind.INBOUND_MESSAGE: "inbound messages",
    FactKind.CUSTOM: "custom events",
}
_AGGREGATES = {
    tree.Aggregate.COUNT: "number",
    tree.Aggregate.SUM: "total {of}",
    tree.Aggregate.AVG: "average {of}",
    tree.Aggregate.MIN: "smallest {of}",
    tree.Aggregate.MAX: "largest {of}",
    tree.Aggregate.DISTINCT_DAYS: "number of days",
}
_MEASURES = {tree.Measure.AMOUNT: "amount", tree.Measure.DURATION_SECONDS: "duration in seconds"}


def _fact(leaf: FactLeaf) -> str:
    what = quoted(leaf.name) + " events" if leaf.name else _FACTS[leaf.kind]
    joint = "with" if leaf.aggregate is tree.Aggregate.DISTINCT_DAYS else "of"
    aggregate = _AGGREGATES[leaf.aggregate].format(of=_MEASURES[leaf.of])
    where = " and ".join(
        compared(fact_field(inner.field, _TYPES[type(inner)]), inner.comparison) for inner in leaf.where
    )
    subject = f"{aggregate} {joint} {what}{_when(leaf)}{f' (whose {where})' if where else ''}"
    return compared(Field("", FieldType.NUMBER, subject), leaf.comparison)


def _when(leaf: FactLeaf) -> str:
    if leaf.within_days is not None:
        return f" {last_days(leaf.within_days)}"
    if leaf.between is not None and isinstance(leaf.between.min, date):
        return f" from {leaf.between.min} to {leaf.between.max}"
    return ""


def _message(leaf: tree.MessageLeaf, names: Names) -> str:
    kind = "" if leaf.channel is None else _CHANNELS[leaf.channel]
    channel = f"{'an' if kind in ('e-mail', 'SMS') else 'a'} {kind}".strip()
    campaign = "" if leaf.campaign_id is None else f" of campaign {_named(leaf.campaign_id, names)}"
    when = "" if leaf.within_days is None else f" {last_days(leaf.within_days)}"
    return f"{_OUTCOMES[leaf.was]} {channel} message{campaign}{when}"


def _named(identity: UUID, names: Names) -> str:
    return quoted(names.get(identity, str(identity)))
