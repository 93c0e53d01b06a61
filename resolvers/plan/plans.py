"""The plans of a document: compiled once, kept as long as the document is remembered."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
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
from graphql.execution.values import VariableValues

from db.plans.pages import written
from db.plans.searches import searched
from db.plans.windows import KEY, Filling, Window
from db.statement import Statement, merged, sql
from resolvers.plan.compile import Compiled, Compiler, UnplannableError
from resolvers.plan.variables import Variables
from resolvers.plan.windows import Windows
from resolvers.readings import Reading

if TYPE_CHECKING:
    from resolvers.plan.roots import Roots

# Forms of pages (order, direction, cursor or not) that one plan remembers the text for.
MAX_FORMS = 64
# Combinations of what @skip and @include leave out that one document remembers plans for; clients choose them.
MAX_PLANS = 256


@dataclass(slots=True)
class Plan:
    """A compiled reading and the statements written for it so far; `obstacle` is why there is none."""

    compiled: Compiled | None
    obstacle: UnplannableError | None = None
    windows: Windows = field(default_factory=lambda: Windows(()))
    statements: dict[tuple[object, ...], Filling] = field(default_factory=dict)

    @classmethod
    def of(cls, compiler: Compiler, reading: Reading[Any], type_: GraphQLOutputType, nodes: FieldDetailsList) -> "Plan":
        try:
            compiled = compiler.compile(reading.shape, reading.relation, type_, nodes)
        except UnplannableError as unplannable:
            return cls(None, unplannable)
        return cls(compiled, windows=Windows(compiled.connections))

    def statement(self, organization: UUID, key: UUID | None, windows: list[Window | None]) -> Statement:
        """The statement for these pages; only its values differ between pages of the same forms."""
        forms = self.windows.forms(windows)
        written = self.statements.get(forms)
        if written is None:
            written = self._write(forms, windows)
        return written.with_values(organization, key, windows)

    def _write(self, forms: tuple[object, ...], windows: list[Window | None]) -> Filling:
        assert self.compiled is not None
        if len(self.statements) >= MAX_FORMS:
            self.statements.clear()
        json = written(self.compiled.root, Statement("$1", (KEY,)), windows)
        # As text, past the driver's decoding: the bytes go to the client as they are.
        text = sql("select (:json)::text", json=json)
        root = windows[0]
        if root is not None and root.keyset.where is not None and root.keyset.where.search is not None:
            text = searched(text)
        self.statements[forms] = Filling(merged(text))
        return self.statements[forms]


@dataclass(slots=True)
class Plans:
    """Of one document; `deciding` are the variables that @skip and @include look at, which change what is selected."""

    deciding: tuple[str, ...]
    compiled: dict[object, Plan] = field(default_factory=dict)
    roots: dict[object, "Roots | None"] = field(default_factory=dict)
    """By operation, how to answer it without an executor; None when that cannot be (resolvers/plan/roots.py)."""
    variables: dict[int, Variables] = field(default_factory=dict)
    """By operation, how the values of its variables are read."""

    @classmethod
    def of(cls, document: DocumentNode) -> "Plans":
        return cls(_deciding(document))

    def remember(self, key: object, plan: Plan) -> Plan:
        """Keeps a compiled reading, and of all others too as long as they are few."""
        if len(self.compiled) >= MAX_PLANS:
            self.compiled.clear()
            self.roots.clear()
        self.compiled[key] = plan
        return plan

    def chosen(self, variables: VariableValues) -> tuple[Any, ...]:
        """The values that change what is selected."""
        return tuple([variables.coerced.get(name) for name in self.deciding]) if self.deciding else ()


def identity(nodes: FieldDetailsList) -> tuple[int, ...]:
    """Tells selections of one document apart; its syntax tree lives as long as its plans."""
    return tuple([id(details.node) for details in nodes])


def _deciding(document: DocumentNode) -> tuple[str, ...]:
    names: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value not in ("skip", "include"):
                return
            values = [argument.value for argument in node.arguments or ()]
            names.update(value.name.value for value in values if isinstance(value, VariableNode))

    visit(document, Conditions())
    return tuple(sorted(names))
