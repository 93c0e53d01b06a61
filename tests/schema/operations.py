"""Random operations over the schema as it is, so that every new field is covered on the day it is added."""

from collections.abc import Callable
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from schema.build import schema

GRAPHQL = schema._schema
DEPTH = 5

# What an argument of this name and type may be besides what its type suggests: a GraphQL literal.
Values = Callable[[Random, str, str], str | None]


def random_mutation(random: Random, values: Values, name: str) -> str:
    """One mutation with all it must and some of what it may say."""
    assert GRAPHQL.mutation_type is not None
    return "mutation { " + _field(random, values, name, GRAPHQL.mutation_type.fields[name], "m", 1) + " }"


def random_query(random: Random, values: Values, roots: list[str] | None = None) -> str:
    """A valid query of one to three root fields; `values` gives literals for arguments that need real ids."""
    assert GRAPHQL.query_type is not None
    names = roots or sorted(GRAPHQL.query_type.fields)
    chosen = [random.choice(names) for _ in range(random.randint(1, 3))]
    fields = [
        _field(random, values, name, GRAPHQL.query_type.fields[name], f"f{i}", 0) for i, name in enumerate(chosen)
    ]
    return "{ " + " ".join(fields) + " }"


def _field(random: Random, values: Values, name: str, field: GraphQLField, alias: str, depth: int) -> str:
    arguments = _arguments(random, values, field.args)
    return f"{alias}: {name}{arguments}{_selection(random, values, get_named_type(field.type), depth)}"


def _selection(random: Random, values: Values, type_: GraphQLNamedType, depth: int) -> str:
    if is_leaf_type(type_):
        return ""
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        possible = random.choice(GRAPHQL.get_possible_types(type_))
        return f" {{ __typename ... on {possible.name}{_selection(random, values, possible, depth)} }}"
    assert isinstance(type_, GraphQLObjectType)
    open_ = {name: field for name, field in type_.fields.items() if _may_go_on(field, depth)}
    names = random.sample(sorted(open_), min(len(open_), random.randint(1, 5)))
    inner = [_field(random, values, name, open_[name], f"{name}{i}", depth + 1) for i, name in enumerate(names)]
    return " { " + " ".join(["__typename", *inner][random.randint(0, 1 if inner else 0) :]) + " }"


def _may_go_on(field: GraphQLField, depth: int) -> bool:
    return depth < DEPTH or is_leaf_type(get_named_type(field.type))


def _arguments(random: Random, values: Values, arguments: dict[str, GraphQLArgument]) -> str:
    given = {}
    for name, argument in arguments.items():
        required = isinstance(argument.type, GraphQLNonNull)
        if required or random.random() < 0.3:
            given[name] = _literal(random, values, name, argument.type)
    if "last" in given or "before" in given:
        given = {name: value for name, value in given.items() if name not in ("first", "after")}
    return f"({', '.join(f'{name}: {value}' for name, value in given.items())})" if given else ""


def _literal(random: Random, values: Values, name: str, type_: Any) -> str:
    special = values(random, name, str(type_))
    if special is not None:
        return special
    if isinstance(type_, GraphQLNonNull):
        return _literal(random, values, name, type_.of_type)
    if isinstance(type_, GraphQLList):
        return f"[{_literal(random, values, name, type_.of_type)}]"
    if isinstance(type_, GraphQLEnumType):
        return str(random.choice(sorted(type_.values)))
    if isinstance(type_, GraphQLInputObjectType):
        return _input(random, values, type_)
    return _SCALARS[get_named_type(type_).name](random)


def is_one_of(type_: GraphQLInputObjectType) -> bool:
    """Strawberry checks it itself, so that GraphQL's own mark is not set."""
    return bool(type_.extensions["strawberry-definition"].is_one_of)


def _input(random: Random, values: Values, type_: GraphQLInputObjectType) -> str:
    names = sorted(type_.fields)
    chosen = (
        [random.choice(names)]
        if is_one_of(type_)
        else [name for name in names if isinstance(type_.fields[name].type, GraphQLNonNull) or random.random() < 0.3]
    )
    return (
        "{" + ", ".join(f"{name}: {_literal(random, values, name, type_.fields[name].type)}" for name in chosen) + "}"
    )


_SCALARS: dict[str, Callable[[Random], str]] = {
    "BigInt": lambda random: f'"{random.randint(0, 9)}"',
    "Boolean": lambda random: random.choice(["true", "false"]),
    "Date": lambda random: f'"20{random.randint(10, 26)}-01-31"',
    "DateTime": lambda random: f'"20{random.randint(10, 26)}-01-31T00:00:00Z"',
    "Decimal": lambda random: f'"{random.randint(0, 999)}.50"',
    "Float": lambda random: str(random.choice([0.0, 0.1, 0.5, 1.0, -1.5])),
    "ID": lambda random: f'"{random.choice(["x", "", "Q3VzdG9tZXI6eA"])}"',
    "Int": lambda random: str(random.choice([0, 1, 2, 3, 50, 251])),
    "JSON": lambda _random: "{}",
    "String": lambda random: f'"{random.choice(["a", "", "é", "%"])}"',
}
