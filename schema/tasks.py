"""Tasks that stages cause: listed, and told to be done."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db.customers import CUSTOMER_BY_ID
from db.journeys.tasks import TASK_BY_ID, TASKS
from db.statement import sql
from domain.journeys.actions import TaskKind, TaskStatus
from resolvers import journeys as commands
from resolvers.ids import row_id
from resolvers.journeys import EDIT
from schema.connections import Connection
from schema.customers import Customer
from schema.enums import described
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    own_key,
    page_arguments,
    read,
    related,
    scoped,
)
from schema.journey_stages import VIEW
from schema.node import Node, node
from schema.payloads import Payload, UserError, user_errors

described(
    TaskStatus,
    "Whether a task is to be done still.",
    {"CANCELLED": "Not any more.", "DONE": "It was done.", "OPEN": "It is."},
)


@node(by_id=TASK_BY_ID, scope=VIEW, description="Work for people.")
class Task(Node):
    kind: TaskKind = column("What kind.")
    title: str = column("What it is called.")
    due_on: date = column("The local day on which it is due.")
    status: TaskStatus = column("Whether it is to be done still.")
    action_key: str | None = column("The stage's action that caused it.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")

    customer: Customer = related(CUSTOMER_BY_ID, "About whom.", scope="customers:view", key="customer_id")


class TaskErrorCode(StrEnum):
    NOT_FOUND = "NOT_FOUND"
    STALE = "STALE"


described(
    TaskErrorCode,
    "Why a command on a task was refused.",
    {
        "NOT_FOUND": "There is no such task, or you may not see it.",
        "STALE": "It was changed since the version you expected; the message tells the current one.",
    },
)


@strawberry.type(description="Why a command on a task was refused.")
class TaskUserError(UserError):
    code: TaskErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.input(description="What became of a task.")
class TaskUpdateInput:
    task_id: strawberry.ID = strawberry.field(description="Which task.")
    status: TaskStatus = strawberry.field(description="What it is from now on.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.type(description="The task after the change.")
class TaskUpdatePayload(Payload):
    task: Task | None = strawberry.field(description="The task, or null when refused.")
    user_errors: list[TaskUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class TaskQueries:
    @strawberry.field(description=scoped("Tasks, the first due first.", VIEW), graphql_type=Connection[Task])
    def tasks(
        self,
        info: Info,
        status: Annotated[TaskStatus | None, argument("Only those; all without it.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        where = sql("t.status = :status", status=status.value) if status else None
        return info.context.loaders.page(TASKS, own_key(info), page_arguments(first, after, last, before, None, where))


@strawberry.type
class TaskMutations:
    @strawberry.mutation(description=scoped("Says what became of a task.", EDIT))
    async def task_update(
        self, info: Info, input: Annotated[TaskUpdateInput, argument("Which task, and what.")]
    ) -> TaskUpdatePayload:
        task_id = row_id(input.task_id, "Task")
        changed, refusals = await commands.set_task(info.context, task_id, input.status, input.expected_version)
        return TaskUpdatePayload(
            task=read(info, TASK_BY_ID, changed), user_errors=user_errors(TaskUserError, TaskErrorCode, refusals)
        )
