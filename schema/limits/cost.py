"""The cost of an operation: about the most objects its answer can contain, known before anything is read.

An object costs 1, and so does a list that is no connection, because it is short by nature; a page costs its size times
what one item costs, a mutation 10 more. Page sizes may come from variables, so a cost is compiled once for each
operation to a sum of terms, each a number times the sizes of some variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)

from resolvers.paging import DEFAULT_SIZE, MAX_SIZE

MUTATION = 10
INTROSPECTION = 100

# Coefficients by the variables they are multiplied with, sorted: {(): 3, ("first",): 2} is 3 + 2 * first.
_Terms = dict[tuple[str, ...], int]
# How many there will be: a variable, or a number.
_Items = tuple[str | None, int]
# The arguments that say how many there will be.
_SIZES = ("first", "last")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one operation; `defaults` are those of its variables."""

    base: int
    terms: tuple[tuple[tuple[str, ...], int], ...]
    defaults: Mapping[str, Any]

    def of(self, variables: Mapping[str, Any] | None) -> int:
        """The cost with these variables; sizes that cannot be are left to whoever checks them."""
        if not self.terms:
            return self.base
        given = variables or {}
        total = self.base
        for names, coefficient in self.terms:
            for name in names:
                coefficient *= _size(given.get(name, self.defaults.get(name)))
            total += coefficient
        return total


def _size(value: object) -> int:
    if isinstance(value, list):
        return min(len(value), MAX_SIZE)
    if isinstance(value, int):
        return min(max(value, 0), MAX_SIZE)
    return DEFAULT_SIZE


def cost_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
    """Compiles the cost of a valid operation whose size is within bounds (schema/limits/measure.py)."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    defaults = {one.variable.name.value: _literal(one.default_value) for one in operation.variable_definitions or ()}
    root = schema.get_root_type(operation.operation)
    pricing = _Pricing(schema, fragments)
    terms = pricing.selections(root, operation.selection_set) if root else {}
    base = terms.pop((), 0)
    if operation.operation is OperationType.MUTATION:
        base += MUTATION * len(operation.selection_set.selections)
    return Cost(base, tuple(terms.items()), defaults)


@dataclass(slots=True)
class _Pricing:
    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, _Terms] = field(default_factory=dict)

    def selections(self, type_: GraphQLNamedType, node: SelectionSetNode | None, items: _Items | None = None) -> _Terms:
        """`items`: how many items the page that this selects from has."""
        total: _Terms = {}
        for selection in node.selections if node else ():
            if isinstance(selection, FieldNode):
                _add(total, self._field(type_, selection, items))
            elif isinstance(selection, InlineFragmentNode):
                _add(total, self.selections(self._narrowed(selection, type_), selection.selection_set, items))
            elif isinstance(selection, FragmentSpreadNode):
                _add(total, self._fragment(selection.name.value, items))
        return total

    def _fragment(self, name: str, items: _Items | None) -> _Terms:
        definition = self.fragments[name]
        type_ = self.schema.type_map[definition.type_condition.name.value]
        if items:  # on a connection: its price depends on the page
            return self.selections(type_, definition.selection_set, items)
        if name not in self.known:
            self.known[name] = self.selections(type_, definition.selection_set)
        return self.known[name]

    def _narrowed(self, node: InlineFragmentNode, type_: GraphQLNamedType) -> GraphQLNamedType:
        return self.schema.type_map[node.type_condition.name.value] if node.type_condition else type_

    def _field(self, parent: GraphQLNamedType, node: FieldNode, items: _Items | None) -> _Terms:
        name = node.name.value
        if name.startswith("__"):
            return {(): INTROSPECTION} if node.selection_set else {}
        definition = parent.fields.get(name) if hasattr(parent, "fields") else None
        type_ = get_named_type(definition.type) if definition else None
        if definition is None or not is_composite_type(type_):
            return {}
        if _is_connection(type_):
            return _plus_one(self.selections(type_, node.selection_set, _page(definition, node)))
        each = _plus_one(self.selections(type_, node.selection_set))
        if not _is_list(definition):
            return each
        return _times(each, items if items and name in ("edges", "nodes") else _length(node))


def _is_connection(type_: object) -> bool:
    return isinstance(type_, GraphQLObjectType) and type_.name.endswith("Connection") and "pageInfo" in type_.fields


def _is_list(definition: GraphQLField) -> bool:
    type_ = definition.type
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)


def _page(definition: GraphQLField, node: FieldNode) -> _Items:
    """How many items a connection gives: a variable or a number."""
    if "first" not in definition.args:
        return None, 1
    for argument in node.arguments or ():
        if argument.name.value in _SIZES and not isinstance(argument.value, NullValueNode):
            if isinstance(argument.value, VariableNode):
                return argument.value.name.value, 1
            return None, _size(_literal(argument.value))
    return None, DEFAULT_SIZE


def _length(node: FieldNode) -> _Items:
    """How many items a plain list gives: as many as are asked for by id, else it counts as one."""
    for argument in node.arguments or ():
        if argument.name.value == "ids":
            if isinstance(argument.value, VariableNode):
                return argument.value.name.value, 1
            if isinstance(argument.value, ListValueNode):
                return None, min(len(argument.value.values), MAX_SIZE)
    return None, 1


def _literal(value: object) -> object:
    if isinstance(value, IntValueNode):
        return int(value.value)
    return list(value.values) if isinstance(value, ListValueNode) else None


def _add(total: _Terms, more: _Terms) -> None:
    for names, coefficient in more.items():
        total[names] = total.get(names, 0) + coefficient


def _plus_one(terms: _Terms) -> _Terms:
    return {**terms, (): terms.get((), 0) + 1}


def _times(terms: _Terms, items: _Items) -> _Terms:
    name, number = items
    if name is None:
        return {names: coefficient * number for names, coefficient in terms.items()}
    return {tuple(sorted((*names, name))): coefficient for names, coefficient in terms.items()}
