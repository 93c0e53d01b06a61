"""Which page each connection of a plan shows in this run."""

from typing import Any

from graphql import get_argument_values
from graphql.execution.values import VariableValues

from db.plans.tree import Shape
from db.plans.windows import Window
from db.relations import Relation
from resolvers.loaders import EVERYTHING
from resolvers.paging import PageArguments, keyset
from resolvers.plan.compile import Connection
from resolvers.readings import Reading


def window_of(connection: Connection | None, reading: Reading[Any], variables: VariableValues) -> Window | None:
    """The window of one reading of the plan: the root's from its own arguments, the others' from their fields'.

    Raises Rejected for page arguments that mean nothing.
    """
    if connection is None:
        return _window(reading.shape, reading.relation, reading.arguments)
    reads, definition, nodes = connection
    if reads.shape is not Shape.PAGE:
        return _window(reads.shape, reads.relation, EVERYTHING)
    first = nodes[0]
    given = get_argument_values(definition, first.node, variables, first.fragment_variable_values)
    return _window(reads.shape, reads.relation, PageArguments(**given))


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
