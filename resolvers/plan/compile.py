"""From a selection on a reading to the tree that db/plans writes as SQL."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetailsList

from db.plans.tree import (
    Branch,
    Constant,
    Edges,
    Info,
    Leaf,
    Nodes,
    Number,
    Object,
    PageInfo,
    Part,
    Read,
    Shape,
    Total,
)
from db.records import expression_of
from db.relations import Relation
from resolvers.paging import PageArguments
from resolvers.plan.arguments import Arguments
from resolvers.plan.fallbacks import Reason
from resolvers.plan.leaves import global_id, json_expression
from resolvers.readings import GLOBAL_ID, READS, Reads

# Postgres cuts longer names off.
MAX_KEY = 63

SubFields = Callable[[GraphQLObjectType, FieldDetailsList], dict[str, FieldDetailsList]]


class UnplannableError(Exception):
    """Something that only a resolver can answer is selected: `reason` for metrics, the text for people."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Connection:
    """A field whose arguments make a reading's window.

    arguments: how they become those of a connection that says more than a page; None for any other.
    """

    reads: Reads
    definition: GraphQLField
    nodes: FieldDetailsList
    arguments: Arguments | None


@dataclass(slots=True)
class Compiled:
    """A plan's tree; `connections` has, for each reading in it, the field whose arguments make its window, but None
    for the root, whose reading has its own."""

    root: Read
    scopes: frozenset[str]
    connections: tuple[Connection | None, ...]


@dataclass(slots=True)
class Compiler:
    """Compiles one reading; `sub_fields` collects the merged fields of a selection, as the executor does."""

    schema: GraphQLSchema
    sub_fields: SubFields
    scopes: set[str] = field(default_factory=set)
    connections: list[Connection | None] = field(default_factory=list)

    def compile(
        self, shape: Shape, relation: Relation[Any], type_: GraphQLOutputType, nodes: FieldDetailsList
    ) -> Compiled:
        root = self._read(shape, relation, type_, nodes, None)
        return Compiled(root, frozenset(self.scopes), tuple(self.connections))

    def _read(
        self,
        shape: Shape,
        relation: Relation[Any],
        type_: GraphQLOutputType,
        nodes: FieldDetailsList,
        connection: Connection | None,
    ) -> Read:
        number = len(self.connections)
        self.connections.append(connection)
        named = get_named_type(type_)
        if not isinstance(named, GraphQLObjectType):
            raise UnplannableError(Reason.ABSTRACT, f"{named} is abstract")
        if shape is Shape.PAGE:
            parts = tuple(self._part(key, named, fields, relation) for key, fields in self._selected(named, nodes))
            return Read(number, shape, relation, parts=parts)
        return Read(number, shape, relation, self._object(named, nodes, relation))

    def _selected(self, type_: GraphQLObjectType, nodes: FieldDetailsList) -> Iterator[tuple[str, FieldDetailsList]]:
        for key, fields in self.sub_fields(type_, nodes).items():
            if len(key) > MAX_KEY:
                raise UnplannableError(Reason.NAME, f"{key} is longer than a column name")
            yield key, fields

    def _object(self, type_: GraphQLObjectType, nodes: FieldDetailsList, relation: Relation[Any]) -> Object:
        return Object(tuple(self._output(key, type_, fields, relation) for key, fields in self._selected(type_, nodes)))

    def _output(
        self, key: str, type_: GraphQLObjectType, nodes: FieldDetailsList, relation: Relation[Any]
    ) -> Constant | Leaf | Branch:
        name = nodes[0].node.name.value
        if name == "__typename":
            return Constant(key, type_.name)
        definition = type_.fields[name]
        declared = definition.extensions["strawberry-definition"]
        if GLOBAL_ID in declared.metadata:
            return Leaf(key, global_id(type_.name, _expression(relation, "id")))
        if READS in declared.metadata:
            return self._branch(key, declared.metadata[READS], definition, nodes, relation)
        if declared.base_resolver is not None:
            raise UnplannableError(Reason.RESOLVER, f"{type_.name}.{name} has a resolver of its own")
        return Leaf(key, _leaf(type_, name, definition.type, _expression(relation, declared.python_name)))

    def _branch(
        self, key: str, reads: Reads, definition: GraphQLField, nodes: FieldDetailsList, relation: Relation[Any]
    ) -> Branch:
        if reads.scope:
            self.scopes.add(reads.scope)
        link = _expression(relation, reads.key)
        connection = Connection(reads, definition, nodes, self._arguments(reads, definition, nodes))
        return Branch(key, link, self._read(reads.shape, reads.relation, definition.type, nodes, connection))

    def _arguments(self, reads: Reads, definition: GraphQLField, nodes: FieldDetailsList) -> Arguments | None:
        if reads.page is PageArguments:
            return None
        try:
            return Arguments(self.schema, definition, nodes[0].node)
        except GraphQLError as error:  # they never fit: the executor says so each time
            raise UnplannableError(Reason.ARGUMENTS, str(error)) from error

    def _part(self, key: str, type_: GraphQLObjectType, nodes: FieldDetailsList, relation: Relation[Any]) -> Part:
        name = nodes[0].node.name.value
        if name == "__typename":
            return Constant(key, type_.name)
        named = get_named_type(type_.fields[name].type)
        assert isinstance(named, GraphQLObjectType)
        if name == "nodes":
            return Nodes(key, self._object(named, nodes, relation))
        selected = tuple(self._selected(named, nodes))
        match name:
            case "edges":
                return Edges(key, tuple(self._edge(part, named, fields, relation) for part, fields in selected))
            case "pageInfo":
                return PageInfo(key, tuple(_word(Info, part, named, fields) for part, fields in selected))
            case "totalCount":
                return Total(key, tuple(_word(Number, part, named, fields) for part, fields in selected))
            case _:
                raise UnplannableError(Reason.RESOLVER, f"{type_.name}.{name} is not of every connection")

    def _edge(
        self, key: str, type_: GraphQLObjectType, nodes: FieldDetailsList, relation: Relation[Any]
    ) -> tuple[str, Object | None] | Constant:
        name = nodes[0].node.name.value
        if name == "__typename":
            return Constant(key, type_.name)
        if name == "cursor":
            return key, None
        if name != "node":
            raise UnplannableError(Reason.RESOLVER, f"{type_.name}.{name} is not of every edge")
        named = get_named_type(type_.fields[name].type)
        if not isinstance(named, GraphQLObjectType):
            raise UnplannableError(Reason.ABSTRACT, f"{named} is abstract")
        return key, self._object(named, nodes, relation)


def _word(words: Any, key: str, type_: GraphQLObjectType, nodes: FieldDetailsList) -> Any:
    name = nodes[0].node.name.value
    if name == "__typename":
        return Constant(key, type_.name)
    return key, words(type_.fields[name].extensions["strawberry-definition"].python_name)


def _expression(relation: Relation[Any], attribute: str) -> str:
    expression = expression_of(relation.record, attribute)
    if expression is None:
        raise UnplannableError(Reason.RESOLVER, f"{relation.record.__name__} has no column {attribute}")
    return expression


def _leaf(type_: GraphQLObjectType, name: str, output: GraphQLOutputType, expression: str) -> str:
    bare = output.of_type if is_non_null_type(output) else output
    if is_list_type(bare) and get_named_type(bare).name == "String":
        # An array of texts is a JSON list as it is.
        return expression
    if is_list_type(bare) or not is_leaf_type(bare):
        raise UnplannableError(Reason.SCALAR, f"{type_.name}.{name} is neither a column nor a relation")
    written = json_expression(bare, expression)
    if written is None:
        raise UnplannableError(Reason.SCALAR, f"{type_.name}.{name}: SQL does not write {bare}")
    return written
