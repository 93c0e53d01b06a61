"""Runs one operation and gives the answer as plain data."""

from typing import Any

from strawberry.types.graphql import OperationType

from resolvers.context import Context
from schema.build import schema
from schema.errors import formatted

READ_ONLY = frozenset({OperationType.QUERY})
READ_AND_WRITE = frozenset({OperationType.QUERY, OperationType.MUTATION})


async def execute(
    context: Context,
    document: str,
    variables: dict[str, Any] | None = None,
    operation_name: str | None = None,
    *,
    writes: bool = True,
) -> dict[str, Any]:
    """`{data, errors}` as GraphQL over HTTP says: without `data` when nothing was executed."""
    result = await schema.execute(
        document,
        variable_values=variables,
        context_value=context,
        operation_name=operation_name,
        allowed_operation_types=READ_AND_WRITE if writes else READ_ONLY,
    )
    if not result.errors:
        return {"data": result.data}
    errors = formatted(result.errors)
    # A request error has no path: nothing was executed, so there is no data, not even null.
    executed = any(error.path for error in result.errors)
    return {"errors": errors, "data": result.data} if executed else {"errors": errors}
