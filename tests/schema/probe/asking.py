"""Operations over the schema as it is, one for each place where an argument may name something."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationType,
    get_named_type,
    is_leaf_type,
)

from resolvers.ids import split_id
from tests.schema.operations import GRAPHQL, _literal, is_one_of

# Levels of a selection where nothing is named, where something is, and of input objects within each other.
WIDEST = 3
WIDE = 1
LEAST = 1
INPUT_DEPTH = 4
PAGE = 3
_KINDS = {kind.value: kind for kind in OperationType}

# The value of a named leaf: of one of these types (global id types), or a text.
Naming = Callable[[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class Question:
    """An operation and the literal in it that names what is not the caller's; None: it names nothing."""

    field: str
    document: str
    named: str | None = None


def questions(kind: str, naming: Naming, others: Naming, *, only: str | None = None) -> Iterator[Question]:
    """kind: query, mutation or subscription. For each root field: once as it is, and once for each place and name.

    naming: literals for one leaf of a name and type; others: the same for the leaves beside it, the first is taken.
    """
    root = GRAPHQL.get_root_type(_KINDS[kind])
    for name, field in sorted((root.fields if root else {}).items()):
        if only in (None, name):
            for arguments, named in _arguments(field, naming, others):
                levels = WIDEST if kind == "query" and not named else WIDE if kind == "query" else LEAST
                selected = _selected(get_named_type(field.type), named, levels)
                yield Question(name, f"{kind} {{ f: {name}{arguments}{selected} }}", named)


def _selected(type_: GraphQLNamedType, named: str | None, levels: int) -> str:
    """Where any object may be the answer, only what the named id is an id of: other fragments say nothing then."""
    one = GRAPHQL.type_map.get(split_id((named or "").strip('"'))[0])
    if isinstance(type_, GraphQLInterfaceType) and one is not None:
        return f" {{ __typename ... on {one.name}{_selection(one, levels, ())} }}"
    return _selection(type_, levels, ())


def _selection(type_: GraphQLNamedType, depth: int, above: tuple[str, ...], mark: str = "") -> str:
    if is_leaf_type(type_):
        return ""
    if isinstance(type_, GraphQLInterfaceType):
        parts = [f"... on {one.name}{_selection(one, depth, above)}" for one in GRAPHQL.get_possible_types(type_)]
        return f" {{ __typename {' '.join(parts)} }}"
    if not isinstance(type_, GraphQLObjectType):  # a union, whose types call different things the same
        possible = GRAPHQL.get_possible_types(type_)  # type: ignore[arg-type]  # a union has possible types
        parts = [f"... on {one.name}{_selection(one, depth, above, f'{one.name}_')}" for one in possible]
        return f" {{ __typename {' '.join(parts)} }}"
    fields = {name: _field(name, field, depth, (*above, type_.name)) for name, field in type_.fields.items()}
    marked = (f"{mark and f'{mark}{name}: '}{field}" for name, field in fields.items() if field)
    return f" {{ __typename {' '.join(marked)} }}"


def _field(name: str, field: GraphQLField, depth: int, above: tuple[str, ...]) -> str:
    named = get_named_type(field.type)
    if is_leaf_type(named):
        return "" if _required(field) else name
    if depth == 0 or named.name in above or named.name == "Query" or _required(field):
        return ""
    page = f"(first: {PAGE})" if "first" in field.args else ""
    return f"{name}{page}{_selection(named, depth - 1, above)}"


def _required(field: GraphQLField) -> bool:
    return any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values())


def _arguments(field: GraphQLField, naming: Naming, others: Naming) -> Iterator[tuple[str, str | None]]:
    """The arguments as they must be, and with one more leaf named in each way."""
    least = {
        name: _least(name, argument.type, others, ())
        for name, argument in field.args.items()
        if isinstance(argument.type, GraphQLNonNull)
    }
    if "first" in field.args:
        least["first"] = str(PAGE)
    yield _written(least), None
    for name, argument in field.args.items():
        for literal, named in _named(name, argument.type, naming, others, ()):
            yield _written({**least, name: literal}), named


def _written(arguments: dict[str, str]) -> str:
    return f"({', '.join(f'{name}: {value}' for name, value in arguments.items())})" if arguments else ""


def _named(
    name: str, type_: Any, naming: Naming, others: Naming, above: tuple[str, ...]
) -> Iterator[tuple[str, str | None]]:
    """Literals of this type, each with one leaf that names something; the rest is the least that must be."""
    bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(bare, GraphQLList):
        for literal, named in _named(name, bare.of_type, naming, others, above):
            yield f"[{literal}]", named
    elif isinstance(bare, GraphQLInputObjectType):
        if len(above) < INPUT_DEPTH and bare.name not in above:
            yield from _named_inside(bare, naming, others, (*above, bare.name))
    elif bare.name in ("ID", "String"):
        for literal in naming(name, bare.name):
            yield literal, literal


def _named_inside(
    type_: GraphQLInputObjectType, naming: Naming, others: Naming, above: tuple[str, ...]
) -> Iterator[tuple[str, str | None]]:
    least = _least_of(type_, others, above)
    for name, field in type_.fields.items():
        for literal, named in _named(name, field.type, naming, others, above):
            given = {name: literal} if is_one_of(type_) else {**least, name: literal}
            yield "{" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}", named


def _least(name: str, type_: Any, others: Naming, above: tuple[str, ...]) -> str:
    bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(bare, GraphQLList):
        return f"[{_least(name, bare.of_type, others, above)}]"
    if isinstance(bare, GraphQLInputObjectType):
        given = _least_of(bare, others, (*above, bare.name))
        return "{" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}"
    if bare.name in ("ID", "String"):
        return (others(name, bare.name) or [json.dumps("a")])[0]
    return _literal(Random(name), lambda *_: None, name, bare)


def _least_of(type_: GraphQLInputObjectType, others: Naming, above: tuple[str, ...]) -> dict[str, str]:
    if is_one_of(type_):
        name = next((n for n, f in type_.fields.items() if get_named_type(f.type).name not in above), None)
        return {} if name is None else {name: _least(name, type_.fields[name].type, others, above)}
    required = {name: field for name, field in type_.fields.items() if isinstance(field.type, GraphQLNonNull)}
    return {name: _least(name, field.type, others, above) for name, field in required.items()}
