"""Notes about customers."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.customers import NOTE_BY_ID
from resolvers import customers as commands
from resolvers.ids import row_id
from schema.fields import Info, argument, column, read, scoped
from schema.node import Node, node
from schema.payloads import Payload
from schema.profiles import EDIT, CustomerUserError, errors


@node(by_id=NOTE_BY_ID, scope="customers:view", description="What a member wrote about a customer.")
class CustomerNote(Node):
    body: str = column("The text.")
    author: str = column("Who wrote it.")
    created_at: datetime = column("When it was written.")


@strawberry.input(description="A note to add.")
class CustomerNoteAddInput:
    customer_id: strawberry.ID = strawberry.field(description="Whom it is about.")
    body: str = strawberry.field(description="The text, 1 to 10,000 characters.")


@strawberry.type(description="The note added.")
class CustomerNoteAddPayload(Payload):
    note: CustomerNote | None = strawberry.field(description="The note, or null when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class NoteMutations:
    @strawberry.mutation(description=scoped("Adds a note to a customer.", EDIT))
    async def customer_note_add(
        self, info: Info, input: Annotated[CustomerNoteAddInput, argument("What to add.")]
    ) -> CustomerNoteAddPayload:
        added, refusals = await commands.add_note(info.context, row_id(input.customer_id, "Customer"), input.body)
        return CustomerNoteAddPayload(note=read(info, NOTE_BY_ID, added), user_errors=errors(refusals))
