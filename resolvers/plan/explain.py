"""What the planner would do with an operation, told without running its statements."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLOutputType
from graphql.execution.collect_fields import FieldDetailsList

from db.statement import Statement
from resolvers.plan.executor import PlanningExecutor
from resolvers.readings import Reading


@dataclass(frozen=True, slots=True)
class Explained:
    """One reading: the relation, and its statement or the reason why the loaders answer it."""

    relation: str
    statement: Statement | None
    reason: str = ""


class ExplainingExecutor(PlanningExecutor):
    """Writes down each plan instead of running it; `context_value.explained` collects them."""

    def _planned(self, reading: Reading[Any], type_: GraphQLOutputType, nodes: FieldDetailsList) -> Any:
        plan = self._plan(reading, type_, nodes)
        statement = None
        if plan.compiled is not None:
            windows = plan.windows.of(reading, self.variable_values)
            statement = plan.statement(self.context_value.organization_id, reading.key, windows)
        self.context_value.explained.append(Explained(reading.relation.name, statement, str(plan.obstacle or "")))
        return _nothing()


async def _nothing() -> None:
    return None
