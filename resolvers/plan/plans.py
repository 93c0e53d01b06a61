"""The plans of a document: compiled once, kept as long as the document is remembered."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLOutputType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList

from db.plans.pages import written
from db.plans.windows import KEY, Window, fill
from db.statement import Statement, sql
from resolvers.plan.compile import Compiled, Compiler, UnplannableError
from resolvers.readings import Reading

# Forms of pages (order, direction, cursor or not) that one plan remembers the text for.
MAX_FORMS = 64


@dataclass(slots=True)
class Plan:
    """A compiled reading and the statements written for it so far; `reason` says why there is none."""

    compiled: Compiled | None
    reason: str = ""
    statements: dict[tuple[object, ...], Statement] = field(default_factory=dict)

    @classmethod
    def of(cls, compiler: Compiler, reading: Reading[Any], type_: GraphQLOutputType, nodes: FieldDetailsList) -> "Plan":
        try:
            return cls(compiler.compile(reading.shape, reading.relation, type_, nodes))
        except UnplannableError as unplannable:
            return cls(None, str(unplannable))

    def statement(self, organization: UUID, key: UUID | None, windows: list[Window | None]) -> Statement:
        """The statement for these pages; only its values differ between pages of the same forms."""
        assert self.compiled is not None
        forms = tuple(window.form if window else None for window in windows)
        if forms not in self.statements:
            if len(self.statements) >= MAX_FORMS:
                self.statements.clear()
            json = written(self.compiled.root, Statement("$1", (KEY,)), windows)
            # As text, past the driver's decoding: the bytes go to the client as they are.
            self.statements[forms] = sql("select (:json)::text", json=json)
        return fill(self.statements[forms], organization, key, windows)


@dataclass(slots=True)
class Plans:
    """Of one document; `deciding` are the variables that @skip and @include look at, which change what is selected."""

    deciding: tuple[str, ...]
    compiled: dict[object, Plan] = field(default_factory=dict)

    @classmethod
    def of(cls, document: DocumentNode) -> "Plans":
        return cls(_deciding(document))


def _deciding(document: DocumentNode) -> tuple[str, ...]:
    names: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            values = [argument.value for argument in node.arguments or ()]
            names.update(value.name.value for value in values if isinstance(value, VariableNode))

    visit(document, Conditions())
    return tuple(sorted(names))
