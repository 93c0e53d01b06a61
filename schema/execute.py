"""Runs one operation and gives the answer as plain data."""

import os
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLError
from graphql import execute as run

from domain.refusals import Rejected
from resolvers.context import Context
from resolvers.plan.executor import LoadingExecutor, PlanningExecutor
from schema.build import schema
from schema.documents import read_document, writes
from schema.errors import formatted

# `off` runs everything through the ordinary executor and the loaders; the whole suite must pass either way.
PLANNER = os.environ.get("WAYFARE_PLANNER", "on") != "off"


class WriteRefusedError(Exception):
    """A mutation came where only queries may, such as by GET."""


async def execute(
    context: Context,
    text: str,
    variables: dict[str, Any] | None = None,
    operation_name: str | None = None,
    *,
    may_write: bool = True,
    planner: bool = PLANNER,
) -> dict[str, Any]:
    """`{data, errors}` as GraphQL over HTTP says: without `data` when nothing was executed.

    Raises WriteRefusedError for a mutation when `may_write` is false.
    """
    try:
        document = read_document(text)
        if document.errors:
            return {"errors": formatted(list(document.errors))}
        if writes(document.operation(operation_name)) and not may_write:
            raise WriteRefusedError
    except (GraphQLError, Rejected) as error:
        wrapped = error if isinstance(error, GraphQLError) else GraphQLError(error.message, original_error=error)
        return {"errors": formatted([wrapped])}
    context.plans = document.plans
    result = run(
        schema._schema,
        document.node,
        context_value=context,
        variable_values=variables,
        operation_name=operation_name,
        executor_class=PlanningExecutor if planner else LoadingExecutor,
    )
    return _answer(await result if isawaitable(result) else result)


def _answer(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    errors = formatted(result.errors)
    # A request error (such as a bad variable) has no path: nothing was executed, so there is no data, not even null.
    executed = any(error.path for error in result.errors)
    return {"errors": errors, "data": result.data} if executed else {"errors": errors}
