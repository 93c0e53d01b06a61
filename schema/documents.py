"""Documents parsed and validated once, and the operation that a request means."""

from dataclasses import dataclass
from functools import lru_cache

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    validate,
)

from domain.refusals import Rejected
from resolvers.plan.plans import Plans
from schema.build import schema

MAX_TOKENS = 2_000
REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Document:
    """A document that parses; `errors` are what validation found."""

    node: DocumentNode
    errors: tuple[GraphQLError, ...]
    plans: Plans

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run; raises BAD_USER_INPUT when the name does not settle it."""
        found = get_operation_ast(self.node, name)
        if found is None:
            message = f"The document has no operation {name}." if name else "Say which operation: operationName."
            raise Rejected("BAD_USER_INPUT", message)
        return found


@lru_cache(maxsize=REMEMBERED)
def read_document(text: str) -> Document:
    """Parses and validates; raises GraphQLSyntaxError. Bounded, because clients choose the texts."""
    node = parse(text, max_tokens=MAX_TOKENS)
    return Document(node, tuple(validate(schema._schema, node, max_errors=5)), Plans.of(node))


def writes(operation: OperationDefinitionNode) -> bool:
    return operation.operation is not OperationType.QUERY
