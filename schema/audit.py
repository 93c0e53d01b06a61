"""The audit log as clients see it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import audit
from resolvers.ids import split_id
from schema.connections import Connection
from schema.enums import OrderDirection, described
from schema.fields import After, Before, First, Info, Last, argument, column, own_key, page_arguments, scoped
from schema.node import Node, node
from schema.scalars import JSON

VIEW = "settings:manage"


@node(by_id=audit.ENTRY_BY_ID, scope=VIEW, description="Who did what; written with it, and never changed.")
class AuditEntry(Node):
    at: datetime = column("When.")
    actor: str = column("Who: a key or a member.")
    action: str = column("What: the name of the mutation.")
    target: strawberry.ID | None = column("The global id of what it was done to, if that was one thing.")
    target_type: str | None = column("The type of the target.")
    details: JSON = column("Which inputs were given, how long their lists were and which ids they named; no values.")
    request_id: str | None = column("The request in which it was done.")


class AuditEntryOrderField(StrEnum):
    AT = "AT"


described(AuditEntryOrderField, "What the audit log can be ordered by.", {"AT": "When it was done."})


@strawberry.input(description="How to order the audit log.")
class AuditEntryOrder:
    field: AuditEntryOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which entries of the audit log; all that is said must hold.")
class AuditEntryWhereInput:
    actions: list[str] | None = strawberry.field(default=None, description="One of these mutations.")
    actor: str | None = strawberry.field(default=None, description="By this key or member.")
    target_id: strawberry.ID | None = strawberry.field(default=None, description="Done to this.")
    since: datetime | None = strawberry.field(default=None, description="Not before.")
    until: datetime | None = strawberry.field(default=None, description="Before this.")


@strawberry.type
class AuditQueries:
    @strawberry.field(
        description=scoped("Who did what in the organization, the latest first.", VIEW),
        graphql_type=Connection[AuditEntry],
    )
    def audit_log(
        self,
        info: Info,
        where: Annotated[AuditEntryWhereInput | None, argument("Which entries.")] = None,
        order_by: Annotated[AuditEntryOrder | None, argument("The order; the latest first without it.")] = None,
        search: Annotated[
            str | None,
            argument("Words in the action, the type of the target, the request's id or what the actor is called."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        arguments = page_arguments(first, after, last, before, order_by, _asked(where, search))
        return info.context.loaders.page(audit.AUDIT_LOG, own_key(info), arguments)


def _asked(where: AuditEntryWhereInput | None, search: str | None) -> Any:
    where = where or AuditEntryWhereInput()
    return audit.matching(
        actions=where.actions,
        actor=where.actor,
        target_id=split_id(where.target_id)[1] if where.target_id else None,
        since=where.since,
        until=where.until,
        search=search,
    )
