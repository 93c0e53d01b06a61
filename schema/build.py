"""The executable schema and its SDL."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from schema.idempotency import idempotent
from schema.root import Mutation, Query
from schema.scalars import SCALARS
from schema.subscriptions import Subscription


class Schema(strawberry.Schema):
    """Strawberry's schema; faults are logged where they are masked (schema/errors.py), so not here a second time."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        pass


def build_schema(*, sort: bool = False) -> Schema:
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        directives=[idempotent],
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=sort),
    )


schema = build_schema()


def sdl() -> str:
    """The schema in the definition language, sorted, so that a diff shows changes and nothing else."""
    return build_schema(sort=True).as_str() + "\n"
