"""The arguments of a root field for its resolver, converted once where the document alone decides them."""

from typing import Any

from graphql import (
    BREAK,
    FieldNode,
    GraphQLField,
    GraphQLSchema,
    ValueNode,
    VariableNode,
    Visitor,
    get_argument_values,
    get_nullable_type,
    is_scalar_type,
    visit,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryMaybe

BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF


class Arguments:
    """What a field's resolver is called with, as Strawberry would call it, given the values of variables."""

    def __init__(self, schema: GraphQLSchema, definition: GraphQLField, node: FieldNode) -> None:
        strawberry = schema.extensions[BACKREF]
        self._definition, self._node = definition, node
        self._config = strawberry.config
        self._scalars = strawberry.schema_converter.scalar_registry
        name_of = strawberry.config.name_converter.from_argument
        self._declared = {name_of(argument): argument for argument in definition.extensions[BACKREF].arguments}
        # The values of scalars are what they are; asking Strawberry for each of them takes longer than all the rest.
        self._plain = {
            name
            for name, argument in self._declared.items()
            if is_scalar_type(get_nullable_type(definition.args[name].type))
            and not isinstance(argument.type, StrawberryMaybe)
        }
        self._fixed = None if mentions_variables(node) else self._converted(None)

    def of(self, variables: VariableValues) -> dict[str, Any]:
        """By the resolver's own names; raises GraphQLError for values that do not fit."""
        return dict(self._fixed) if self._fixed is not None else self._converted(variables)

    def _converted(self, variables: VariableValues | None) -> dict[str, Any]:
        values = get_argument_values(self._definition, self._node, variables)
        return {self._declared[name].python_name: self._value(name, value) for name, value in values.items()}

    def _value(self, name: str, value: object) -> object:
        if name in self._plain:
            return value
        return convert_argument(value, self._declared[name].type, self._scalars, self._config, path=(name,))


def mentions_variables(node: FieldNode) -> bool:
    """Whether the arguments of this field, its selection left aside, depend on variables."""
    return any(_depends(argument.value) for argument in node.arguments or ())


def _depends(value: ValueNode) -> bool:
    found: list[VariableNode] = []

    class Variables(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> Any:
            found.append(node)
            return BREAK

    visit(value, Variables())
    return bool(found)
