"""The schema's conventions, checked on the schema itself."""

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    is_introspection_type,
    is_specified_scalar_type,
)

from schema.build import schema
from schema.conditions.shown import _made
from schema.export import main

GRAPHQL = schema._schema


def own_types() -> list[GraphQLNamedType]:
    return [
        type_
        for type_ in GRAPHQL.type_map.values()
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
    ]


def test_committed_sdl_is_current() -> None:
    assert main(["--check"]) == 0


def test_everything_has_a_description() -> None:
    missing = []
    for type_ in own_types():
        parts: dict[str, str | None] = {type_.name: type_.description}
        if isinstance(type_, GraphQLEnumType):
            parts |= {f"{type_.name}.{name}": value.description for name, value in type_.values.items()}
        if isinstance(type_, GraphQLInputObjectType):
            parts |= {f"{type_.name}.{name}": field.description for name, field in type_.fields.items()}
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in type_.fields.items():
                parts[f"{type_.name}.{name}"] = field.description
                parts |= {f"{type_.name}.{name}({key})": a.description for key, a in field.args.items()}
        missing += [name for name, description in parts.items() if not description]
    assert missing == []


def test_mutations_follow_one_shape() -> None:
    mutation = GRAPHQL.mutation_type
    assert mutation is not None
    wrong = []
    for name, field in mutation.fields.items():
        noun = name[0].upper() + name[1:]
        expected = {f"input: {noun}Input!", f"-> {noun}Payload!"}
        actual = {f"{key}: {argument.type}" for key, argument in field.args.items()} | {f"-> {field.type}"}
        payload = GRAPHQL.type_map.get(f"{noun}Payload")
        shaped = isinstance(payload, GraphQLObjectType) and {"userErrors", "query"} <= set(payload.fields)
        if expected != actual or not shaped:
            wrong.append((name, sorted(actual)))
    assert wrong == []


def test_lists_never_hold_or_are_null() -> None:
    shown = {type_.__name__ for type_ in _made.values()}
    wrong = [
        f"{type_.name}.{name}: {field.type}"
        for type_ in own_types()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in type_.fields.items()
        # What a condition does not say is null, as in the input it can go back into.
        if type_.name not in shown
        and "[" in str(field.type)
        and not str(field.type).endswith("!]!")
        and (type_.name, name) != ("Query", "nodes")
    ]
    assert wrong == []
