"""The answer to a reading by its plan: a statement, and its text as it goes to the client."""

from dataclasses import replace
from typing import Any

import orjson
from graphql.execution.values import VariableValues

from db.statement import Statement
from domain.refusals import Rejected
from resolvers.context import Context
from resolvers.plan.fallbacks import Reason, fallbacks
from resolvers.plan.plans import Plan
from resolvers.readings import Reading


def statement_of(plan: Plan, reading: Reading[Any], context: Context, variables: VariableValues) -> Statement | None:
    """The statement of a plan for this caller and page, or None when the loaders have to answer."""
    if plan.obstacle is not None or plan.compiled is None:
        fallbacks[plan.obstacle.reason if plan.obstacle else Reason.RESOLVER] += 1
        return None
    if not plan.compiled.scopes <= context.caller.scopes:
        fallbacks[Reason.SCOPE] += 1
        return None
    try:
        windows = plan.windows.of(reading, variables)
    except Rejected:  # the ordinary way tells it with the path of each field
        fallbacks[Reason.ARGUMENTS] += 1
        return None
    return plan.statement(context.organization_id, reading.key, windows)


async def answer(
    context: Context, plan: Plan, reading: Reading[Any], statement: Statement, variables: VariableValues
) -> orjson.Fragment | None:
    """JSON as Postgres wrote it; None when there is no such record.

    statement: what `statement_of` gave.
    """
    where = reading.arguments.where
    if where is None or where.steady:
        text = await context.database.answer(context.organization_id, statement, context.caller.brand_ids)
    else:
        # How much a filter lets through is for Postgres to estimate each time.
        text = await context.read(lambda tx: tx.value(statement))
    if text is not None:
        return orjson.Fragment(text)
    if where is None or where.search is None:
        return None
    # It found more than its statement was made for.
    reading = replace(reading, arguments=replace(reading.arguments, where=where.search.compared))
    compared = statement_of(plan, reading, context, variables)
    return None if compared is None else await answer(context, plan, reading, compared, variables)
