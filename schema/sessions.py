"""Signing in and staying signed in: the only mutations that need no caller."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from resolvers import sessions as commands
from schema.enums import described
from schema.fields import Info, argument, column
from schema.payloads import Payload, UserError, user_errors


@strawberry.type(description="What a client keeps after a sign-in.")
class SessionTokens:
    access_token: str = column("Send it as Bearer token with each request.")
    expires_at: datetime = column("When the access token stops working.")
    refresh_token: str = column("What tokenRefresh takes, once: keep it where scripts of others do not reach it.")
    refresh_expires_at: datetime = column("When the session is over, whatever happens; then sign in again.")


class SessionErrorCode(StrEnum):
    INVALID = "INVALID"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105  # a code, no token
    UNAVAILABLE = "UNAVAILABLE"


described(
    SessionErrorCode,
    "Why somebody was not let in.",
    {
        "INVALID": "A value cannot be accepted.",
        "INVALID_CREDENTIALS": "There is no account with this address and password.",
        "INVALID_TOKEN": "The token is used, expired, revoked or no token.",
        "UNAVAILABLE": "This installation does not let people sign in.",
    },
)


@strawberry.type(description="Why somebody was not let in.")
class SessionUserError(UserError):
    code: SessionErrorCode = strawberry.field(description="The kind of refusal.")


def errors(refusals: list[Any]) -> list[SessionUserError]:
    return user_errors(SessionUserError, SessionErrorCode, refusals)


@strawberry.input(description="Who wants to come in.")
class SignInInput:
    email: str = strawberry.field(description="Their address.")
    password: str = strawberry.field(description="Their password.")
    organization: str | None = strawberry.field(
        default=None, description="The slug of the organization; needed by who belongs to several."
    )


@strawberry.type(description="The session opened; `query` is answered for who signed in.")
class SignInPayload(Payload):
    tokens: SessionTokens | None = strawberry.field(description="What to keep, or null when refused.")
    user_errors: list[SessionUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A session to prolong.")
class TokenRefreshInput:
    refresh_token: str = strawberry.field(description="The newest one; one that was used before ends the session.")


@strawberry.type(description="The session prolonged; `query` is answered for its member.")
class TokenRefreshPayload(Payload):
    tokens: SessionTokens | None = strawberry.field(description="What to keep instead, or null when refused.")
    user_errors: list[SessionUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A session to end.")
class SignOutInput:
    refresh_token: str = strawberry.field(description="One of the session.")
    everywhere: bool = strawberry.field(default=False, description="Whether to end every session of the member.")


@strawberry.type(description="The session ended: its access tokens are refused from now on.")
class SignOutPayload(Payload):
    signed_out: bool = strawberry.field(description="Whether there was such a session.")
    user_errors: list[SessionUserError] = strawberry.field(description="Always empty: there is nothing to refuse.")


@strawberry.input(description="An invitation to accept.")
class InvitationAcceptInput:
    token: str = strawberry.field(description="What the mail contains.")
    password: str = strawberry.field(description="The password to sign in with from now on, 12 to 200 characters.")
    name: str | None = strawberry.field(default=None, description="The member's name.")


@strawberry.type(description="The first session of a new member; `query` is answered for them.")
class InvitationAcceptPayload(Payload):
    tokens: SessionTokens | None = strawberry.field(description="What to keep, or null when refused.")
    user_errors: list[SessionUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="Another password for who has signed in.")
class PasswordChangeInput:
    current_password: str = strawberry.field(description="The password so far.")
    new_password: str = strawberry.field(description="The password from now on, 12 to 200 characters.")


@strawberry.type(description="A new session after the change: every other one of the member has ended.")
class PasswordChangePayload(Payload):
    tokens: SessionTokens | None = strawberry.field(description="What to keep instead, or null when refused.")
    user_errors: list[SessionUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class SessionMutations:
    @strawberry.mutation(
        description="Opens a session with an address and a password. Needs no key; RATE_LIMITED after 20 failures."
    )
    async def sign_in(self, info: Info, input: Annotated[SignInInput, argument("Who.")]) -> SignInPayload:
        signed, refusals = await commands.sign_in(info.context, input.email, input.password, input.organization)
        return SignInPayload(tokens=_tokens(signed), user_errors=errors(refusals))

    @strawberry.mutation(description="Gives a new pair of tokens for a refresh token. Needs no key.")
    async def token_refresh(
        self, info: Info, input: Annotated[TokenRefreshInput, argument("Which session.")]
    ) -> TokenRefreshPayload:
        signed, refusals = await commands.refresh(info.context, input.refresh_token)
        return TokenRefreshPayload(tokens=_tokens(signed), user_errors=errors(refusals))

    @strawberry.mutation(description="Ends a session. Needs no key.")
    async def sign_out(self, info: Info, input: Annotated[SignOutInput, argument("Which session.")]) -> SignOutPayload:
        ended = await commands.sign_out(info.context, input.refresh_token, input.everywhere)
        return SignOutPayload(signed_out=ended, user_errors=[])

    @strawberry.mutation(description="Sets the password of somebody invited and opens a session. Needs no key.")
    async def invitation_accept(
        self, info: Info, input: Annotated[InvitationAcceptInput, argument("Which invitation.")]
    ) -> InvitationAcceptPayload:
        signed, refusals = await commands.accept(info.context, input.token, input.password, input.name)
        return InvitationAcceptPayload(tokens=_tokens(signed), user_errors=errors(refusals))

    @strawberry.mutation(description="Changes the password of who has signed in; needs a session, not a key.")
    async def password_change(
        self, info: Info, input: Annotated[PasswordChangeInput, argument("From which to which.")]
    ) -> PasswordChangePayload:
        signed, refusals = await commands.change_password(info.context, input.current_password, input.new_password)
        return PasswordChangePayload(tokens=_tokens(signed), user_errors=errors(refusals))


def _tokens(signed: commands.SignedIn | None) -> SessionTokens | None:
    if signed is None:
        return None
    return SessionTokens(
        access_token=signed.access_token,
        expires_at=signed.expires_at,
        refresh_token=signed.refresh_token,
        refresh_expires_at=signed.refresh_expires_at,
    )
