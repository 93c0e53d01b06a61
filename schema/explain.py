"""The plans of an operation, without a database."""

from dataclasses import dataclass, field
from datetime import datetime
from inspect import isawaitable
from typing import Any, cast
from uuid import UUID

from graphql import GraphQLError, OperationType
from graphql import execute as run

from db.database import Database
from domain.access import SCOPES, Caller
from resolvers.context import Context
from resolvers.plan.explain import Explained, ExplainingExecutor
from schema.build import schema
from schema.documents import read_document

_ANYBODY = UUID(int=1)


@dataclass
class _Explanation(Context):
    explained: list[Explained] = field(default_factory=list)


async def explain(
    text: str, variables: dict[str, Any] | None, now: datetime, operation: str | None = None
) -> list[Explained]:
    """What each reading of a query would run; raises GraphQLError for a document that does not validate.

    What a resolver of its own reads is not in the list: only running it would tell. Nothing is told of mutations.
    """
    document = read_document(text)
    if document.errors:
        raise document.errors[0]
    if document.operation(operation).operation is not OperationType.QUERY:
        return []
    # Planned readings are never run, so there is no database to give.
    context = _Explanation(
        cast("Database", None), Caller(_ANYBODY, "explain", frozenset(SCOPES)), now, plans=document.plans
    )
    result = run(
        schema._schema,
        document.node,
        context_value=context,
        variable_values=variables,
        operation_name=operation,
        executor_class=ExplainingExecutor,
    )
    answered = await result if isawaitable(result) else result
    for error in answered.errors or ():
        if not error.path:
            raise GraphQLError(error.message)
    return context.explained
