"""Merges as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry

from db.merges import Merge
from resolvers.ids import global_id
from schema.enums import described
from schema.fields import column


class AliasKind(StrEnum):
    EXTERNAL_ID = "EXTERNAL_ID"
    EMAIL = "EMAIL"


described(
    AliasKind,
    "What kind of name it is.",
    {"EXTERNAL_ID": "The partner's own id.", "EMAIL": "An e-mail address."},
    name="CustomerAliasKind",
)


@strawberry.type(description="What a customer was called who was merged into this one.")
class CustomerAlias:
    kind: AliasKind = column("What kind of name.")
    value: str = column("The name: facts, changes and look-ups that say it mean this customer.")
    created_at: datetime = column("Since when it means them.")


@strawberry.type(description="That another customer turned out to be this one; never changed afterwards.")
class CustomerMerge:
    facts: int = column("How many facts came with them.")
    messages: int = column("How many messages came with them.")
    actor: str = column("Who merged them.")
    merged_at: datetime = column("When.")

    @staticmethod
    def is_type_of(value: object, _info: object) -> bool:
        return type(value) is Merge

    @strawberry.field(description="The id that the other customer had; `customer(by: {id})` answers this one for it.")
    def merged_id(self, root: strawberry.Parent[Any]) -> strawberry.ID:
        return strawberry.ID(global_id("Customer", root.merged_id))
