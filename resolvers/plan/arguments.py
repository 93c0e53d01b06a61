"""The arguments of a root field for its resolver, converted once where the document alone decides them."""

from functools import cache
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
    visit,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter

from resolvers.plan.inputs import Inputs

BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF


class Arguments:
    """What a field's resolver is called with, as Strawberry would call it, given the values of variables."""

    def __init__(self, schema: GraphQLSchema, definition: GraphQLField, node: FieldNode) -> None:
        strawberry = schema.extensions[BACKREF]
        inputs = inputs_of(strawberry)
        name_of = strawberry.config.name_converter.from_argument
        self._definition, self._node = definition, node
        self._declared = {
            name_of(argument): (argument.python_name, inputs.converter(argument.type))
            for argument in definition.extensions[BACKREF].arguments
        }
        self._fixed = None if mentions_variables(node) else self._converted(None)

    def of(self, variables: VariableValues) -> dict[str, Any]:
        """By the resolver's own names; raises GraphQLError for values that do not fit."""
        return dict(self._fixed) if self._fixed is not None else self._converted(variables)

    def _converted(self, variables: VariableValues | None) -> dict[str, Any]:
        converted = {}
        for name, value in get_argument_values(self._definition, self._node, variables).items():
            python_name, convert = self._declared[name]
            converted[python_name] = convert(value)
        return converted


@cache
def inputs_of(strawberry: Any) -> Inputs:
    """The converters of a schema, which lives as long as the process."""
    return Inputs(strawberry)


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
