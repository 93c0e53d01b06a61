"""Which page each connection of a plan shows in this run."""

from typing import Any

from graphql import GraphQLError, get_argument_values
from graphql.execution.values import VariableValues

from db.plans.tree import Shape
from db.plans.windows import Window
from db.relations import Relation
from domain.refusals import Rejected
from resolvers.loaders import EVERYTHING
from resolvers.paging import PageArguments, keyset
from resolvers.plan.arguments import mentions_variables
from resolvers.plan.compile import Connection
from resolvers.readings import Reading


class Windows:
    """The windows of a plan's readings, in their order; those that the document alone decides are made once."""

    def __init__(self, connections: tuple[Connection | None, ...]) -> None:
        self._connections = connections
        self._varying = [n for n, one in enumerate(connections) if one is None or mentions_variables(one.nodes[0].node)]
        self._first: list[Window | None] = []
        # A root's page is mostly the same as the last time; comparing is quicker than making it.
        self._last: tuple[PageArguments, Window | None] | None = None

    def of(self, reading: Reading[Any], variables: VariableValues) -> list[Window | None]:
        """For one run; raises Rejected for page arguments that mean nothing."""
        if not self._first:
            self._first = [self._of(number, reading, variables) for number in range(len(self._connections))]
        windows = self._first.copy()
        for number in self._varying:
            windows[number] = self._of(number, reading, variables)
        return windows

    def forms(self, windows: list[Window | None]) -> tuple[object, ...]:
        """What tells the statement of these windows from others of the same plan."""
        return tuple([window and window.form for window in map(windows.__getitem__, self._varying)])

    def _of(self, number: int, reading: Reading[Any], variables: VariableValues) -> Window | None:
        connection = self._connections[number]
        if connection is None:
            return self._root(reading)
        return _nested(connection, variables)

    def _root(self, reading: Reading[Any]) -> Window | None:
        if self._last is None or self._last[0] != reading.arguments:
            self._last = reading.arguments, _window(reading.shape, reading.relation, reading.arguments)
        return self._last[1]


def _nested(connection: Connection, variables: VariableValues) -> Window | None:
    reads = connection.reads
    if reads.shape is not Shape.PAGE:
        return _window(reads.shape, reads.relation, EVERYTHING)
    return _window(reads.shape, reads.relation, reads.page(**_given(connection, variables)))


def _given(connection: Connection, variables: VariableValues) -> dict[str, Any]:
    if connection.arguments is None:
        first = connection.nodes[0]
        return get_argument_values(connection.definition, first.node, variables, first.fragment_variable_values)
    try:
        return connection.arguments.of(variables)
    except GraphQLError as error:
        raise Rejected("BAD_USER_INPUT", str(error)) from error


def _window(shape: Shape, relation: Relation[Any], arguments: PageArguments) -> Window | None:
    if shape is Shape.ONE:
        return None
    return Window(
        keyset(relation, arguments),
        size=arguments.size,
        backward=arguments.backward,
        continued=(arguments.before if arguments.backward else arguments.after) is not None,
        order=arguments.order or "",
    )
