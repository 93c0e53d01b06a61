"""Runs one operation and gives the answer, or the answers to its events, as plain data."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from graphql.execution import Executor, create_source_event_stream, execute_root_selection_set
from graphql.execution.execute import execute_subscription_event

from domain.refusals import Rejected
from resolvers.context import Context
from resolvers.plan.executor import LoadingExecutor, PlanningExecutor
from resolvers.plan.roots import learn, straight
from schema.build import schema
from schema.documents import Document, read_document
from schema.errors import formatted
from schema.idempotency import carry_out
from schema.limits import price_of_refusal

# `off` runs everything through the ordinary executor and the loaders; the whole suite must pass either way.
PLANNER = os.environ.get("WAYFARE_PLANNER", "on") != "off"

ALWAYS: AbstractAsyncContextManager[object] = nullcontext()


class WriteRefusedError(Exception):
    """A mutation came where only queries may, such as by GET."""


class StreamRefusedError(Exception):
    """A subscription came where one answer is all that can be given."""


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

    Raises WriteRefusedError for a mutation when `may_write` is false, StreamRefusedError for a subscription.
    """
    answer = await begin(context, text, variables, operation_name, may_write=may_write, planner=planner)
    assert isinstance(answer, dict)  # without `fresh` there is no stream
    return answer


async def begin(
    context: Context,
    text: str,
    variables: dict[str, Any] | None = None,
    operation_name: str | None = None,
    *,
    may_write: bool = True,
    fresh: Callable[[], Context] | None = None,
    turns: AbstractAsyncContextManager[object] = ALWAYS,
    planner: bool = PLANNER,
) -> dict[str, Any] | AsyncGenerator[dict[str, Any], None]:
    """The answer, or, of a subscription, the answers to come; what cannot be executed gets an answer without `data`.

    `fresh` makes the context of each event, which waits for its turn; where nobody gives one, a subscription raises
    StreamRefusedError. Close the generator when nobody listens any more.
    """
    found = await _admitted(context, text, variables, operation_name)
    if isinstance(found, dict):
        return found
    document, chosen = found
    kind = chosen.operation
    if kind is OperationType.MUTATION and not may_write:
        raise WriteRefusedError
    if kind is OperationType.SUBSCRIPTION and fresh is None:
        raise StreamRefusedError
    context.plans = document.plans
    reads = kind is OperationType.QUERY and planner
    if reads and (data := await straight(schema._schema, chosen, context, variables)) is not None:
        return {"data": data}
    executor_class = PlanningExecutor if planner else LoadingExecutor
    if kind is OperationType.MUTATION and (document.keyed or context.idempotency_key):
        return await _once(context, document, chosen, variables, executor_class)
    executor = executor_class.build(
        schema._schema,
        document.node,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation_name,
    )
    if isinstance(executor, list):
        return _answer(ExecutionResult(None, executor))
    if kind is OperationType.SUBSCRIPTION and fresh is not None:
        return await _events(executor, fresh, turns)
    result: Any = execute_root_selection_set(executor)
    answer = _answer(await result if isawaitable(result) else result)
    if reads:
        learn(executor)
    return answer


async def _admitted(
    context: Context, text: str, variables: dict[str, Any] | None, name: str | None
) -> tuple[Document, OperationDefinitionNode] | dict[str, Any]:
    """The document and the operation to run, charged for; or the answer to what is refused, which is paid for too."""
    meter = context.meter
    try:
        if meter.overdrawn:
            await meter.settle_debt()
        document = read_document(text)
        if not document.errors:
            chosen = document.operation(name)
            exact = chosen.operation is not OperationType.QUERY
            await meter.charge(document.cost(chosen, variables), exact=exact)
            return document, chosen
        errors = list(document.errors)
    except GraphQLError as error:
        errors = [error]
    except Rejected as rejected:
        errors = [GraphQLError(rejected.message, original_error=rejected)]
        if rejected.code == "RATE_LIMITED":
            return {"errors": formatted(errors)}
    meter.fine(price_of_refusal(text))
    return {"errors": formatted(errors)}


async def _once(
    context: Context,
    document: Document,
    chosen: OperationDefinitionNode,
    variables: dict[str, Any] | None,
    executor_class: type[Executor[Any]],
) -> dict[str, Any]:
    """A mutation with idempotency keys (schema/idempotency.py)."""

    async def run(given: Context, node: DocumentNode) -> dict[str, Any]:
        executor = executor_class.build(
            schema._schema,
            node,
            context_value=given,
            raw_variable_values=variables,
            operation_name=chosen.name.value if chosen.name else None,
        )
        if isinstance(executor, list):
            return _answer(ExecutionResult(None, executor))
        result: Any = execute_root_selection_set(executor)
        return _answer(await result if isawaitable(result) else result)

    try:
        return await carry_out(context, document.node, chosen, variables, run)
    except Rejected as rejected:
        return {"errors": formatted([GraphQLError(rejected.message, original_error=rejected)])}


async def _events(
    executor: Executor[Any], fresh: Callable[[], Context], turns: AbstractAsyncContextManager[object]
) -> dict[str, Any] | AsyncGenerator[dict[str, Any], None]:
    """Answers a subscription's events one after the other, each in a context of its own."""
    source: Any = create_source_event_stream(executor)
    if isawaitable(source):
        source = await source
    if isinstance(source, ExecutionResult):
        return {"errors": formatted(source.errors or [])}
    plans = executor.context_value.plans

    async def answers() -> AsyncGenerator[dict[str, Any], None]:
        async with aclosing(source):
            async for event in source:
                one = executor.build_per_event_executor(event)
                async with turns:
                    one.context_value = fresh()
                    one.context_value.plans = plans
                    result: Any = execute_subscription_event(one)
                    answer = _answer(await result if isawaitable(result) else result)
                yield answer

    return answers()


def _answer(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    errors = formatted(result.errors)
    # A request error (such as a bad variable) has no path: nothing was executed, so there is no data, not even null.
    executed = any(error.path for error in result.errors)
    return {"errors": errors, "data": result.data} if executed else {"errors": errors}
