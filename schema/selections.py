"""What a webhook's payload shows: an event's own ids, and a query that is checked when stored and run when sent."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
)

from domain.access import Caller
from domain.events import EVENTS, NODES, EventType
from domain.ids import new_id
from domain.refusals import Refused, Rejected
from resolvers.context import Context
from schema.documents import Document, read_document
from schema.event_data import shown
from schema.execute import execute

TIMEOUT = 5.0
CODE = "INVALID_SELECTION"


async def check(context: Context, text: str, types: Sequence[EventType], scopes: Sequence[str]) -> None:
    """Refuses INVALID_SELECTION unless this query can be run for each of these events with these scopes."""
    try:
        document = read_document(text)
        if document.errors:
            raise _refused(document.errors[0].message)
        operation = document.operation(None)
        if operation.operation is not OperationType.QUERY:
            raise _refused("A selection is a query.")
        for definition in operation.variable_definitions or ():
            for type_ in types:
                _require_offered(definition, type_)
        document.cost(operation, {})
    except (GraphQLError, Rejected) as error:
        raise _refused(error.message) from error
    # Ids of nothing find nothing, but what the scopes forbid and what arguments are not is told all the same.
    nobody = {key: str(new_id()) for type_ in types for key in EVENTS[type_].keys}
    caller = Caller(context.organization_id, context.caller.actor, frozenset(scopes))
    answer = await _run(Context(context.database, caller, context.now), document, text, shown(nobody))
    if answer.get("errors"):
        raise _refused(answer["errors"][0]["message"])


async def body(
    context: Context, selection: str | None, message_id: str, type_: EventType, data: Mapping[str, Any], at: datetime
) -> bytes:
    """The JSON of one event; what the selection could not answer is told beside it, and the event is sent anyway."""
    told: dict[str, Any] = {
        "id": message_id,
        "type": EVENTS[type_].topic,
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": shown(data),
    }
    if selection is not None and type_ is not EventType.WEBHOOK_TEST:
        answer = await _selected(context, selection, told["data"])
        told["selection"] = answer.get("data")
        if answer.get("errors"):
            told["selectionErrors"] = answer["errors"]
    return orjson.dumps(told)


async def _selected(context: Context, selection: str, data: Mapping[str, Any]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _run(context, read_document(selection), selection, data)
    except TimeoutError:
        return _failed("TIMEOUT", f"The selection took longer than {TIMEOUT:g} s.")
    except GraphQLError:
        # It was right when it was stored: the schema has changed since.
        return _failed("GRAPHQL_VALIDATION_FAILED", "The selection does not fit the schema any more.")


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}


async def _run(context: Context, document: Document, text: str, data: Mapping[str, Any]) -> dict[str, Any]:
    declared = {definition.variable.name.value for definition in _operation(document).variable_definitions or ()}
    return await execute(context, text, {key: data.get(key) for key in declared}, may_write=False)


def _operation(document: Document) -> OperationDefinitionNode:
    return document.operation(None)


def _require_offered(definition: VariableDefinitionNode, type_: EventType) -> None:
    event, name = EVENTS[type_], definition.variable.name.value
    if name not in event.keys:
        offered = ", ".join(f"${key}" for key in event.keys)
        raise _refused(f"{event.topic} does not say ${name}, but {offered}.")
    wanted = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
    expected = "ID" if name in NODES else "String"
    if not isinstance(wanted, NamedTypeNode) or wanted.name.value != expected:
        raise _refused(f"${name} is of type {expected}.")
    if isinstance(definition.type, NonNullTypeNode) and name in event.nullable:
        raise _refused(f"${name} may be null in {event.topic}: declare it as {expected}.")


def _refused(message: str) -> Refused:
    return Refused(CODE, message, ("selection",))
