"""Consent topics: what a brand writes about."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import topics
from db.organizations import BRAND_BY_ID
from domain.consents import Channel
from domain.topics import DefaultRule, Topic
from resolvers import topics as commands
from resolvers.ids import row_id
from schema.connections import Connection
from schema.consents import ConsentUserError, errors
from schema.enums import OrderDirection, described
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
from schema.payloads import Payload
from schema.templates import EDIT, VIEW

described(
    DefaultRule,
    "What it means that a customer has said nothing about a topic.",
    {
        "OPT_IN_REQUIRED": "Nothing is sent until they say yes.",
        "OPT_OUT": "Messages are sent until they say no.",
    },
)


@node(by_id=topics.TOPIC_BY_ID, scope=VIEW, description="What a brand writes about; customers choose among topics.")
class ConsentTopic(Node):
    key: str = column("What campaigns and consents call it; it never changes.")
    name: str = column("What customers read on the preference page.")
    description: str | None = column("More of the same.")
    default_rule: DefaultRule = column("What it means that nothing was recorded.")
    channels: list[Channel] = column("The channels it is offered on.")
    double_opt_in: bool = column("Whether a yes waits until the owner of the address confirms it.")
    version: int = column("Grows with each change; consents name the one whose words were said yes to.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")
    brand: Brand | None = related(BRAND_BY_ID, "The brand.", scope="customers:view", key="brand_id")


class ConsentTopicOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


described(
    ConsentTopicOrderField,
    "What topics can be ordered by.",
    {"CREATED_AT": "When it was made.", "NAME": "Its name, by Unicode code point."},
)


@strawberry.input(description="How to order topics.")
class ConsentTopicOrder:
    field: ConsentTopicOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="A topic to offer.")
class ConsentTopicCreateInput:
    brand_id: strawberry.ID = strawberry.field(description="The brand.")
    key: str = strawberry.field(description="1 to 50 of a-z, 0-9, dot, dash and underscore; the topic of campaigns.")
    name: str = strawberry.field(description="What customers read.")
    description: str | None = strawberry.field(default=None, description="More of the same, at most 500 characters.")
    default_rule: DefaultRule = strawberry.field(
        default=DefaultRule.OPT_IN_REQUIRED, description="What it means that nothing was recorded."
    )
    channels: list[Channel] = strawberry.field(
        default_factory=lambda: [Channel.EMAIL], description="The channels it is offered on."
    )
    double_opt_in: bool = strawberry.field(
        default=False, description="Whether a yes by EMAIL or SMS waits until the owner of the address confirms it."
    )


@strawberry.input(description="What to change of a topic; what is left out stays.")
class ConsentTopicUpdateInput:
    topic_id: strawberry.ID = strawberry.field(description="Which topic.")
    name: str | None = strawberry.field(default=None, description="What customers read.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="More; null removes it.")
    default_rule: DefaultRule | None = strawberry.field(default=None, description="What nothing recorded means.")
    channels: list[Channel] | None = strawberry.field(default=None, description="The channels it is offered on.")
    double_opt_in: bool | None = strawberry.field(default=None, description="Whether a yes waits for confirmation.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="A topic to offer no more.")
class ConsentTopicDeleteInput:
    topic_id: strawberry.ID = strawberry.field(description="Which topic.")


@strawberry.type(description="The topic made.")
class ConsentTopicCreatePayload(Payload):
    topic: ConsentTopic | None = strawberry.field(description="The topic, or null when refused.")
    user_errors: list[ConsentUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The topic after the change.")
class ConsentTopicUpdatePayload(Payload):
    topic: ConsentTopic | None = strawberry.field(description="The topic, or null when refused.")
    user_errors: list[ConsentUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The topic that is not offered any more.")
class ConsentTopicDeletePayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Its id, or null when refused.")
    user_errors: list[ConsentUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class ConsentTopicQueries:
    @strawberry.field(description=scoped("The topics that brands offer.", VIEW), graphql_type=Connection[ConsentTopic])
    def consent_topics(
        self,
        info: Info,
        order_by: Annotated[ConsentTopicOrder | None, argument("The order; oldest first without it.")] = None,
        brand_id: Annotated[strawberry.ID | None, argument("Only of this brand.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        where = topics.matching(row_id(brand_id, "Brand") if brand_id else None)
        arguments = page_arguments(first, after, last, before, order_by, where)
        return info.context.loaders.page(topics.TOPICS, own_key(info), arguments)


@strawberry.type
class ConsentTopicMutations:
    @strawberry.mutation(description=scoped("Offers a topic; one that was deleted is offered again.", EDIT))
    async def consent_topic_create(
        self, info: Info, input: Annotated[ConsentTopicCreateInput, argument("The topic.")]
    ) -> ConsentTopicCreatePayload:
        topic = Topic(
            input.key, input.name, input.description, input.default_rule, tuple(input.channels), input.double_opt_in
        )
        made, refusals = await commands.create(info.context, row_id(input.brand_id, "Brand"), topic)
        return ConsentTopicCreatePayload(topic=read(info, topics.TOPIC_BY_ID, made), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Changes a topic, and with its rule who is written to from now on.", EDIT))
    async def consent_topic_update(
        self, info: Info, input: Annotated[ConsentTopicUpdateInput, argument("What to change.")]
    ) -> ConsentTopicUpdatePayload:
        names = ("name", "default_rule", "channels", "double_opt_in")
        given = {name: getattr(input, name) for name in names if getattr(input, name) is not None}
        given |= {} if input.description is strawberry.UNSET else {"description": input.description}
        changed, refusals = await commands.update(
            info.context, row_id(input.topic_id, "ConsentTopic"), given, input.expected_version
        )
        return ConsentTopicUpdatePayload(topic=read(info, topics.TOPIC_BY_ID, changed), user_errors=errors(refusals))

    @strawberry.mutation(
        description=scoped("Offers a topic no more; what was recorded about it keeps its meaning.", EDIT)
    )
    async def consent_topic_delete(
        self, info: Info, input: Annotated[ConsentTopicDeleteInput, argument("Which one.")]
    ) -> ConsentTopicDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.topic_id, "ConsentTopic"))
        return ConsentTopicDeletePayload(deleted_id=input.topic_id if deleted else None, user_errors=errors(refusals))
