"""What Schemathesis has to know of our values: how scalars look, and the rules that a GraphQL schema cannot say.

Documents that are meant to be valid are made to obey those rules: one member in each @oneOf input, first or last but
not both, pages of 1 to 250, conditions over fields that there are. Those meant to be invalid stay as they are.
"""

import datetime
import json
import os
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen
from uuid import uuid4

import graphql
import schemathesis
from graphql import parse_value
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar


def _some_segment() -> str:
    """The id of a segment that there is."""
    headers = {"Authorization": f"Bearer {os.environ['WAYFARE_KEY']}", "Content-Type": "application/json"}
    body = json.dumps({"query": "{ segments(first: 1) { nodes { id } } }"}).encode()
    with urlopen(Request(os.environ["WAYFARE_URL"], body, headers)) as answer:
        return str(json.load(answer)["data"]["segments"]["nodes"][0]["id"])


Node = TypeVar("Node", bound=graphql.Node)
SCHEMA = graphql.build_schema((Path(__file__).parents[3] / "schema" / "schema.graphql").read_text())
POSITIVE = os.environ.get("SCHEMATHESIS_MODE") == "positive"
SIZES = {"first": (1, 250), "last": (1, 250), "sample": (0, 50)}
CURSORS = ("after", "before")
NEVER_EMPTY = {"includeSegmentIds": '["x"]', "inStage": '["at_risk"]'}
# Arguments that have to agree with each other, and values at which they do.
RANGE = {"from": '"2026-01-01"', "to": '"2026-06-30"'}
DEFINITION = {"condition", "criteria", "conditions", "template"}
AGREEING: dict[str, tuple[dict[str, str], set[str]]] = {
    "segmentOverlap": ({"ids": f'["{_some_segment()}"]'}, set()),
    "suppression": ({"address": '"gone@x.example"', "channel": "EMAIL"}, set()),
    "templatePreview": ({"templateId": '"x"', "locale": '"de"'}, {"draft"}),
}
# Fields of which one at least has to be there.
SOME = {"CampaignAudienceInput": ("includeSegmentIds", '["x"]')}
TEXTS = {"topic": "marketing"}
# A value of a kind whose rules are many: which fields there are, ranges, lists that are never empty.
KNOWN = {
    "SegmentConditionInput": [
        "{everyone: true}",
        '{text: {field: "name", is: {contains: "a"}}}',
        '{any: [{inSegment: "x"}, {not: {date: {field: "lastOrderAt", is: {withinDays: 30}}}}]}',
    ],
    "CustomerWhereInput": [
        "{city: {isNull: false}, NOT: {kind: BUSINESS}}",
        '{OR: [{lifetimeValue: {gte: "100"}}, {inStage: ["at_risk"]}]}',
        '{AND: [{tags: {anyOf: ["vip"]}}, {riskScore: {gte: "0.5"}}]}',
    ],
    "TextComparisonInput": ['{contains: "a"}', '{in: ["a", "b"]}', "{isNull: true}"],
    "NumberComparisonInput": ['{gte: "1"}', '{between: {min: "1", max: "2.50"}}'],
    "DateComparisonInput": ["{withinDays: 30}", '{before: "2026-01-31"}'],
    "SetComparisonInput": ['{anyOf: ["a"]}', '{noneOf: ["a", "b"]}'],
}


def _text(values: Any) -> Any:
    return values.map(str).map(nodes.String)


_days = st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31))
_instants = st.datetimes(
    datetime.datetime(1900, 1, 2),  # noqa: DTZ001 - bounds are without a zone, the values have one
    datetime.datetime(2199, 12, 30),  # noqa: DTZ001 - as above
    timezones=st.just(datetime.UTC),
)
scalar("BigInt", _text(st.integers(-(10**17), 10**17)))
scalar("Decimal", _text(st.integers(-(10**11), 10**11).map(lambda cents: f"{cents // 100}.{cents % 100:02}")))
scalar("Date", _text(_days))
scalar("DateTime", _text(_instants.map(datetime.datetime.isoformat)))
scalar("JSON", st.just(parse_value("{}")) | st.integers(0, 9).map(lambda n: parse_value(f"{{key: {n}}}")))


@schemathesis.hook  # type: ignore[untyped-decorator]  # Schemathesis is not installed where types are checked
def before_call(_context: Any, case: Any, _options: Any) -> None:
    """What may not happen twice needs a key; each request is one of its own."""
    case.headers = {**(case.headers or {}), "Idempotency-Key": str(uuid4())}


@schemathesis.hook  # type: ignore[untyped-decorator]  # Schemathesis is not installed where types are checked
def map_body(_context: Any, body: Any) -> Any:
    if not POSITIVE or not isinstance(body, graphql.DocumentNode):
        return body
    types = graphql.TypeInfo(SCHEMA)
    return graphql.visit(body, graphql.TypeInfoVisitor(types, Obedient(types)))


class Obedient(graphql.Visitor):
    """Rewrites arguments so that they obey."""

    def __init__(self, types: graphql.TypeInfo) -> None:
        super().__init__()
        self.types = types

    def enter_field(self, node: graphql.FieldNode, *_: Any) -> graphql.FieldNode:
        field = self.types.get_field_def()
        if field is None or not node.arguments:
            return node
        given = {argument.name.value: argument for argument in node.arguments}
        if "first" in field.args:
            for name in (*CURSORS, "last" if "first" in given else ""):
                given.pop(name, None)
        values, instead_of = AGREEING.get(node.name.value, (RANGE if RANGE.keys() <= field.args.keys() else {}, set()))
        if field.args.keys() >= DEFINITION:
            values, instead_of = {**values, "condition": "{everyone: true}"}, DEFINITION
        given = {name: argument for name, argument in given.items() if name not in instead_of}
        given |= {name: _argument(name, value) for name, value in values.items()}
        changed = [
            _with(argument, value=_obeying(argument.value, field.args[name].type, name))
            for name, argument in given.items()
        ]
        return _with(node, arguments=tuple(changed))


def _obeying(value: graphql.ValueNode, type_: Any, name: str) -> graphql.ValueNode:
    """The value with what is beneath it made to obey; `name` is the argument's or the field's."""
    if isinstance(type_, graphql.GraphQLNonNull):
        return _obeying(value, type_.of_type, name)
    if name in NEVER_EMPTY and isinstance(value, graphql.ListValueNode) and not value.values:
        return parse_value(NEVER_EMPTY[name])
    if isinstance(value, graphql.ListValueNode) and isinstance(type_, graphql.GraphQLList):
        return _with(value, values=tuple(_obeying(item, type_.of_type, name) for item in value.values[:20]))
    if isinstance(value, graphql.StringValueNode) and name in TEXTS:
        return graphql.StringValueNode(value=TEXTS[name])
    if isinstance(value, graphql.IntValueNode) and name in SIZES:
        low, high = SIZES[name]
        return graphql.IntValueNode(value=str(low + abs(int(value.value)) % (high - low + 1)))
    if isinstance(value, graphql.ObjectValueNode) and isinstance(type_, graphql.GraphQLInputObjectType):
        return _obeying_object(value, type_)
    return value


def _obeying_object(value: graphql.ObjectValueNode, type_: graphql.GraphQLInputObjectType) -> graphql.ValueNode:
    if type_.name in KNOWN:
        known = KNOWN[type_.name]
        return parse_value(known[len(graphql.print_ast(value)) % len(known)])
    fields = [
        _with(field, value=_obeying(field.value, type_.fields[field.name.value].type, field.name.value))
        for field in value.fields
        if field.name.value in type_.fields
    ]
    if type_.name in SOME and SOME[type_.name][0] not in {field.name.value for field in fields}:
        name, wanted = SOME[type_.name]
        fields.append(graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=parse_value(wanted)))
    if type_.is_one_of:
        fields = [field for field in fields if not isinstance(field.value, graphql.NullValueNode)][:1]
        fields = fields or list(parse_value(f'{{{next(iter(type_.fields))}: "x"}}').fields)  # type: ignore[attr-defined]  # an object's
    return _with(value, fields=tuple(fields))


def _with(node: Node, **changes: Any) -> Node:
    """Nodes may be frozen, so a copy is made."""
    return type(node)(**({key: getattr(node, key) for key in node.keys} | changes))


def _argument(name: str, value: str) -> graphql.ArgumentNode:
    return graphql.ArgumentNode(name=graphql.NameNode(value=name), value=parse_value(value))
