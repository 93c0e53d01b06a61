"""Forgotten passwords: two mutations that need no caller."""

from typing import Annotated

import strawberry

from resolvers import recovery as commands
from schema.fields import Info, argument
from schema.payloads import Payload
from schema.sessions import SessionUserError, errors


@strawberry.input(description="Who forgot their password.")
class PasswordResetRequestInput:
    email: str = strawberry.field(description="Their address.")
    organization: str | None = strawberry.field(
        default=None, description="The slug of the organization; without it each that has them sends a mail."
    )


@strawberry.type(description="What happens to the request; it does not tell whether there is such an account.")
class PasswordResetRequestPayload(Payload):
    accepted: bool = strawberry.field(
        description="Whether a mail is sent if there is an account with this address and a password."
    )
    user_errors: list[SessionUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="Another password in place of a forgotten one.")
class PasswordResetInput:
    token: str = strawberry.field(description="What the mail contains; good once, for an hour.")
    new_password: str = strawberry.field(description="The password from now on, 12 to 200 characters.")


@strawberry.type(description="The password set: every session of the member has ended, and they sign in with it.")
class PasswordResetPayload(Payload):
    reset: bool = strawberry.field(description="Whether the password is the new one.")
    user_errors: list[SessionUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class RecoveryMutations:
    @strawberry.mutation(
        description=(
            "Mails a token to who forgot their password. Needs no key; says the same whether there is such an account; "
            "RATE_LIMITED after 5 requests for an address, or 20 from one place, in 15 minutes."
        )
    )
    async def password_reset_request(
        self, info: Info, input: Annotated[PasswordResetRequestInput, argument("Who.")]
    ) -> PasswordResetRequestPayload:
        refusals = await commands.request(info.context, input.email, input.organization)
        return PasswordResetRequestPayload(accepted=not refusals, user_errors=errors(refusals))

    @strawberry.mutation(
        description="Sets another password by the token of a mail, and ends every session. Needs no key."
    )
    async def password_reset(
        self, info: Info, input: Annotated[PasswordResetInput, argument("By which token to which.")]
    ) -> PasswordResetPayload:
        done, refusals = await commands.reset(info.context, input.token, input.new_password)
        return PasswordResetPayload(reset=done, user_errors=errors(refusals))
