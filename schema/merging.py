"""Making one customer of two."""

from typing import Annotated

import strawberry

from db.customers import CUSTOMER_BY_ID
from db.merges import MERGE_BY_ID
from db.merging import Expected
from resolvers import merging as commands
from resolvers.ids import row_id
from schema.customers import Customer
from schema.fields import Info, argument, read, scoped
from schema.merges import CustomerMerge
from schema.payloads import Payload
from schema.profiles import EDIT, CustomerUserError, errors


@strawberry.input(description="Two customers who turned out to be one.")
class CustomerMergeInput:
    from_: strawberry.ID = strawberry.field(name="from", description="Who is merged, and is gone afterwards.")
    into: strawberry.ID = strawberry.field(description="Who is kept, and has everything afterwards.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse unless this is the version of the kept one."
    )
    expected_from_version: int | None = strawberry.field(
        default=None, description="Refuse unless this is the version of the merged one."
    )


@strawberry.type(description="The customer kept.")
class CustomerMergePayload(Payload):
    customer: Customer | None = strawberry.field(description="The customer kept, or null when refused.")
    merge: CustomerMerge | None = strawberry.field(description="What was merged, or null when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class MergeMutations:
    @strawberry.mutation(
        description=scoped(
            "Makes one customer of two: what the one has becomes the other's, and its names mean the other from then "
            "on. Where both say something the kept one's word counts, but a no to messages counts whoever said it. "
            "Not to be undone. Not for callers who are limited to brands.",
            EDIT,
        )
    )
    async def customer_merge(
        self, info: Info, input: Annotated[CustomerMergeInput, argument("Which customers.")]
    ) -> CustomerMergePayload:
        from_, into = row_id(input.from_, "Customer"), row_id(input.into, "Customer")
        expected = Expected(input.expected_version, input.expected_from_version)
        made, refusals = await commands.merge(info.context, from_, into, expected)
        kept, merge = made or (None, None)
        return CustomerMergePayload(
            customer=read(info, CUSTOMER_BY_ID, kept),
            merge=read(info, MERGE_BY_ID, merge),
            user_errors=errors(refusals),
        )
