"""Documents parsed, measured and validated once, and the operation that a request means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged as merging
from graphql.validation.validate import ValidationAbortedError

from domain.refusals import Rejected
from resolvers.plan.plans import Plans
from schema.build import schema
from schema.idempotency import NAME as IDEMPOTENT
from schema.limits import Cost, bounds, check_text, check_variables, cost_of, measure
from schema.limits.measure import too_much
from schema.limits.quoting import quote_shortly

REMEMBERED = 1_000
MAX_ERRORS = 5
# Comparing the fields of one name with each other is the one rule that is quadratic; what people write stays far below.
merging.MAX_COMPLEXITY_BUDGET = 3_000
quote_shortly()


@dataclass(frozen=True, slots=True)
class Document:
    """A document that parses; `errors` are what measuring and validation found."""

    node: DocumentNode
    errors: tuple[GraphQLError, ...]
    plans: Plans
    keyed: bool = False
    """Whether any field has an idempotency key."""
    costs: dict[int, Cost] = field(default_factory=dict)
    operations: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    """By the names that requests have given; there are no more than the document has, and one for none."""

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run; raises BAD_USER_INPUT when the name does not settle it."""
        known = self.operations.get(name)
        if known is not None:
            return known
        found = get_operation_ast(self.node, name)
        if found is None:
            message = f"The document has no operation {name}." if name else "Say which operation: operationName."
            raise Rejected("BAD_USER_INPUT", message)
        self.operations[name] = found
        return found

    def cost(self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None) -> int:
        """What an operation of this document costs with these variables.

        Raises MAX_COST_EXCEEDED, and BAD_USER_INPUT for variables that are too long or nested too deeply.
        """
        most = bounds()
        check_variables(variables, most)
        compiled = self.costs.get(id(operation))
        if compiled is None:
            compiled = self.costs[id(operation)] = cost_of(schema._schema, self.node, operation)
        cost = compiled.of(variables)
        if cost > most.cost:
            message = f"The operation costs {cost:,}; the most is {most.cost:,}: ask for smaller pages or fewer levels."
            raise Rejected("MAX_COST_EXCEEDED", message, {"cost": cost, "limit": most.cost})
        return cost


@lru_cache(maxsize=REMEMBERED)
def read_document(text: str) -> Document:
    """Parses and validates; raises GraphQLSyntaxError. Bounded, because clients choose the texts."""
    most = bounds()
    check_text(text, most)
    node = parse(text, max_tokens=most.tokens)
    # Before any rule of validation sees it: those follow fragments again and again.
    errors = measure(node, most) or _validated(node)
    return Document(node, tuple(errors), Plans.of(node), f"@{IDEMPOTENT}" in text.replace(" ", ""))


def _validated(node: DocumentNode) -> list[GraphQLError]:
    found = validate(schema._schema, node, max_errors=MAX_ERRORS, hide_suggestions=True)
    if len(found) == 1 and isinstance(found[0], ValidationAbortedError):
        return [too_much("FIELDS", "The operation selects the same fields too often.")]
    return found
