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
    is_non_null_type,
    visit,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined
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
        self._plain = _plain(definition, node)
        self._fixed = None if self._plain is None else self._named(_without_variables(definition, node))

    def of(self, variables: VariableValues) -> dict[str, Any]:
        """By the resolver's own names; raises GraphQLError for values that do not fit."""
        if self._fixed is None or self._plain is None:
            return self._converted(variables)
        converted = self._fixed.copy()
        for name, variable, required in self._plain:
            if variable in variables.coerced:
                value = variables.coerced[variable]
                if value is None and required:
                    return self._converted(variables)
                python_name, convert = self._declared[name]
                converted[python_name] = convert(value)
            elif required or self._definition.args[name].default_value is not Undefined:
                return self._converted(variables)
        return converted

    def _converted(self, variables: VariableValues) -> dict[str, Any]:
        return self._named(get_argument_values(self._definition, self._node, variables))

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        converted = {}
        for name, value in values.items():
            python_name, convert = self._declared[name]
            converted[python_name] = convert(value)
        return converted


def _plain(definition: GraphQLField, node: FieldNode) -> list[tuple[str, str, bool]] | None:
    """The arguments that are nothing but a variable: their names, the variable's, and whether null is refused.

    None when a variable stands inside a value: such a value is put together anew each time.
    """
    found = []
    for argument in node.arguments or ():
        if isinstance(argument.value, VariableNode):
            required = is_non_null_type(definition.args[argument.name.value].type)
            found.append((argument.name.value, argument.value.name.value, required))
        elif _depends(argument.value):
            return None
    return found


def _without_variables(definition: GraphQLField, node: FieldNode) -> dict[str, Any]:
    """What the document alone says of the other arguments, and their defaults."""
    given = [one for one in node.arguments or () if not isinstance(one.value, VariableNode)]
    varying = {one.name.value for one in node.arguments or ()} - {one.name.value for one in given}
    others = {name: argument for name, argument in definition.args.items() if name not in varying}
    return get_argument_values(
        GraphQLField(definition.type, others), FieldNode(name=node.name, arguments=tuple(given)), None
    )


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
