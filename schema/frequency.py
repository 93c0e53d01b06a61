"""Frequency rules: how many messages of marketing anybody may get."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db.frequency import RULE_BY_ID, RULES
from db.organizations import BRAND_BY_ID
from domain.consents import Channel
from domain.frequency import WindowMode, WindowUnit
from domain.refusals import Refused
from resolvers import frequency as commands
from resolvers.ids import global_id, row_id
from schema.connections import Connection
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
from schema.node import Node, node
from schema.organization import Brand
from schema.payloads import Payload, UserError, user_errors

VIEW, MANAGE = "campaigns:view", "settings:manage"

described(
    WindowUnit,
    "What a window is measured in.",
    {"MINUTES": "Minutes.", "HOURS": "Hours.", "DAYS": "Days.", "WEEKS": "Weeks."},
)
described(
    WindowMode,
    "How a window lies.",
    {
        "ROLLING": "So long before the message that is to be sent.",
        "CALENDAR": "Whole days of the customer's own zone, today being the last.",
    },
)


@node(by_id=RULE_BY_ID, scope=VIEW, description="At most so many messages of marketing to anybody in a window.")
class FrequencyRule(Node):
    name: str = column("Its name, unique in the organization.")
    limit_count: int = column("How many messages at most.")
    window_amount: int = column("How long the window is, in its unit.")
    window_unit: WindowUnit = column("The unit.")
    mode: WindowMode = column("How the window lies.")
    channel: Channel | None = column("Only about messages on this channel; null for all.")
    topic: str | None = column("Only about messages of this topic; null for all.")
    is_active: bool = column("Whether it holds anything up.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")
    brand: Brand | None = related(
        BRAND_BY_ID, "Only about messages of this brand; null for all.", scope="customers:view", key="brand_id"
    )


class FrequencyRuleErrorCode(StrEnum):
    INVALID = "INVALID"
    NAME_TAKEN = "NAME_TAKEN"
    NOT_FOUND = "NOT_FOUND"
    STALE = "STALE"
    TOO_MANY = "TOO_MANY"


described(
    FrequencyRuleErrorCode,
    "Why a command on frequency rules was refused.",
    {
        "INVALID": "A value cannot be accepted.",
        "NAME_TAKEN": "There is a rule of this name.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "STALE": "It was changed since the version you expected.",
        "TOO_MANY": "There are as many rules as there may be.",
    },
)


@strawberry.type(description="Why a command on frequency rules was refused.")
class FrequencyRuleUserError(UserError):
    code: FrequencyRuleErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.type
class FrequencyRuleQueries:
    @strawberry.field(
        description=scoped(
            "The organization's frequency rules, by name. All that are about a message must let it through.", VIEW
        ),
        graphql_type=Connection[FrequencyRule],
    )
    def frequency_rules(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.page(RULES, own_key(info), page_arguments(first, after, last, before))


@strawberry.input(description="A frequency rule to make.")
class FrequencyRuleCreateInput:
    name: str = strawberry.field(description="Its name, unique in the organization.")
    limit: int = strawberry.field(description="How many messages at most, 1 to 1000.")
    window_amount: int = strawberry.field(description="How long the window is, in its unit; 30 days at most.")
    window_unit: WindowUnit = strawberry.field(description="The unit.")
    mode: WindowMode = strawberry.field(
        default=WindowMode.ROLLING, description="How the window lies; CALENDAR is for days and weeks."
    )
    brand_id: strawberry.ID | None = strawberry.field(default=None, description="Only about messages of this brand.")
    channel: Channel | None = strawberry.field(default=None, description="Only about messages on this channel.")
    topic: str | None = strawberry.field(default=None, description="Only about messages of this topic.")
    is_active: bool = strawberry.field(default=True, description="Whether it holds anything up.")


@strawberry.input(description="What to change of a frequency rule; what is left out stays.")
class FrequencyRuleUpdateInput:
    rule_id: strawberry.ID = strawberry.field(description="Which rule.")
    name: str | None = strawberry.field(default=None, description="Its name.")
    limit: int | None = strawberry.field(default=None, description="How many messages at most.")
    window_amount: int | None = strawberry.field(default=None, description="How long the window is.")
    window_unit: WindowUnit | None = strawberry.field(default=None, description="The unit.")
    mode: WindowMode | None = strawberry.field(default=None, description="How the window lies.")
    brand_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only about messages of this brand; null for all."
    )
    channel: Channel | None = strawberry.field(
        default=strawberry.UNSET, description="Only about messages on this channel; null for all."
    )
    topic: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only about messages of this topic; null for all."
    )
    is_active: bool | None = strawberry.field(default=None, description="Whether it holds anything up.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="A frequency rule to delete.")
class FrequencyRuleDeleteInput:
    rule_id: strawberry.ID = strawberry.field(description="Which rule.")


@strawberry.type(description="The rule made.")
class FrequencyRuleCreatePayload(Payload):
    frequency_rule: FrequencyRule | None = strawberry.field(description="The rule, or null when refused.")
    user_errors: list[FrequencyRuleUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The rule after the change.")
class FrequencyRuleUpdatePayload(Payload):
    frequency_rule: FrequencyRule | None = strawberry.field(description="The rule, or null when refused.")
    user_errors: list[FrequencyRuleUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The id of the rule deleted.")
class FrequencyRuleDeletePayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(description="The id that is gone, or null when refused.")
    user_errors: list[FrequencyRuleUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class FrequencyRuleMutations:
    @strawberry.mutation(description=scoped("Makes a frequency rule, which counts what was sent before too.", MANAGE))
    async def frequency_rule_create(
        self, info: Info, input: Annotated[FrequencyRuleCreateInput, argument("The rule.")]
    ) -> FrequencyRuleCreatePayload:
        made, refusals = await commands.create(info.context, _given(input))
        return FrequencyRuleCreatePayload(frequency_rule=read(info, RULE_BY_ID, made), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Changes a frequency rule, also for what is being sent.", MANAGE))
    async def frequency_rule_update(
        self, info: Info, input: Annotated[FrequencyRuleUpdateInput, argument("What to change.")]
    ) -> FrequencyRuleUpdatePayload:
        rule_id = row_id(input.rule_id, "FrequencyRule")
        changed, refusals = await commands.update(info.context, rule_id, _given(input), input.expected_version)
        return FrequencyRuleUpdatePayload(frequency_rule=read(info, RULE_BY_ID, changed), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Deletes a frequency rule.", MANAGE))
    async def frequency_rule_delete(
        self, info: Info, input: Annotated[FrequencyRuleDeleteInput, argument("Which one.")]
    ) -> FrequencyRuleDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.rule_id, "FrequencyRule"))
        gone = strawberry.ID(global_id("FrequencyRule", deleted)) if deleted else None
        return FrequencyRuleDeletePayload(deleted_id=gone, user_errors=_errors(refusals))


_NAMES = {"name": "name", "limit": "limit", "window_amount": "amount", "window_unit": "unit", "mode": "mode"}


def _given(input: FrequencyRuleCreateInput | FrequencyRuleUpdateInput) -> dict[str, Any]:
    """What was said, with rows instead of global ids; brand, channel and topic can be null."""
    names = {**_NAMES, "is_active": "is_active"}
    given = {ours: getattr(input, theirs) for theirs, ours in names.items()}
    said = {name: value for name, value in given.items() if value is not None}
    scopes: dict[str, Any] = {"channel": input.channel, "topic": input.topic, "brand_id": input.brand_id}
    if isinstance(input.brand_id, str):
        scopes["brand_id"] = row_id(input.brand_id, "Brand")
    return said | {name: value for name, value in scopes.items() if value is not strawberry.UNSET}


def _errors(refusals: list[Refused]) -> list[FrequencyRuleUserError]:
    return user_errors(FrequencyRuleUserError, FrequencyRuleErrorCode, refusals)
