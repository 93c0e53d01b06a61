"""From a mutation at work to its line in the audit log: one place for every deed, whoever wrote the command."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import FieldNode, GraphQLInterfaceType, GraphQLSchema, value_from_ast_untyped

from domain.audit import Deed, Named, details_of, target_of
from resolvers.ids import split_id

_WORD = re.compile(r"[A-Z]?[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Act:
    """The mutation field that is being executed, with its variables; looked into only once it has done something."""

    schema: GraphQLSchema
    node: FieldNode
    variables: Mapping[str, Any]

    def deed(self, made: object, actor: str, request_id: str) -> Deed:
        """made: what the command answered with."""
        given = self._given()
        types = _types(self.schema)
        named = {name: ids for name, value in given.items() if (ids := _ids(value, types))}
        action = self.node.name.value
        target = target_of(_made(made), noun(action, types), named)
        return Deed(action, actor, target, details_of(given, named), request_id)

    def _given(self) -> dict[str, Any]:
        """What the input says at its first level, by the names that clients use."""
        values = [
            value_from_ast_untyped(argument.value, dict(self.variables)) for argument in self.node.arguments or ()
        ]
        pairs = [pair for given in values if isinstance(given, dict) for pair in given.items()]
        # Variables come with the defaults of what was left out.
        return {name: value for name, value in pairs if value is not None}


def noun(action: str, types: Iterable[str]) -> str | None:
    """The type a mutation is about: apiKeyRevoke -> ApiKey, customersUpsert -> Customer, signIn -> None."""
    words = [word.capitalize() for word in _WORD.findall(action)]
    known = set(types)
    for number in range(len(words), 0, -1):
        name = "".join(words[:number])
        for candidate in (name, name.removesuffix("s")):
            if candidate in known:
                return candidate
    return None


def _types(schema: GraphQLSchema) -> list[str]:
    interface = schema.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    return [type_.name for type_ in schema.get_possible_types(interface)]


def _ids(value: object, types: Iterable[str]) -> list[Named]:
    """The global ids in a value that is one or a list of them."""
    texts = value if isinstance(value, list) else [value]
    named = [split_id(text) for text in texts if isinstance(text, str)]
    return [one for one in named if one[0] in types]


def _made(value: object) -> UUID | None:
    """The row that a command answered with: commands give its id, alone or before what else there is to say."""
    if isinstance(value, UUID):
        return value
    if isinstance(value, tuple) and value and isinstance(value[0], UUID):
        return value[0]
    return getattr(value, "segment_id", None)
