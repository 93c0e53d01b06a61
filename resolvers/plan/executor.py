"""The executor that answers readings by plans; everything else is the ordinary executor's work."""

from typing import Any

from graphql import GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo, is_non_null_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.pyutils import Path

from resolvers.audit import Act
from resolvers.context import Context
from resolvers.plan.answers import answer, statement_of
from resolvers.plan.compile import Compiler
from resolvers.plan.fallbacks import Reason, fallbacks
from resolvers.plan.plans import Plan, Plans, identity
from resolvers.readings import Reading


class LoadingExecutor(ExecutorThrowingOnIncremental):
    """Answers readings through the loaders, also those that a coroutine returns."""

    def execute_fields_serially(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: dict[str, FieldDetailsList],
        position_context: None,
    ) -> Any:
        """Only mutations come here: each of them is told to the context, for the audit log."""
        execute = super().execute_fields_serially

        async def one_by_one() -> dict[str, Any]:
            results: dict[str, Any] = {}
            for key, nodes in grouped_field_set.items():
                self.context_value.act = Act(self.schema, nodes[0].node, self.variable_values.coerced)
                answer: Any = execute(parent_type, source_value, path, {key: nodes}, position_context)
                results |= await answer if self.is_awaitable(answer) else answer
            return results

        return one_by_one()

    async def complete_awaitable_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: None,
    ) -> Any:
        try:
            resolved = result if isinstance(result, Reading) else await result
            if isinstance(resolved, Reading):
                return await self._read(resolved, return_type, field_details_list, info, path)
            completed = self.complete_value(return_type, field_details_list, info, path, resolved, position_context)
            return await completed if self.is_awaitable(completed) else completed
        except Exception as error:  # whatever a field raises becomes its error, as in the executor itself
            self.handle_field_error(error, return_type, field_details_list, path)
            return None

    async def _read(
        self,
        reading: Reading[Any],
        type_: GraphQLOutputType,
        nodes: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
    ) -> Any:
        completed = self.complete_value(type_, nodes, info, path, await reading, None)
        return await completed if self.is_awaitable(completed) else completed


class PlanningExecutor(LoadingExecutor):
    """Answers a Reading by its plan when nothing above it is a list; within lists the loaders batch better."""

    async def _read(
        self,
        reading: Reading[Any],
        type_: GraphQLOutputType,
        nodes: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
    ) -> Any:
        planned = self._planned(reading, type_, nodes) if self._may_plan(reading, path) else None
        if planned:
            answer = await planned
            if answer is not None or not is_non_null_type(type_):
                return answer
            # The ordinary way tells it as the specification says.
            fallbacks[Reason.NOTHING] += 1
        return await super()._read(reading, type_, nodes, info, path)

    def _may_plan(self, reading: Reading[Any], path: Path) -> bool:
        if _in_list(path):
            fallbacks[Reason.LIST] += 1
            return False
        return reading.key is not None

    def _planned(self, reading: Reading[Any], type_: GraphQLOutputType, nodes: FieldDetailsList) -> Any:
        """The answer to come, or None when the loaders have to give it."""
        context: Context = self.context_value
        plan = self._plan(reading, type_, nodes)
        statement = statement_of(plan, reading, context, self.variable_values)
        return None if statement is None else answer(context, plan, reading, statement, self.variable_values)

    def _plan(self, reading: Reading[Any], type_: GraphQLOutputType, nodes: FieldDetailsList) -> Plan:
        plans: Plans = self.context_value.plans
        key = (identity(nodes), reading.relation.name, plans.chosen(self.variable_values))
        plan = plans.compiled.get(key)
        if plan is None:
            compiler = Compiler(
                self.schema, lambda type_, nodes: self.collect_subfields(type_, nodes).grouped_field_set
            )
            plan = plans.remember(key, Plan.of(compiler, reading, type_, nodes))
        return plan


def _in_list(path: Path) -> bool:
    step: Path | None = path
    while step is not None:
        if isinstance(step.key, int):
            return True
        step = step.prev
    return False
