"""The values of an operation's variables, by signatures that are made once for each operation.

graphql-core reads the types of variables from the document anew for each request, which a small query feels.
"""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, is_leaf_type, is_non_null_type
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.pyutils import Undefined

NO_VARIABLES = VariableValues({}, {})


class Variables:
    """Of one operation; `of` says None for values that do not fit, which the executor tells."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema, self._nodes = schema, operation.variable_definitions or ()
        # Name, signature, the type without its `!`, and whether there is one.
        self._leaves: list[tuple[str, Any, Any, bool]] | None = []
        for node in self._nodes:
            signature = get_variable_signature(schema, node)
            if isinstance(signature, GraphQLError) or not _is_leaf(signature.type):
                # What is nested is looked at by graphql-core, which knows how deep it may be.
                self._leaves = None
                return
            bare: Any = signature.type
            required = is_non_null_type(bare)
            self._leaves.append((node.variable.name.value, signature, bare.of_type if required else bare, required))

    def of(self, given: Mapping[str, Any] | None) -> VariableValues | None:
        if not self._nodes:
            return NO_VARIABLES
        inputs = given or {}
        if self._leaves is None:
            return self._ordinary(inputs)
        sources, coerced = {}, {}
        for name, signature, bare, required in self._leaves:
            if name not in inputs:
                return self._ordinary(inputs)
            value = inputs[name]
            fitting = Undefined if value is None and required else _fitting(bare, value)
            if fitting is Undefined:
                return None
            sources[name], coerced[name] = VariableValueSource(signature, value), fitting
        return VariableValues(sources, coerced)

    def _ordinary(self, inputs: Mapping[str, Any]) -> VariableValues | None:
        values = get_variable_values(self._schema, self._nodes, dict(inputs))
        return None if isinstance(values, list) else values


def _fitting(leaf: Any, value: Any) -> Any:
    """As graphql-core's coerce_input_value has it for a scalar or an enum."""
    try:
        return None if value is None else leaf.coerce_input_value(value)
    except Exception:
        return Undefined


def _is_leaf(type_: Any) -> bool:
    return is_leaf_type(type_.of_type if is_non_null_type(type_) else type_)
