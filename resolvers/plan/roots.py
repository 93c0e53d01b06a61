"""A query without an executor: its root fields are known from its first run, and each is answered by one statement.

An executor's set-up, its bookkeeping for each root field and the conversion of arguments cost more than the statement
of a small page. None of it differs between two runs of the same operation but the values of variables. So the first
run, the ordinary one, leaves its root fields here. Whatever is out of the ordinary in a later run (a value that does
not fit, a refusal, nothing where there must be something) is left to the executor, which tells it as the specification
says; queries may run twice.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import isawaitable
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    is_non_null_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.types.info import Info

from resolvers.context import Context
from resolvers.plan.answers import answer, statement_of
from resolvers.plan.arguments import BACKREF, Arguments
from resolvers.plan.plans import MAX_PLANS, Plans, identity
from resolvers.plan.variables import Variables
from resolvers.readings import Reading


class OrdinaryError(Exception):
    """The executor has to answer this run, or, when `always`, every run of this operation."""

    def __init__(self, *, always: bool = False) -> None:
        self.always = always


@dataclass(frozen=True, slots=True)
class Root:
    """One root field: how its resolver is called, and what identifies the plans of what it reads."""

    key: str
    definition: GraphQLField
    arguments: Arguments
    nodes: tuple[int, ...]
    calls: "Calls"
    info: GraphQLResolveInfo[Any]
    """Of the first run: all but the context and the variables is the same in each."""

    async def answer(self, context: Context, variables: VariableValues, chosen: tuple[Any, ...]) -> Any:
        """The field's JSON; raises OrdinaryError when it takes an executor."""
        reading = self._resolve(context, variables)
        if not isinstance(reading, Reading) and isawaitable(reading):
            reading = await reading
        if not isinstance(reading, Reading):
            raise OrdinaryError(always=True)
        if reading.key is None and not is_non_null_type(self.definition.type):
            return None
        plan = context.plans.compiled.get((self.nodes, reading.relation.name, chosen))
        if plan is None or reading.key is None:
            raise OrdinaryError
        if plan.obstacle is not None:
            raise OrdinaryError(always=True)
        statement = statement_of(plan, reading, context, variables)
        found = None if statement is None else await answer(context, plan, reading, statement, variables)
        if statement is None or (found is None and is_non_null_type(self.definition.type)):
            raise OrdinaryError
        return found

    def _resolve(self, context: Context, variables: VariableValues) -> Any:
        given = self.arguments.of(variables)
        if self.calls.info:
            given[self.calls.info] = Told(self.info, self.calls.field, context, variables)
        return self.calls.resolve(None, **given) if self.calls.of_parent else self.calls.resolve(**given)


class Told(Info):
    """What a resolver is told about a run: the context at once, and the rest put together when it is asked for."""

    context: Any = None

    def __init__(self, first: GraphQLResolveInfo[Any], field: Any, context: Context, variables: VariableValues) -> None:
        self._first, self._field, self._variables = first, field, variables
        self.context = context

    @cached_property
    def _raw_info(self) -> GraphQLResolveInfo[Any]:  # type: ignore[override]  # a field there
        return self._first._replace(context=self.context, variable_values=self._variables)


@dataclass(frozen=True, slots=True)
class Calls:
    """A resolver as Strawberry declares it: the function, and under which name it is told about the run."""

    field: Any
    resolve: Callable[..., Any]
    info: str | None
    of_parent: bool

    @classmethod
    def of(cls, field: Any) -> "Calls":
        resolver = field.base_resolver
        info = resolver.info_parameter.name if resolver.info_parameter else None
        return cls(field, resolver.wrapped_func, info, bool(resolver.self_parameter))


@dataclass(frozen=True, slots=True)
class Roots:
    """The root fields of a query, in the order of the answer; a text is a `__typename`."""

    fields: Mapping[str, Root | str]

    async def answer(self, context: Context, variables: VariableValues, chosen: tuple[Any, ...]) -> dict[str, Any]:
        if len(self.fields) == 1:
            [(key, root)] = self.fields.items()
            return {key: root if isinstance(root, str) else await root.answer(context, variables, chosen)}
        roots = [root for root in self.fields.values() if isinstance(root, Root)]
        answers = await asyncio.gather(*(root.answer(context, variables, chosen) for root in roots))
        answered = iter(answers)
        return {key: root if isinstance(root, str) else next(answered) for key, root in self.fields.items()}


async def straight(
    schema: GraphQLSchema, operation: OperationDefinitionNode, context: Context, given: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The data of a query that has run before, or None when the executor has to answer."""
    plans: Plans = context.plans
    known = plans.variables.get(id(operation))
    if known is None:
        known = plans.variables[id(operation)] = Variables(schema, operation)
    variables = known.of(given)
    if variables is None:
        return None
    chosen = plans.chosen(variables)
    roots = plans.roots.get((id(operation), chosen))
    if roots is None:
        return None
    try:
        return await roots.answer(context, variables, chosen)
    except OrdinaryError as reason:
        if reason.always:
            plans.roots[id(operation), chosen] = None
    except Exception:  # noqa: S110  # whatever it is, the executor comes to the same and knows how to tell it
        pass
    return None


def learn(executor: Executor[Any]) -> None:
    """Remembers the root fields of a query that the executor has answered."""
    plans: Plans = executor.context_value.plans
    key = (id(executor.operation), plans.chosen(executor.variable_values))
    if key not in plans.roots:
        if len(plans.roots) >= MAX_PLANS:
            plans.roots.clear()
        plans.roots[key] = _roots(executor)


def _roots(executor: Executor[Any]) -> Roots | None:
    type_ = executor.schema.query_type
    assert type_ is not None
    collected = collect_fields(
        executor.schema, executor.fragments, executor.variable_values, type_, executor.operation
    ).grouped_field_set
    fields = {key: _root(executor, type_, key, nodes) for key, nodes in collected.items()}
    found = {key: field for key, field in fields.items() if field is not None}
    return Roots(found) if len(found) == len(fields) else None


def _root(executor: Executor[Any], type_: GraphQLObjectType, key: str, nodes: FieldDetailsList) -> Root | str | None:
    """None for what only an executor answers: introspection, and fields that Strawberry wraps."""
    node = nodes[0].node
    if node.name.value == "__typename":
        return type_.name
    definition = type_.fields.get(node.name.value)
    if definition is None:
        return None
    field = definition.extensions[BACKREF]
    if field.extensions or field.permission_classes or field.base_resolver is None:
        return None
    try:
        arguments = Arguments(executor.schema, definition, node)
    except Exception:  # arguments that never fit: the executor says so each time
        return None
    info = executor.build_resolve_info(
        definition, [details.node for details in nodes], type_, Path(None, key, type_.name)
    )
    return Root(key, definition, arguments, identity(nodes), Calls.of(field), info)
