"""How Postgres writes each scalar as JSON so that clients see the same as from the scalar's own serializer."""

from collections.abc import Callable

from graphql import GraphQLEnumType, GraphQLLeafType

from db.plans.base64url import base64url_of_id


def _as_it_is(expression: str) -> str:
    return expression


def _text(expression: str) -> str:
    return f"({expression})::text"


def _instant(expression: str) -> str:
    return f"""to_char({expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


_SCALARS: dict[str, Callable[[str], str]] = {
    "BigInt": _text,
    "Boolean": _as_it_is,
    "Date": _text,
    "DateTime": _instant,
    "Decimal": _text,
    "ID": _text,
    "Int": _as_it_is,
    "JSON": _as_it_is,
    "String": _as_it_is,
}


def json_expression(leaf: GraphQLLeafType, expression: str) -> str | None:
    """The expression of a column as this type's JSON, or None for types that SQL does not write here."""
    if isinstance(leaf, GraphQLEnumType):
        # Stored as the name itself; anything else is left to the executor.
        plain = all(str(value.value) == name for name, value in leaf.values.items())
        return expression if plain else None
    write = _SCALARS.get(leaf.name)
    return write(expression) if write else None


def global_id(type_name: str, expression: str) -> str:
    """As resolvers/ids.global_id writes it."""
    return base64url_of_id(f"{type_name}:", expression)
