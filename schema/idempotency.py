"""`@idempotent(key:)` and the header of the same meaning: which part of a mutation goes with which key."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    print_ast,
)
from strawberry.directive import DirectiveLocation, DirectiveValue

from domain.refusals import Rejected
from resolvers.context import Context
from resolvers.idempotency import Answer, checked_key, once

NAME = "idempotent"
Run = Callable[[Context, DocumentNode], Awaitable[Answer]]


@strawberry.directive(
    locations=[DirectiveLocation.FIELD],
    description=(
        "Carries a mutation out once: the same key within 24 hours gets the same answer. On the fields of a mutation; "
        "the header Idempotency-Key means the same for a whole request."
    ),
)
def idempotent(
    value: DirectiveValue[Any],
    key: Annotated[str, strawberry.argument(description="1 to 255 printable characters, one for each request.")],
) -> Any:
    del key
    # Carried out below: the executor knows nothing of it.
    return value


@dataclass(frozen=True, slots=True)
class Part:
    """Fields of a mutation that are carried out together; `key` is none where there is no directive."""

    key: ValueNode | None
    document: DocumentNode
    text: bytes


async def carry_out(
    context: Context,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any] | None,
    run: Run,
) -> Answer:
    """The answer of a mutation whose request has a key or whose fields have; raises Rejected."""
    if not context.caller.known:  # who signs in has no keys yet
        return await run(context, document)
    parts = parts_of(document, operation)
    if context.idempotency_key is not None:
        if parts:
            raise Rejected("BAD_USER_INPUT", f"Give a key by the header or by @{NAME}, not by both.")
        request = _hash(print_ast(document).encode(), operation.name.value if operation.name else "", variables)
        return await once(context, checked_key(context.idempotency_key), request, lambda one: run(one, document))
    whole: Answer = {"data": {}}
    for part in parts:
        answer = await _part(context, part, variables, run)
        if "errors" in answer:
            whole.setdefault("errors", []).extend(answer["errors"])
        if answer.get("data") is None:
            return {name: answer.get(name) for name in ("errors", "data") if name in answer} | (
                {"errors": whole["errors"]} if "errors" in whole else {}
            )
        whole["data"] |= answer["data"]
    return whole


async def _part(context: Context, part: Part, variables: Mapping[str, Any] | None, run: Run) -> Answer:
    if part.key is None:
        return await run(context, part.document)
    key = checked_key(_value(part.key, variables))
    return await once(context, key, _hash(part.text, "", variables), lambda one: run(one, part.document))


def parts_of(document: DocumentNode, operation: OperationDefinitionNode) -> list[Part]:
    """The fields of a mutation one by one, if any of them has a key; fields of one response name stay together."""
    fields: dict[str, list[FieldNode]] = {}
    others = False
    for selection in operation.selection_set.selections:
        if isinstance(selection, FieldNode):
            fields.setdefault((selection.alias or selection.name).value, []).append(selection)
        else:
            others = True
    keys = {name: next(filter(None, map(_key, nodes)), None) for name, nodes in fields.items()}
    if not any(keys.values()):
        return []
    if others:
        raise Rejected("BAD_USER_INPUT", f"Beside a field with @{NAME} there may be no fragment: select the fields.")
    return [_cut(document, operation, tuple(nodes), keys[name]) for name, nodes in fields.items()]


def _cut(
    document: DocumentNode, operation: OperationDefinitionNode, nodes: tuple[FieldNode, ...], key: ValueNode | None
) -> Part:
    alone = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=operation.directives,
        selection_set=SelectionSetNode(selections=nodes),
    )
    others = tuple(one for one in document.definitions if not isinstance(one, OperationDefinitionNode))
    cut = DocumentNode(definitions=(alone, *others))
    return Part(key, cut, print_ast(cut).encode())


def _key(node: FieldNode) -> ValueNode | None:
    for directive in node.directives or ():
        if directive.name.value == NAME:
            return next(one.value for one in directive.arguments or ())
    return None


def _value(node: ValueNode, variables: Mapping[str, Any] | None) -> object:
    if isinstance(node, VariableNode):
        return (variables or {}).get(node.name.value)
    return node.value if isinstance(node, StringValueNode) else None


def _hash(text: bytes, name: str, variables: Mapping[str, Any] | None) -> bytes:
    said = orjson.dumps([name, dict(variables or {})], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text + b"\0" + said).digest()
